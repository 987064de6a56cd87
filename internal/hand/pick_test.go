package hand

import (
	"fmt"
	"testing"
	"time"
)

func TestPick(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	lab := func(socket string, number int, state State) Lab {
		return Lab{
			Number: number, Run: fmt.Sprintf("run-%s-%d", socket, number), State: state, Since: since,
		}
	}
	all := func(processes ...[]Lab) []Lab {
		var labs []Lab
		for i, p := range processes {
			identify(p, fmt.Sprint(i+1))
			labs = append(labs, p...)
		}
		return labs
	}
	for name, test := range map[string]struct {
		labs      []Lab
		id        string
		run, fail string
	}{
		"the only lab that is held": {
			labs: all([]Lab{lab("1", 1, Running)}, []Lab{lab("2", 1, Held)}), run: "run-2-1",
		},
		"the only lab": {labs: all([]Lab{lab("1", 1, Running)}), run: "run-1-1"},
		"a lab by the number of its process": {
			labs: all([]Lab{lab("1", 1, Held)}, []Lab{lab("2", 1, Held)}), id: "2", run: "run-2-1",
		},
		"one of several labs of a process": {
			labs: all([]Lab{lab("1", 1, Running), lab("1", 7, Running)}), id: "1.7", run: "run-1-7",
		},
		"the last of several labs of a process, by the ID that it had among them": {
			labs: all([]Lab{lab("1", 7, Running)}), id: "1.7", run: "run-1-7",
		},
		"several that are held": {
			labs: all([]Lab{lab("1", 1, Held)}, []Lab{lab("2", 3, Held), lab("2", 12, Running)}),
			fail: `several labs run; name one by --lab ID
  1     run-1-1, held since 03:04:05
  2.3   run-2-3, held since 03:04:05
  2.12  run-2-12, running since 03:04:05`,
		},
		"several that run": {
			labs: all([]Lab{lab("1", 1, Running)}, []Lab{lab("2", 1, Running)}),
			fail: `several labs run; name one by --lab ID
  1  run-1-1, running since 03:04:05
  2  run-2-1, running since 03:04:05`,
		},
		"an unknown ID": {
			labs: all([]Lab{lab("1", 1, Held)}), id: "3",
			fail: `no lab "3" among these
  1  run-1-1, held since 03:04:05`,
		},
		"a process with several labs": {
			labs: all([]Lab{lab("1", 1, Running), {Number: 2, Run: "x\x1b[2J", State: Running, Since: since}}), id: "1",
			fail: `no lab "1" among these
  1.1  run-1-1, running since 03:04:05
  1.2  x\x1b[2J, running since 03:04:05`,
		},
		"none": {
			fail: "no lab is held or running: halfopen shell NAME holds one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Pick(test.labs, test.id)
			switch {
			case err != nil && err.Error() != test.fail:
				t.Errorf("got the error\n%v, want\n%s", err, test.fail)
			case err == nil && (test.fail != "" || got.Run != test.run):
				t.Errorf("got %s, want %s%s", got.Run, test.run, test.fail)
			}
		})
	}
}

func TestAnErrorListsTheFirstOfVeryManyLabs(t *testing.T) {
	labs := make([]Lab, 1000)
	for i := range labs {
		labs[i] = Lab{Number: i + 1, Run: "r", State: Running}
	}
	identify(labs, "1")
	_, err := Pick(labs, "")
	if err == nil {
		t.Fatal("a lab was picked")
	}
	lines := err.(interface{ Unwrap() []error }).Unwrap()
	if got := len(lines); got != 1+mostListed+1 || lines[got-1].Error() != "  and 960 more" {
		t.Errorf("got %d lines, the last one %q", got, lines[len(lines)-1])
	}
}
