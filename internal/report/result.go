package report

import (
	"fmt"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// checks says how many checks were made: "6 checks", "1 of 6 checks failed", "5 checks, 1 skipped".
func checks(r *result.Result) string {
	failed, skipped := r.Count(assertions.Fail), r.Count(assertions.Skip)
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
