package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"halfopen/harness/suite"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

func TestStatusOfRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []suite.Status
		want int
	}{
		{"all passed", []suite.Status{suite.Passed, suite.Passed}, 0},
		{"one failed", []suite.Status{suite.Passed, suite.Failed, suite.Missing}, 1},
		{"one broke off", []suite.Status{suite.Broken, suite.Missing}, 1},
		{"nothing failed, but one could not be run", []suite.Status{suite.Passed, suite.Missing}, 3},
		{"interrupted", []suite.Status{suite.Failed, suite.Canceled, suite.NotRun}, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var outcomes []suite.Result
			for _, r := range tt.in {
				outcomes = append(outcomes, suite.Result{Status: r})
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

func TestStatusOfAKernelThatIsNotThere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, _, _, err := (&suite.Placing{Kernels: []string{"1.0-none"}}).Place(nil)
	if err == nil || statusOf(err) != statusMissing {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsLeftOutIsNamedWithTheReason(t *testing.T) {
	text := leftOut([]*language.Scenario{{Name: "long"}}, "qemu-system-x86_64 is not available here")
	if !strings.Contains(text, "qemu-system-x86_64 is not available here") || !strings.Contains(text, "long") {
		t.Errorf("of what is left out it says %q", text)
	}
}
