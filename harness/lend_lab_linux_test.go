package harness_test

import (
	"testing"
	"time"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/hand"
	"halfopen/internal/testlab"
)

// A lab that is held while its actors run has no deadline before it is released, and the scenario's after
// that.
func TestTheDeadlineCountsFromTheRelease(t *testing.T) {
	needLab(t)
	t.Parallel()
	scenario := only(t, `
name: lent
title: An actor that hangs
deadline: 200ms
hosts: {client: {}, server: {}}
faults:
  idle: {match: {from: client, tcp: SYN}, do: drop}
actors:
  server:
    - listen: 80
    - accept: {}
expect:
  - {step: server.accept, hangs: true}
`)[0]
	labs := make(chan *harness.Lab, 1)
	over := make(chan struct{})
	var tr *trace.Trace
	var err error
	go func() {
		defer close(over)
		tr, err = harness.Run(t.Context(), scenario, harness.Options{
			Hold: harness.HoldDuring, Off: []string{"idle"}, Opened: func(l *harness.Lab) { labs <- l },
		})
	}()
	var l *harness.Lab
	select {
	case l = <-labs:
	case <-over:
		testlab.Supported(t, err)
		t.Fatal("it ended before its actors began")
	}
	for _, r := range []hand.Request{{Op: hand.OpSwitch, Fault: "idle", On: true}, {Op: hand.OpSockets, Host: "client"}} {
		if reply := ask(t, l, r); reply.Error != "" {
			t.Errorf("%+v: %+v", r, reply)
		}
	}
	if reply := ask(t, l, hand.Request{Op: hand.OpSockets, Host: "cleint"}); reply.Status != 2 {
		t.Errorf("sockets on an unknown host: %+v", reply)
	}
	select {
	case <-time.After(500 * time.Millisecond):
	case <-over:
		t.Fatalf("it ended before its release: %v", err)
	}
	began := time.Now()
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	<-over
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("it ended %s after its release, before the deadline", took)
	}
	if end, _ := tr.End(); end.Reason != trace.EndDeadline {
		t.Errorf("it ended because of %s", end.Reason)
	}
	switches := 0
	for i := range tr.Events {
		if f := tr.Events[i].Fault; f != nil && f.Holder && f.Hand == "" {
			switches++
		}
	}
	if switches != 2 {
		t.Errorf("%d events of the fault are its holder's, want that it is left to him, and its switch", switches)
	}
}
