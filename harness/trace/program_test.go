package trace

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramsOfARun(t *testing.T) {
	program := func(step string, n int, what ProgramChange) Event {
		return Event{Program: &Program{Actor: "a", Step: step, N: n, What: what}}
	}
	line := func(step string, n int) Event { return Event{Line: &Line{Actor: "a", Step: step, N: n}} }
	got := Of(
		program("exec", 1, ProgramStarted), // 0
		program("other", 1, ProgramStarted),
		line("exec", 1),
		line("other", 1),
		program("exec", 1, ProgramCut), // 4
		line("exec", 1),
		program("exec", 1, ProgramEnded),
		program("exec", 2, ProgramStarted), // 7
		line("exec", 2),
		line("nobody's", 1),
		program("nobody's", 1, ProgramEnded),
	).Programs()
	want := []ProgramRun{
		{Started: 0, Ended: 6, Lines: []int{2, 5}, Cut: 4},
		{Started: 1, Ended: -1, Lines: []int{3}, Cut: -1},
		{Started: 7, Ended: -1, Lines: []int{8}, Cut: -1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if all := Of(Event{Step: &Step{ID: "exec"}}).Programs(); all != nil {
		t.Errorf("a trace of an earlier version has the programs %v", all)
	}
}

func TestLogNamesAreDifferent(t *testing.T) {
	names := map[string]bool{}
	for _, want := range []struct {
		host, actor, step string
		n                 int
		stream            Stream
		name              string
	}{
		{"server", "server", "web", 1, Stdout, "server.web.stdout"},
		{"server", "server", "web", 1, Stderr, "server.web.stderr"},
		{"server", "server", "web", 2, Stdout, "server.web+2.stdout"},
		{"server", "worker", "web", 1, Stdout, "server.worker.web.stdout"},
		{"server", "server", "web-2", 1, Stdout, "server.web-2.stdout"},
		{"server", "web", "2", 1, Stdout, "server.web.2.stdout"},
	} {
		got := LogName(want.host, want.actor, want.step, want.n, want.stream)
		if got != want.name || names[got] {
			t.Errorf("%+v has the name %q", want, got)
		}
		names[got] = true
	}
}
