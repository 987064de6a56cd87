package result

import (
	"errors"
	"fmt"
	"testing"

	"halfopen/assertions"
	"halfopen/inject"
)

func TestARunThatDidNotPassHasACode(t *testing.T) {
	verdict := func(s assertions.Status, c assertions.Code) assertions.Verdict {
		return assertions.Verdict{Status: s, Code: c}
	}
	passed := verdict(assertions.Pass, "")
	skipped := verdict(assertions.Skip, assertions.OtherKernel)
	failed := verdict(assertions.Fail, assertions.WrongErrno)
	struck := verdict(assertions.Fail, assertions.FaultStruckNothing)
	late := verdict(assertions.Inconclusive, assertions.MachineLate)
	list := func(all ...assertions.Verdict) []assertions.Verdict { return all }
	for name, test := range map[string]struct {
		r    Result
		want assertions.Code
	}{
		"a pass":                     {Result{Status: Pass, Verdicts: list(passed, skipped)}, ""},
		"several failures":           {Result{Status: Fail, Verdicts: list(passed, skipped, late, failed, struck)}, assertions.WrongErrno},
		"an inconclusive run":        {Result{Status: Inconclusive, Verdicts: list(skipped, passed, late)}, assertions.MachineLate},
		"every expectation skipped":  {Result{Status: Skip, Verdicts: list(skipped, passed), Err: errors.New("every one")}, assertions.OtherKernel},
		"a machine that lacks it":    {Result{Status: Skip, Err: fmt.Errorf("run: %w", &inject.MissingError{Feature: "x"})}, MissingCapability},
		"a value that is refused":    {Result{Status: Error, Err: fmt.Errorf("run: %w", &inject.RefusedError{Text: "x"})}, RefusedValue},
		"a run that broke off":       {Result{Status: Error, Err: errors.New("no room")}, BrokeOff},
		"one that was canceled":      {Result{Status: Canceled, Err: errors.New("SIGINT")}, StoppedEarly},
		"one that was never begun":   {Result{}, NeverRun},
		"one canceled after a fault": {Result{Status: Canceled, Verdicts: list(failed)}, StoppedEarly},
	} {
		if got := test.r.Code(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
