package report

import (
	"halfopen/harness/trace"
	"halfopen/internal/say"
)

// faultLine sums up a fault in a run: its mechanism and its hits.
type faultLine struct {
	Name      string `json:"name"`
	Mechanism string `json:"mechanism,omitempty"`
	Why       string `json:"why,omitempty"`
	Hits      uint64 `json:"hits"`
}

// faultLines lists the faults of a run in the order of their first events.
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

// text is the line for people: "loss: struck 1 packet, by iptables (why)".
func (f *faultLine) text() string {
	text := f.Name + ": struck " + say.Count(f.Hits, "packet")
	if f.Mechanism != "" {
		text += ", by " + f.Mechanism
	}
	if f.Why != "" {
		text += " (" + f.Why + ")"
	}
	return text
}
