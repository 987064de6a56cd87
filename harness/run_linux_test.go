package harness

import (
	"syscall"
	"testing"
	"time"

	"halfopen/harness/internal/sandbox"
)

// A lab may be killed until keep returns. Until then its PID must not go to another process.
func TestALabIsReapedAfterItsLastKill(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 3"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	l := &labProcess{
		Process: &sandbox.Process{PID: pid},
		ended:   make(chan struct{}),
		kept:    make(chan struct{}),
		keeper:  newKeeper(usual, 0, time.Now()),
	}
	var owned error
	go func() { // in place of keep
		defer close(l.kept)
		<-l.ended
		owned = syscall.Kill(l.PID, 0)
	}()
	status, err := l.end()
	if err != nil || status.ExitStatus() != 3 {
		t.Errorf("the lab ended with %d, %v, want 3", status.ExitStatus(), err)
	}
	if owned != nil {
		t.Errorf("the PID of the lab was free when keep could still kill it: %v", owned)
	}
	if err := syscall.Kill(l.PID, 0); err != syscall.ESRCH {
		t.Errorf("the lab was not reaped: %v", err)
	}
}
