package harness_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
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
	for _, p := range tr.Programs() { // one may call before it is reported as started
		programs[tr.Events[p.Started].Program.PID] = true
	}
	for i := range tr.Events {
		e := &tr.Events[i]
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

// Two labs at once see their own calls, and share the programs in the kernel, which are gone after the
// second.
func TestCallsOfTwoLabs(t *testing.T) {
	needLab(t)
	view, err := tracepoint.OpenCalls()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	scenario := only(t, hangingCalls)[0]
	var traces [2]*trace.Trace
	var errs [2]error
	var both sync.WaitGroup
	for i := range traces {
		both.Go(func() { traces[i], errs[i] = harness.Run(t.Context(), scenario, harness.Options{}) })
	}
	both.Wait()
	for i, tr := range traces {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if calls := callsOf(tr, "client"); len(calls) != 7 {
			t.Errorf("lab %d has the calls %q, want 7", i, calls)
		}
	}
	if harness.CallsAreWatched() {
		t.Error("the calls of programs are still watched when no lab runs")
	}
}

const ringCalls = `
name: ring
title: A program makes a ring of io_uring
hosts: {client: {}, server: {}}
actors:
  client:
    - exec: [/usr/bin/python3, -c, "import ctypes; assert ctypes.CDLL(None).syscall(425, 1, bytes(120)) >= 0"]
expect:
  - {calls: {program: client.exec, name: connect}, count: 0}
`

// Nobody sees what a program does by io_uring, so that it did nothing is not certain.
func TestCallsOfIOUring(t *testing.T) {
	needLab(t)
	view, err := tracepoint.OpenCalls()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	scenario := only(t, ringCalls)[0]
	tr, err := harness.Run(t.Context(), scenario, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v := assertions.Check(scenario, tr)[0]; v.Status != assertions.Inconclusive {
		t.Errorf("the verdict is %+v, want an inconclusive one", v)
	}
}

// Of a program that makes very many calls the trace has the first ones, the number of the others, and
// what it hangs in at last.
func TestVeryManyCalls(t *testing.T) {
	needLab(t)
	view, err := tracepoint.OpenCalls()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	const scenario = `
name: many
title: A program that makes 12 000 calls, and hangs
duration: 300ms
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 80
    - accept
    - recv: 12000
    - sleep: 100ms
  client:
    - exec: [bash, -c, "exec 3<>/dev/tcp/server/80; for ((i = 0; i < 12000; i++)); do echo >&3; done; read -u 3 x"]
expect:
  - {step: client.exec, hangs: true}
  - {calls: {program: client.exec, name: send}, error: none, count: 12000}
  - {calls: {program: client.exec, name: recv}, hangs: true, count: 1}
`
	tr := passes(t, scenario)
	const made, most, notable = 12_000, 10_000, 2000
	kept, left := 0, 0
	for i := range tr.Events {
		e := &tr.Events[i]
		if e.Call != nil && e.Call.Name == "write" {
			kept++
		}
		if e.CallsLeft != nil && e.CallsLeft.Name == "write" {
			left += int(e.CallsLeft.Count)
		}
	}
	if kept+left != made || kept > most+notable || left == 0 {
		t.Errorf("%d writes are in the trace and %d are not, want %d in all, and of these some %d in the trace",
			kept, left, made, most)
	}
	attempts := tr.Attempts()
	if last := attempts[len(attempts)-1]; !last.Unfinished || tr.Events[last.Call].Call.Name != "read" {
		t.Errorf("the last call is %+v, want a read that has not returned", tr.Events[last.Call].Call)
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
