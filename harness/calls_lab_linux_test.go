package harness_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/internal/testlab"
)

// callsOf returns the calls on TCP sockets of the programs of an actor, in order: who called what, and
// what came of it.
func callsOf(tr *trace.Trace, actor string) []string {
	var calls []string
	programs := map[int]bool{}
	for i := range tr.Events {
		e := &tr.Events[i]
		if e.Program != nil {
			programs[e.Program.PID] = true
		}
		if e.Call == nil || e.Call.Actor != actor {
			continue
		}
		c := e.Call
		who := "child"
		if programs[c.PID] {
			who = "program"
		}
		_, port, _ := strings.Cut(c.Remote, ":")
		result := fmt.Sprint(c.Result)
		if c.Errno != "" {
			result = c.Errno
		}
		if c.Unfinished {
			result = "unfinished"
		}
		calls = append(calls, fmt.Sprintf("%s %s(:%s) = %s", who, c.Name, port, result))
	}
	return calls
}

const hangingCalls = `
name: calls
title: A program whose child waits for an answer
duration: 300ms
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 80
    - accept: {}
  client:
    - exec: [bash, -c, "exec 4<>/dev/tcp/server/81"]
    - exec: [bash, -c, "exec 3<>/dev/tcp/server/80; echo hello >&3; (read -u 3 x; :); :"]
expect:
  - {step: client.exec2, hangs: true}
`

// The calls of a program and of its children are in the trace, those in progress as well, and no call
// of an actor.
func TestCallsOfPrograms(t *testing.T) {
	needLab(t)
	view, err := tracepoint.OpenCalls()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	tr := passes(t, hangingCalls)
	want := []string{
		"program socket(:) = 3", "program connect(:) = ECONNREFUSED", "program close(:) = 0",
		"program socket(:) = 3", "program connect(:80) = 0", "program write(:80) = 6",
		"child read(:80) = unfinished",
	}
	if diff := cmp.Diff(want, callsOf(tr, "client")); diff != "" {
		t.Errorf("the calls of the client (-want +got):\n%s", diff)
	}
	if calls := callsOf(tr, "server"); len(calls) > 0 {
		t.Errorf("the server, which runs no program, has calls %q", calls)
	}
	_, end := tr.End()
	for _, a := range tr.Attempts() {
		c := tr.Events[a.Call].Call
		if a.Unfinished && (a.Ended != end || c.Began >= end || c.Began < tr.Started()) {
			t.Errorf("the read began at %v and lasts until %v, want the end at %v", c.Began, a.Ended, end)
		}
		if c.Name == "connect" && (c.Address == "" || c.FD == nil || c.Proto != "tcp") {
			t.Errorf("the connect is %+v, want an address, a descriptor and tcp", c)
		}
	}
}

func TestCallsAreLeftAloneWithTheTracepoints(t *testing.T) {
	needLab(t)
	tr, err := harness.Run(t.Context(), only(t, hangingCalls)[0], harness.Options{NoTracepoints: true})
	if err != nil {
		t.Fatal(err)
	}
	if calls := callsOf(tr, "client"); len(calls) > 0 {
		t.Errorf("the trace has calls %q", calls)
	}
}
