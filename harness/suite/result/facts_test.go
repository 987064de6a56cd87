package result

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

func TestFactsOfATrace(t *testing.T) {
	const ms = time.Millisecond
	program := func(at time.Duration, p trace.Program) trace.Event {
		p.Actor, p.N = "server", 1
		return trace.Event{T: at, Program: &p}
	}
	got := FactsOf(trace.Of([]trace.Event{
		{Run: &trace.Run{Kernel: "6.18.0"}},
		{T: ms, Fault: &trace.Fault{Name: "loss", What: "on", Mechanism: "tc", Why: "it can"}},
		{T: 2 * ms, Start: &trace.Start{}},
		program(3*ms, trace.Program{Step: "web", What: trace.ProgramStarted, Command: []string{"web", "-v"}}),
		program(4*ms, trace.Program{Step: "log", What: trace.ProgramStarted, Command: []string{"log"}}),
		program(4*ms, trace.Program{Step: "ping", What: trace.ProgramStarted, Command: []string{"ping"}}),
		{T: 5 * ms, Fault: &trace.Fault{Name: "loss", What: "hits", Hits: 3}},
		program(9*ms, trace.Program{Step: "web", What: trace.ProgramEnded, Killed: "TERM"}),
		program(10*ms, trace.Program{Step: "ping", What: trace.ProgramEnded}),
		{T: 14 * ms, End: &trace.End{Reason: trace.EndDeadline, Hanging: []string{"client.recv"}}},
	}...))
	zero := 0
	want := Facts{
		Kernel: "6.18.0", Ended: trace.EndDeadline, Hanging: []string{"client.recv"},
		Faults: []FaultHits{{Name: "loss", Mechanism: "tc", Why: "it can", Hits: 3}},
		Programs: []ProgramEnd{
			{Step: "server.web", N: 1, Command: []string{"web", "-v"}, Began: 0.001, Seconds: 0.006, Killed: "TERM"},
			{Step: "server.log", N: 1, Command: []string{"log"}, Began: 0.002, Seconds: 0.01, Running: true},
			{Step: "server.ping", N: 1, Command: []string{"ping"}, Began: 0.002, Seconds: 0.006, Exit: &zero},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Facts{}, FactsOf(nil)); diff != "" {
		t.Errorf("facts of a run without a trace (-want +got):\n%s", diff)
	}
}
