package monitor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

// While a goroutine computes, the monitor looks at it again and again, and nothing else wakes.
func TestTheThreadFoundIsTheMonitor(t *testing.T) {
	thread, err := find()
	if err != nil {
		t.Fatal(err)
	}
	before := sleeps(t)
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
	}
	after := sleeps(t)
	for other, n := range after {
		if slept, own := n-before[other], after[thread]-before[thread]; other != thread && slept >= own {
			t.Errorf("thread %s slept %d times, %s, taken for the monitor, only %d times",
				other, slept, thread, own)
		}
	}
}

func TestRelaxIsForTheMonitorAlone(t *testing.T) {
	thread, err := find()
	if err != nil {
		t.Fatal(err)
	}
	usual := slack(t, thread)
	err = Relax()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		testlab.Need(t, "CAP_SYS_NICE", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(filepath.Join("/proc", thread, "timerslack_ns"), []byte("0"), 0); err != nil {
			t.Error(err)
		}
	})
	for other := range sleeps(t) {
		want := usual
		if other == thread {
			want = Slack
		}
		if got := slack(t, other); got != want {
			t.Errorf("thread %s has a slack of %s, want %s; the monitor is %s", other, got, want, thread)
		}
	}
}

func TestRestoreIsForTheCallingThread(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the slack is this test's
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(Slack.Nanoseconds()), 0, 0, 0); err != nil {
			t.Error(err)
		}
		if err := Restore(); err != nil {
			t.Error(err)
		}
		if got := slack(t, strconv.Itoa(unix.Gettid())); got != usualSlack {
			t.Errorf("the thread has a slack of %s, want %s", got, usualSlack)
		}
	}()
	<-done
}

func slack(t *testing.T, thread string) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", thread, "timerslack_ns"))
	if err != nil {
		t.Fatal(err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ns)
}

// sleeps returns how often each thread of this process has given up its processor by itself.
func sleeps(t *testing.T) map[string]int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, thread := range threads {
		status, err := os.ReadFile(filepath.Join("/proc/self/task", thread.Name(), "status"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(status) {
			if n, ok := bytes.CutPrefix(line, []byte("voluntary_ctxt_switches:")); ok {
				if all[thread.Name()], err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return all
}
