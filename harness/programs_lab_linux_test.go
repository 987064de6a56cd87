package harness_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/trace"
)

// linesOf returns the lines of the programs of a run, each "STEP STREAM TEXT" of its actor client.
func linesOf(t *trace.Trace) []string {
	var lines []string
	for i := range t.Events {
		if l := t.Events[i].Line; l != nil {
			open := ""
			if l.Open {
				open = " (open)"
			}
			lines = append(lines, fmt.Sprintf("%s %s %s%s", l.Step, l.Stream, l.Text, open))
		}
	}
	return lines
}

// What a program has printed before a run ended is in the trace, though the program still runs.
func TestLinesOfAHangingProgramAreInTheTrace(t *testing.T) {
	needLab(t)
	const scenario = `
name: hanging
title: A program that does not end
deadline: 1s
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - exec: "echo why; echo and why >&2; printf prompt; exec sleep 30"
expect:
  - {process: client.exec, exit: 0}
`
	tr, err := harness.Run(t.Context(), only(t, scenario)[0], harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := linesOf(tr)
	slices.Sort(lines) // the two streams are read independently
	want := []string{"exec stderr and why", "exec stdout prompt (open)", "exec stdout why"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	programs := tr.Programs()
	if len(programs) != 1 || programs[0].Ended >= 0 {
		t.Fatalf("programs %+v, want one that has not ended", programs)
	}
	end, at := tr.End()
	if end.Reason != trace.EndDeadline || at < tr.Events[programs[0].Lines[len(lines)-1]].T {
		t.Errorf("the run ended with %s at %v, before its last line", end.Reason, at)
	}
}
