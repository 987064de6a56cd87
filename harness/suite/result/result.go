// Package result is the outcome of runs: what was run, where, and how it was judged.
//
// Package suite makes results; they are in this package so that reports can read them without the
// lab. Suite imports the harness and everything below it, and uses reports to store evidence. This
// package imports only the language, the trace and the assertions. Suite has aliases of its types.
package result

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
)

// Status sums up the outcome of a run.
type Status string

const (
	// NotRun is the zero Status: the suite ended before the run began.
	NotRun Status = ""
	// Pass and Fail are judged runs. A run passes if no expectation failed and at least one was
	// judged; the verdicts show which were skipped.
	Pass Status = "pass"
	Fail Status = "fail"
	// Inconclusive is a run in which nothing failed, but an expectation could not be judged: the machine
	// was too late for its time or order, or the kernel lost reports. It does not pass.
	Inconclusive Status = "inconclusive"
	// Skip is a run for which this machine lacks something, or of which every expectation was
	// skipped: it shows nothing.
	Skip Status = "skip"
	// Error is a run that broke off without a verdict, for any other reason.
	Error Status = "error"
	// Canceled is a run that was stopped before its end.
	Canceled Status = "canceled"
)

// Result is a run and its outcome.
type Result struct {
	Run
	// Status is NotRun in the zero Result.
	Status Status
	// Trace is the record of the run: complete if it was judged, up to its end if it broke off, nil
	// if it never ran, or if the run has ended and the trace is not kept.
	Trace *trace.Trace
	// Verdicts are in the order of the scenario's expectations; the requirements of every run
	// follow. They are empty if the run was not judged.
	Verdicts []assertions.Verdict
	// Err says why there is no verdict; nil with Pass, Fail and NotRun. With Skip, errors.As finds an
	// *inject.MissingError in it, which names what is missing and the remedy, unless the run was
	// judged and every expectation skipped.
	Err error
	// Attempts are the runs before this one that were inconclusive, in order.
	Attempts []Attempt
	// Once says why an inconclusive run was not repeated although such runs are; "" if it was, and for
	// all others.
	Once string
	// Missed says what the trace lacks of what it should have, such as packets that were not
	// captured; "" if it is complete or was not judged.
	Missed string
	// Lacking are the kernel parameters of hosts that the kernel of a judged run does not have.
	Lacking []trace.Sysctl
	// Facts are those of the trace, also when the trace is not kept.
	Facts Facts
	// Started is when the run began, by the clock of this machine; zero if that is not known. Took is
	// the real time that the run took, with the building of the lab. In warped time it is less than the
	// time that passed in the lab.
	Started time.Time
	Took    time.Duration
	// Dir is the directory where the run is stored, "" if it is not. Logs are the files there with what
	// its programs wrote.
	Dir  string
	Logs []Log
	// Rerun is the command that repeats the run, see [Rerun]; "" if there is none.
	Rerun string
	// Stamp is that of a run that was stored. Evidence says what is wrong with the files of a run
	// that was loaded.
	Stamp    Stamp
	Evidence Evidence
}

// Judge checks the scenario's expectations against the trace and sets Verdicts, Status and Err.
//
// A run of which every expectation was skipped is a Skip, whatever else of it was as it must be: that
// its faults struck and that it ended by itself do not show what the scenario is about. A scenario
// without expectations, which only a Go program can make, is judged by these alone. A run whose packets
// cannot be read back from the disk has no verdicts: it is an Error.
func (r *Result) Judge() {
	r.Verdicts = assertions.Check(r.Scenario, r.Trace)
	r.Status, r.Err, r.Missed = Pass, nil, missed(r.Trace)
	r.Lacking = lacking(r.Trace)
	if err := r.Trace.Err(); err != nil {
		// The verdicts rest on packets that are not those of the run.
		r.Verdicts, r.Status, r.Err = nil, Error, fmt.Errorf("reading the packets of the run back: %w", err)
	} else if assertions.Failed(r.Verdicts) {
		r.Status = Fail
	} else if r.Count(assertions.Inconclusive) > 0 {
		r.Status = Inconclusive
	} else if reasons := r.allSkipped(); len(reasons) > 0 {
		r.Status = Skip
		r.Err = fmt.Errorf("every expectation was skipped: %s", strings.Join(reasons, "; "))
	}
}

// missed returns what a trace lacks; "" if it is complete.
func missed(t *trace.Trace) string {
	for i := range t.Events {
		if n := t.Events[i].Note; n != nil && n.Untrue {
			return n.Text
		}
	}
	return ""
}

// lacking returns the parameters that the kernel of a trace does not have.
func lacking(t *trace.Trace) []trace.Sysctl {
	var all []trace.Sysctl
	for i := range t.Events {
		if s := t.Events[i].Sysctl; s != nil && s.Missing {
			all = append(all, *s)
		}
	}
	return all
}

// allSkipped returns why the expectations were skipped, each reason once; nil if one was judged.
func (r *Result) allSkipped() []string {
	var reasons []string
	for i := range r.Verdicts {
		switch v := &r.Verdicts[i]; {
		case v.Index < 0: // what every run must meet
		case v.Status != assertions.Skip:
			return nil
		case !slices.Contains(reasons, v.Reason):
			reasons = append(reasons, v.Reason)
		}
	}
	return reasons
}

// Ended reports whether the run ended by itself, with or without a verdict: it was neither canceled
// nor left out.
func (r *Result) Ended() bool { return r.Status != NotRun && r.Status != Canceled }

// Failed reports whether the run did not pass although it could be done: it failed, broke off or stayed
// inconclusive.
func (r *Result) Failed() bool {
	return r.Status == Fail || r.Status == Error || r.Status == Inconclusive
}

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
