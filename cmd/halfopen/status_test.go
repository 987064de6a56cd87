package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
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
		{"one stayed inconclusive", []suite.Status{suite.Inconclusive, suite.Skip}, 1},
		{"one broke off", []suite.Status{suite.Error, suite.Skip}, 1},
		{"nothing failed, but one could not be run", []suite.Status{suite.Pass, suite.Skip}, 3},
		{"interrupted", []suite.Status{suite.Fail, suite.Canceled, suite.NotRun}, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var results []suite.Result
			for _, r := range tt.in {
				results = append(results, suite.Result{Status: r})
			}
			if got := statusOfRuns(results, result.Tally{}, suiteEnd{}); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

// Why a suite ended before its runs matters, and what counts as a failure.
func TestStatusOfSuitesThatEndEarly(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []suite.Status
		end  suiteEnd
		want int
	}{
		{"the first failure", []suite.Status{suite.Fail, suite.Canceled, suite.NotRun}, suiteEnd{stop: result.FailFast}, 1},
		{"out of time, nothing failed", []suite.Status{suite.Pass, suite.Canceled, suite.NotRun}, suiteEnd{stop: result.OutOfTime}, 1},
		{"out of time, one skipped", []suite.Status{suite.Skip, suite.NotRun}, suiteEnd{stop: result.OutOfTime}, 1},
		{"out of time, repeated long enough", []suite.Status{suite.Pass, suite.Canceled}, suiteEnd{stop: result.OutOfTime, enough: true}, 0},
		{"a failure found by repeating", []suite.Status{suite.Pass, suite.Fail, suite.Canceled}, suiteEnd{stop: result.UntilFail}, 1},
		{"interrupted", []suite.Status{suite.Fail, suite.NotRun}, suiteEnd{stop: result.Interrupted}, 130},
		{"interrupted between two repetitions", []suite.Status{suite.Pass}, suiteEnd{stop: result.Interrupted, enough: true}, 130},
		{"a skip that counts as a failure", []suite.Status{suite.Pass, suite.Skip}, suiteEnd{noSkip: true}, 1},
		{"a case left out where no skip is allowed", []suite.Status{suite.Pass}, suiteEnd{noSkip: true, leftOut: 1}, 1},
		{"a wrong file among others that passed", []suite.Status{suite.Pass, suite.Skip}, suiteEnd{refused: 1}, 2},
		{"a wrong file, and a failure", []suite.Status{suite.Fail}, suiteEnd{refused: 1}, 1},
		{"nothing but a wrong file", nil, suiteEnd{refused: 1}, 2},
		{"a case left out", []suite.Status{suite.Pass}, suiteEnd{leftOut: 1}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var results []suite.Result
			for _, r := range tt.in {
				results = append(results, suite.Result{Status: r})
			}
			if got := statusOfRuns(results, result.Tally{}, tt.end); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

// Of many runs only some have a result; the others are counted.
func TestStatusOfRunsThatAreOnlyCounted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		others suite.Status
		want   int
	}{
		{"they passed", suite.Pass, 0},
		{"one of them failed", suite.Fail, 1},
		{"one of them could not be run", suite.Skip, 3},
		{"some never began", suite.NotRun, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var others result.Tally
			others.Count(suite.Pass, 10)
			others.Count(tt.others, 1)
			if got := statusOfRuns([]suite.Result{{Status: suite.Pass}}, others, suiteEnd{}); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

// The verdicts of controls do not count, only what they prove.
func TestStatusOfControls(t *testing.T) {
	s := &language.Scenario{
		Name: "a", Faults: []language.Fault{{Name: "loss"}},
		Expect: []language.Expectation{{Step: &language.StepExpectation{Step: "client.connect"}}},
	}
	marked := *s
	marked.Control = []language.Unproven{{Fault: "loss", Reason: "it is said so"}}
	for _, tt := range []struct {
		name          string
		s             *language.Scenario
		with, without suite.Status
		want          int
	}{
		{"proven", s, suite.Pass, suite.Fail, 0},
		{"unproven", s, suite.Pass, suite.Pass, 1},
		{"marked", &marked, suite.Pass, suite.Pass, 0},
		{"marked, but proven", &marked, suite.Pass, suite.Fail, 0},
		{"the case fails", s, suite.Fail, suite.Fail, 1},
		{"the control breaks off", s, suite.Pass, suite.Error, 1},
		{"the case cannot be run", s, suite.Skip, suite.Skip, 3},
		{"the control was interrupted", s, suite.Pass, suite.Canceled, 130},
		{"the case was interrupted", s, suite.NotRun, suite.NotRun, 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			came := func(s *language.Scenario, status suite.Status) suite.Result {
				r := suite.Result{
					Run: suite.Run{Scenario: s}, Status: status, Trace: &trace.Trace{},
					Verdicts: []assertions.Verdict{{Status: assertions.Pass}},
				}
				switch status {
				case suite.Fail:
					r.Verdicts[0].Status = assertions.Fail
				case suite.Skip, suite.Error:
					r.Err = errors.New("no")
				}
				return r
			}
			got := statusOfControls([]suite.Result{
				came(tt.s, tt.with), came(tt.s.Controls()[0], tt.without),
			}, result.Tally{}, suiteEnd{})
			if got != tt.want {
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
			if got := statusOfRuns([]suite.Result{refused, {Status: tt.other}}, result.Tally{}, suiteEnd{}); got != tt.want {
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

func TestProgramsWriteNothingFromAGuest(t *testing.T) {
	guest, here := suite.Place{Kernel: "6.12"}, suite.Place{}
	program := &language.Scenario{Actors: []language.Actor{{Steps: []language.Step{
		{Op: language.Op{Start: &language.Start{}}},
	}}}}
	for name, tt := range map[string]struct {
		run  suite.Run
		want bool
	}{
		"a program in a guest":        {suite.Run{Scenario: program, Place: guest}, true},
		"a program on the machine":    {suite.Run{Scenario: program, Place: here}, false},
		"a guest without any program": {suite.Run{Scenario: &language.Scenario{}, Place: guest}, false},
	} {
		if got := writesFromGuest(tt.run); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}
