package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/inject"
)

// The exit statuses of the command.
const (
	statusPassed   = 0
	statusFailed   = 1   // an expectation failed, a run broke off without a verdict, or had no time
	statusUsage    = 2   // scenario or command line is wrong, and nothing failed; or output is lost
	statusMissing  = 3   // this machine cannot run or judge it, and nothing failed
	statusCanceled = 130 // SIGINT or SIGTERM, as a shell reports it
)

// statusError ends the command with a status. A nil err means that the message was already printed.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &statusError{statusUsage, fmt.Errorf(format, args...)}
}

// statusOf returns the exit status for the error of a command. Errors of cobra mean that the
// command line is wrong.
func statusOf(err error) int {
	var s *statusError
	var m *inject.MissingError
	switch {
	case err == nil:
		return statusPassed
	case errors.As(err, &s):
		return s.status
	case errors.As(err, &m):
		return statusMissing
	case errors.Is(err, context.Canceled):
		return statusCanceled
	}
	return statusUsage
}

// suiteEnd is what the exit status depends on next to the results of runs.
type suiteEnd struct {
	// stop is why the suite ended before its runs. With the zero value, runs that did not end were
	// interrupted.
	stop result.Stop
	// enough is set where runs were repeated as long as there was time: their end is not a failure.
	enough bool
	// noSkip is set if a skip is a failure; leftOut is the number of cases that were not run.
	noSkip  bool
	leftOut int
	// refused is the number of wrong files that did not keep the others from being run.
	refused int
}

func (e *suiteEnd) interrupted(unended int) bool {
	return e.stop == result.Interrupted || e.stop == result.NotStopped && unended > 0
}

// statusOfRuns returns the exit status for all results together, and the runs that are only counted.
func statusOfRuns(results []suite.Result, others result.Tally, end suiteEnd) int {
	count := others.Plus(nil)
	wrong := 0
	for i := range results {
		count.Add(&results[i])
		var refused *inject.RefusedError
		if errors.As(results[i].Err, &refused) {
			wrong++
		}
	}
	switch {
	case end.interrupted(count.With(suite.Canceled) + count.With(suite.NotRun)):
		return statusCanceled
	case count.With(suite.Fail)+count.With(suite.Error)+count.With(suite.Inconclusive)-wrong > 0,
		end.noSkip && count.With(suite.Skip)+end.leftOut > 0,
		end.stop == result.OutOfTime && !end.enough:
		return statusFailed
	case wrong+end.refused > 0:
		return statusUsage
	case count.With(suite.Skip) > 0:
		return statusMissing
	}
	return statusPassed
}

// statusOfControls returns the exit status for results with their controls: runs of cases count as
// in [statusOfRuns], controls only by what they prove.
func statusOfControls(results []suite.Result, others result.Tally, end suiteEnd) int {
	cases := slices.DeleteFunc(slices.Clone(results),
		func(r suite.Result) bool { return r.Scenario.Without != nil })
	status := statusOfRuns(cases, others, end)
	if status == statusCanceled {
		return status
	}
	count := map[result.Proof]int{}
	for _, c := range result.Controls(results) {
		count[c.Proof]++
	}
	switch {
	case end.interrupted(count[result.NotTried]):
		return statusCanceled
	case count[result.Unproven]+count[result.Unknown]+count[result.NotTried] > 0:
		return statusFailed
	}
	return status
}
