// Package result is what came of runs: what was run, where, and how it was judged.
//
// It is a package apart from suite, which makes results, so that reports can read them without the lab: suite imports
// the harness and all below it, and stores evidence with the help of reports. This package imports the language, the
// trace and the assertions only. Package suite has the types under its own name.
package result

import (
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
)

// Status sums up what came of a run.
type Status string

const (
	// NotRun is the zero Status: the suite ended before the run began.
	NotRun Status = ""
	// Pass and Fail are judged runs. A run passes if no expectation failed; those that were skipped are in the verdicts.
	Pass Status = "pass"
	Fail Status = "fail"
	// Skip is a run that this machine cannot do.
	Skip Status = "skip"
	// Error is a run that broke off without a verdict for any other reason.
	Error Status = "error"
	// Canceled is a run that was stopped before its end.
	Canceled Status = "canceled"
)

// Result is a run and what came of it. What the trace says (the kernel, the steps, what faults struck, why the run ended)
// is not repeated beside it.
type Result struct {
	Run
	// Status is NotRun in the zero Result.
	Status Status
	// Trace is what was recorded: all of a judged run, the events up to the end of one that broke off, nil of one that
	// never ran.
	Trace *trace.Trace
	// Verdicts are in the order of the scenario's expectations, those that every run must meet at the end. There are none
	// without a judgement.
	Verdicts []assertions.Verdict
	// Err says why there is no verdict; nil with Pass, Fail and NotRun. With Skip, errors.As finds an
	// *inject.MissingError in it, which names what is missing and the remedy.
	Err error
	// Took is the real time that the run took, building the lab included; in warped time less than passed in the lab.
	Took time.Duration
	// Dir is the directory where the run is stored; "" if it is not.
	Dir string
}

// Judge holds the scenario's expectations against the trace, and sets Verdicts and Status.
func (r *Result) Judge() {
	r.Verdicts = assertions.Check(r.Scenario, r.Trace)
	r.Status = Pass
	if assertions.Failed(r.Verdicts) {
		r.Status = Fail
	}
}

// Ended reports whether the run came to its end, with or without a verdict: it was neither canceled nor left out.
func (r *Result) Ended() bool { return r.Status != NotRun && r.Status != Canceled }

// Count returns how many verdicts have a status.
func (r *Result) Count(s assertions.Status) int {
	n := 0
	for i := range r.Verdicts {
		if r.Verdicts[i].Status == s {
			n++
		}
	}
	return n
}
