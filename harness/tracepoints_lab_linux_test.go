package harness_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/harness"
	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/internal/testlab"
)

// oneConnection is a whole connection. The listener is open until the lab ends.
const oneConnection = `
name: probe
title: A connection is made and closed
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: {port: 8080}
    - accept
    - recv: {until: eof}
    - close
    - sleep: 200ms
  client:
    - connect: {to: "server:8080"}
    - close
    - sleep: 200ms
expect:
  - {step: client.connect, result: 0}
`

func TestTheKernelsEventsAreInTheTrace(t *testing.T) {
	needLab(t)
	view, err := tracepoint.Open()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	var emitted []trace.Event
	tr, err := harness.Run(t.Context(), only(t, oneConnection)[0], harness.Options{
		Emit: func(e trace.Event) { emitted = append(emitted, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	watched, at := tracepointsOf(t, tr)
	if watched.Off != "" || watched.Remedy != "" {
		t.Errorf("tracepoints are off: %+v", watched)
	}
	started := tr.Started()
	if at >= started {
		t.Errorf("the tracepoints are announced at %v, the actors begin at %v", at, started)
	}
	last := len(tr.Events) - 1
	if tr.Events[last].End == nil {
		t.Errorf("the last event is a %s", tr.Events[last].Kind())
	}
	for _, want := range []struct{ host, life string }{
		{"client", "CLOSE > SYN_SENT > ESTABLISHED > FIN_WAIT1 > FIN_WAIT2 > CLOSE"},
		{"server", "LISTEN > SYN_RECV > ESTABLISHED > CLOSE_WAIT > LAST_ACK > CLOSE"},
		{"server", "CLOSE > LISTEN"}, // its end, with its process, is no part of the run
	} {
		if lives := livesOf(tr, want.host); !slices.Contains(lives, want.life) {
			t.Errorf("the sockets of the %s went\n%s, want one\n%s",
				want.host, strings.Join(lives, "\n"), want.life)
		}
	}
	if len(emitted) != len(tr.Events) || emitted[len(emitted)-1].End == nil {
		t.Errorf("%d events were emitted, the last is a %s; want the %d of the trace, the end last",
			len(emitted), emitted[len(emitted)-1].Kind(), len(tr.Events))
	}
	if i := slices.IndexFunc(tr.Events, func(e trace.Entry) bool { return e.Lost != nil }); i >= 0 {
		t.Errorf("events were lost: %+v", tr.Events[i].Lost)
	}
}

// The two capabilities of the file are enough.
func TestAnOrdinaryUserMayWatchTheKernel(t *testing.T) {
	needLab(t)
	asOrdinaryUser(t, mayTrace(t, copyOfTest(t)), "TestTheKernelsEventsAreInTheTrace")
}

func TestTracepointsCanBeLeftAlone(t *testing.T) {
	needLab(t)
	tr, err := harness.Run(t.Context(), only(t, oneConnection)[0],
		harness.Options{NoTracepoints: true})
	if err != nil {
		t.Fatal(err)
	}
	if watched, _ := tracepointsOf(t, tr); watched.Off != trace.LeftAlone {
		t.Errorf("the tracepoints are off because of %q, want %q", watched.Off, trace.LeftAlone)
	}
	for i := range tr.Events {
		if e := &tr.Events[i]; e.Transition != nil || e.Drop != nil || e.Probe != nil {
			t.Fatalf("event %d is a %s", i, e.Kind())
		}
	}
}

// tracepointsOf returns the only announcement of the tracepoints, and when it was made.
func tracepointsOf(t *testing.T, tr *trace.Trace) (found *trace.Tracepoints, at time.Duration) {
	t.Helper()
	for i := range tr.Events {
		if w := tr.Events[i].Tracepoints; w != nil {
			if found != nil {
				t.Error("the tracepoints are announced twice")
			}
			found, at = w, tr.Events[i].T
		}
	}
	if found == nil {
		t.Fatal("the trace does not say whether the tracepoints were watched")
	}
	return found, at
}

// livesOf returns the states that each socket of a host went through.
func livesOf(tr *trace.Trace, host string) []string {
	var lives []string
	var cookies []uint64
	for i := range tr.Events {
		e := tr.Events[i].Transition
		if e == nil || e.Host != host {
			continue
		}
		at := slices.Index(cookies, e.Cookie)
		if at < 0 {
			at = len(cookies)
			cookies, lives = append(cookies, e.Cookie), append(lives, e.From)
		}
		lives[at] += " > " + e.State
	}
	return lives
}
