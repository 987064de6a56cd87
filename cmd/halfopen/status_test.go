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
		{"all passed", []suite.Status{suite.Pass, suite.Pass}, 0},
		{"one failed", []suite.Status{suite.Pass, suite.Fail, suite.Skip}, 1},
		{"one broke off", []suite.Status{suite.Error, suite.Skip}, 1},
		{"nothing failed, but one could not be run", []suite.Status{suite.Pass, suite.Skip}, 3},
		{"interrupted", []suite.Status{suite.Fail, suite.Canceled, suite.NotRun}, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var results []suite.Result
			for _, r := range tt.in {
				results = append(results, suite.Result{Status: r})
			}
			if got := statusOfRuns(results); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

// A value that the kernel refuses is a mistake of the scenario; a failure weighs more.
func TestStatusOfRunsThatTheKernelRefuses(t *testing.T) {
	refused := suite.Result{Status: suite.Error, Err: fmt.Errorf("building: %w", &inject.RefusedError{Text: "no"})}
	for _, tt := range []struct {
		name  string
		other suite.Status
		want  int
	}{
		{"alone with what passed", suite.Pass, 2},
		{"next to a skip", suite.Skip, 2},
		{"next to a failure", suite.Fail, 1},
		{"next to a run that broke off", suite.Error, 1},
		{"interrupted", suite.Canceled, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := statusOfRuns([]suite.Result{refused, {Status: tt.other}}); got != tt.want {
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
		{"an error of cobra", errors.New("unknown command"), 2},
		{"a missing feature", fmt.Errorf("compiling: %w", &inject.MissingError{Feature: "sch_netem"}), 3},
		{"an interrupt", context.Canceled, 130},
		{"a statusError", &statusError{status: 1}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := statusOf(tt.err); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestStatusOfAMissingKernel(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := suite.New(nil, suite.Options{Kernels: []string{"1.0-none"}})
	if err == nil || statusOf(err) != statusMissing {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsLeftOutIsNamedWithTheReason(t *testing.T) {
	text := leftOut(&suite.Suite{LeftOut: []*language.Scenario{{Name: "long"}}, WhyReal: errors.New("qemu-system-x86_64 is not available here")})
	if !strings.Contains(text, "qemu-system-x86_64 is not available here") || !strings.Contains(text, "long") {
		t.Errorf("the line about cases left out is %q", text)
	}
}
