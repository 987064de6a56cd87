package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/kernel"
	"halfopen/scenarios"
)

func TestTasksHaveSeedsThatDoNotDependOnTheOthers(t *testing.T) {
	a, b := &scenarios.Scenario{Name: "a"}, &scenarios.Scenario{Name: "b"}
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
		{"a missing feature", fmt.Errorf("compiling: %w", &kernel.MissingError{Feature: "sch_netem"}), 3},
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
