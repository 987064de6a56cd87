package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

func TestTasksHaveSeedsThatDoNotDependOnTheOthers(t *testing.T) {
	a, b := &language.Scenario{Name: "a"}, &language.Scenario{Name: "b"}
	var got []string
	for _, t := range tasks([]placed{{scenario: a}, {scenario: b}}, 2, 7) {
		got = append(got, fmt.Sprintf("%s %d seed %d", t.scenario.Name, t.n, t.seed))
	}
	if d := cmp.Diff([]string{"a 1 seed 7", "a 2 seed 8", "b 1 seed 7", "b 2 seed 8"}, got); d != "" {
		t.Errorf("tasks (-want +got):\n%s", d)
	}
	if once := tasks([]placed{{scenario: b}}, 1, 7); len(once) != 1 || once[0].n != 0 || once[0].seed != 7 {
		t.Errorf("tasks of one run = %+v", once)
	}
}

func TestStatusOfRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []result
		want int
	}{
		{"all passed", []result{passed, passed}, 0},
		{"one failed", []result{passed, failed, missing}, 1},
		{"one broke off", []result{broken, missing}, 1},
		{"nothing failed, but one could not be run", []result{passed, missing}, 3},
		{"interrupted", []result{failed, canceled, notRun}, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var outcomes []outcome
			for _, r := range tt.in {
				outcomes = append(outcomes, outcome{result: r})
			}
			if got := statusOfRuns(outcomes); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestStatusOfErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"what cobra refuses", errors.New("unknown command"), 2},
		{"a missing feature", fmt.Errorf("compiling: %w", &inject.MissingError{Feature: "sch_netem"}), 3},
		{"an interrupt", context.Canceled, 130},
		{"a status of its own", &statusError{status: 1}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := statusOf(tt.err); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFailuresOfSlowGuestsHaveAHint(t *testing.T) {
	guest := vm.Kernel{Version: "6.1"}
	for _, tt := range []struct {
		name string
		at   place
		came result
		want bool
	}{
		{"failed in a guest in real time", place{kernel: guest}, failed, true},
		{"passed there", place{kernel: guest}, passed, false},
		{"failed in warped time", place{kernel: guest, warp: true}, failed, false},
		{"failed on this machine", place{}, failed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := &language.Scenario{Name: "a", Family: language.V4}
			outcomes := []outcome{{task: task{scenario: s, place: tt.at}, result: tt.came, trace: &trace.Trace{}}}
			if err := newView(&runFlags{format: "pretty"}, nil, &out, io.Discard).close(outcomes, summary{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "--warp"); got != tt.want {
				t.Errorf("hint %t, want %t, in:\n%s", got, tt.want, out.String())
			}
		})
	}
}
