package report

import (
	"fmt"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Result is a case that was run, or could not be.
type Result struct {
	// ID is what a person tells it by; "" means Scenario.ID().
	ID       string
	Scenario *language.Scenario
	// Trace is nil where the case never ran.
	Trace    *trace.Trace
	Verdicts []assertions.Verdict
	// Took is the wall time of the whole run, lab and all.
	Took time.Duration
	Seed uint64
	// Err says why there is no verdict; with Missing, that this machine cannot run the case.
	Err     error
	Missing bool
	// Place says where the case was run, if not on this machine in real time: "warped on Linux 6.1.0-50-cloud-amd64".
	Place string
	// Kernel is the name of the column of [Matrix].
	Kernel string
	// Dir is where the run was stored; "" where it was not.
	Dir string
}

// Status is pass, fail, skip (this machine cannot run it) or error (no verdict for any other reason).
func (r *Result) Status() string {
	switch {
	case r.Err != nil && r.Missing:
		return "skip"
	case r.Err != nil:
		return "error"
	case assertions.Failed(r.Verdicts):
		return "fail"
	}
	return "pass"
}

func (r *Result) id() string {
	if r.ID != "" {
		return r.ID
	}
	return r.Scenario.ID()
}

// count returns how many verdicts have a status.
func (r *Result) count(s assertions.Status) int {
	n := 0
	for i := range r.Verdicts {
		if r.Verdicts[i].Status == s {
			n++
		}
	}
	return n
}

// checks says how many checks were made: "6 checks", "1 of 6 checks failed", "5 checks, 1 skipped".
func (r *Result) checks() string {
	failed, skipped := r.count(assertions.Fail), r.count(assertions.Skip)
	made := len(r.Verdicts) - skipped
	text := plural(made, "check")
	if failed > 0 {
		text = fmt.Sprintf("%d of %s failed", failed, text)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text
}

// faultLine is what a fault did in a run.
type faultLine struct {
	Name      string `json:"name"`
	Mechanism string `json:"mechanism,omitempty"`
	Why       string `json:"why,omitempty"`
	Hits      uint64 `json:"hits"`
}

// faultLines lists the faults of a run in the order they were put in.
func faultLines(t *trace.Trace) []faultLine {
	var lines []faultLine
	index := map[string]int{}
	for i := range t.Events {
		f := t.Events[i].Fault
		if f == nil {
			continue
		}
		at, ok := index[f.Name]
		if !ok {
			at = len(lines)
			index[f.Name] = at
			lines = append(lines, faultLine{Name: f.Name})
		}
		l := &lines[at]
		if f.Mechanism != "" {
			l.Mechanism, l.Why = f.Mechanism, f.Why
		}
		l.Hits = max(l.Hits, f.Hits)
	}
	return lines
}
