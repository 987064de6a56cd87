package harness_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/hand"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// ask sends a request to a lab, as the process does that holds it, and returns the answer, or the last
// of several.
func ask(t *testing.T, l *harness.Lab, r hand.Request) *hand.Reply {
	t.Helper()
	here, there, err := hand.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Pass(text, []*os.File{there})
	there.Close()
	if err != nil {
		t.Fatal(err)
	}
	for {
		var reply hand.Reply
		if _, err := here.Receive(&reply); err != nil {
			t.Fatalf("waiting for the answer to %s: %v", text, err)
		}
		if r.Op != hand.OpEnter || reply.Error != "" || reply.Ended != nil {
			return &reply
		}
	}
}

// The actors of a lab that is held have not begun, and faults are switched when somebody asks for it.
func TestFaultsAreSwitchedByHand(t *testing.T) {
	needLab(t)
	t.Parallel()
	file, err := language.Parse("switched.yaml", []byte(`
name: switched
title: A fault of each mechanism
hosts: {client: {}, server: {}}
faults:
  rule: {match: {from: client, tcp: SYN}, do: drop}
  queue: {match: {from: client, tcp: SYN}, do: {delay: 1ms}, from: client.connect.start}
actors:
  client:
    - connect: "server:80"
expect:
  - {step: client.connect, error: ECONNREFUSED}
`))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := file.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	labs := make(chan *harness.Lab, 1)
	var took []time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		l := <-labs
		<-l.Held
		for range 5 {
			for _, r := range []hand.Request{
				{Fault: "rule"}, {Fault: "queue", On: true}, {Fault: "rule", On: true}, {Fault: "queue"},
			} {
				r.Op, r.By = hand.OpSwitch, "ann"
				began := time.Now()
				if reply := ask(t, l, r); reply.Error != "" || reply.Same {
					t.Errorf("%+v: %+v", r, reply)
				}
				took = append(took, time.Since(began))
			}
		}
		if reply := ask(t, l, hand.Request{Op: hand.OpSwitch, Fault: "queue"}); !reply.Same {
			t.Errorf("switched off twice: %+v", reply)
		}
		for n, phrase := range []string{"drop SYN to server first 2", "reset DATA", "drop udp contains x", "drop SYN to sever", "drop until client.connect"} {
			began := time.Now()
			reply := ask(t, l, hand.Request{Op: hand.OpAdd, Phrase: phrase, By: "ann"})
			t.Logf("%s took %s", phrase, time.Since(began))
			if wrong := n > 2; wrong != (reply.Error != "") || wrong != (reply.Status == 2) || !wrong && !reply.Faults[0].On {
				t.Errorf("%s: %+v", phrase, reply)
			}
		}
		if reply := ask(t, l, hand.Request{Op: "juggle"}); reply.Error == "" || reply.Status != 2 {
			t.Errorf("an unknown request: %+v", reply)
		}
		// Whoever takes away the rule of a fault hears each time that it cannot be switched off.
		flush := []string{"iptables", "-F", "FORWARD"}
		if reply := ask(t, l, hand.Request{Op: hand.OpEnter, Host: "wire", Command: flush}); reply.Error != "" || reply.Ended.Exit != 0 {
			t.Errorf("%q: %+v", flush, reply)
		}
		off := hand.Request{Op: hand.OpSwitch, Fault: "rule"}
		for range 2 {
			if reply := ask(t, l, off); strings.Count(reply.Error, "switching fault") != 1 {
				t.Errorf("a fault without its rule: %+v", reply)
			}
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}()
	tr, err := harness.Run(t.Context(), cases[0], harness.Options{Hold: harness.HoldBefore, Opened: func(l *harness.Lab) { labs <- l }})
	testlab.Supported(t, err)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	slices.Sort(took)
	t.Logf("a change took %s, the median of %d; at most %s", took[len(took)/2], len(took), took[len(took)-1])
	changes := 0
	var added []string
	for i := range tr.Events {
		switch e := &tr.Events[i]; {
		case e.Step != nil, e.Start != nil && e.Start.Actor != "":
			t.Errorf("an actor has begun: %+v", e)
		case e.Fault != nil && e.Fault.What == trace.FaultAdded && e.Fault.Hand == "ann":
			added = append(added, e.Fault.Name)
		case e.Fault != nil && e.Fault.Hand == "ann":
			changes++
		}
	}
	if changes != len(took) {
		t.Errorf("%d changes are in the trace, want %d", changes, len(took))
	}
	if want := []string{"drop-syn", "reset-data", "drop"}; !slices.Equal(added, want) {
		t.Errorf("%q were added, want %q", added, want)
	}
	if end, _ := tr.End(); end == nil || end.Reason != trace.EndReleased {
		t.Errorf("the run ended with %+v, want that it was released", end)
	}
}

// A lab without its rules cannot count hits as long as it is held.
func TestTheRulesOfALabAreMissedOnce(t *testing.T) {
	needLab(t)
	t.Parallel()
	scenario := only(t, `
name: missed
title: The hits of a rule are counted
hosts: {client: {}, server: {}}
faults:
  rule: {match: {from: client, tcp: SYN}, do: drop}
  after: {match: {from: client, tcp: FIN}, do: drop, from: fault.rule.hit}
actors:
  client:
    - connect: "server:80"
expect:
  - {step: client.connect, error: ECONNREFUSED}
`)[0]
	done := make(chan struct{})
	labs := make(chan *harness.Lab, 1)
	go func() {
		defer close(done)
		l := <-labs
		<-l.Held
		// Hits are counted very often meanwhile.
		command := []string{"sh", "-c", "iptables -F && iptables -X && sleep 0.2"}
		if reply := ask(t, l, hand.Request{Op: hand.OpEnter, Host: "wire", Command: command}); reply.Error != "" || reply.Ended.Exit != 0 {
			t.Errorf("%q: %+v", command, reply)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}()
	var notes []string
	_, err := harness.Run(t.Context(), scenario, harness.Options{
		Hold: harness.HoldBefore, Opened: func(l *harness.Lab) { labs <- l },
		Emit: func(e trace.Event) {
			if e.Note != nil && strings.Contains(e.Note.Text, "reading the hits") {
				notes = append(notes, e.Note.Text)
			}
		},
	})
	<-done
	if len(notes) != 1 || err == nil || !strings.Contains(err.Error(), "reading the hits of fault \"rule\"") {
		t.Errorf("%d notes, the first of them %q, and the error %v: want one and an error about the rule",
			len(notes), notes[:min(len(notes), 1)], err)
	}
}
