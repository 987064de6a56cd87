package report

import (
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// faultText sums up a fault in a run for people: "loss: struck 1 packet, by iptables (why)".
func faultText(f *result.FaultHits) string {
	text := f.Name + ": struck " + say.Count(f.Hits, "packet")
	if f.Mechanism != "" {
		text += ", by " + f.Mechanism
	}
	if f.Why != "" {
		text += " (" + f.Why + ")"
	}
	return text
}
