package report

import (
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// leastLate is the shortest lateness that is shown to people: a quiet machine has some milliseconds.
const leastLate = 5 * time.Millisecond

// lateText says how late the lab of a run was, in a sentence; "" if it was not.
func lateText(s *language.Scenario, t *trace.Trace) string {
	return assertions.LateText(s, t.Lateness(), leastLate)
}

// timeDelays finds the packets that were kept longer than the faults asked for, between the captures
// at the wire, and notes for how long: at a mark if one fault delayed the packet, or else at the
// journey.
func timeDelays(t *trace.Trace, all []*Journey) {
	for _, j := range all {
		kept := j.keptLate(t)
		if kept == 0 {
			continue
		}
		var only *Mark
		delays := 0
		for i := range j.Marks {
			if m := &j.Marks[i]; m.Effect == packet.EffectDelayed {
				only = m
				delays++
			}
		}
		if delays == 1 {
			only.Took = kept
		} else {
			j.Kept = kept
		}
	}
}

// keptLate returns how long a packet was at the wire, if that is longer than the delays of faults
// explain by [leastLate] or more; else 0. How long something takes that a packet is held for, nobody
// asked for.
func (j *Journey) keptLate(t *trace.Trace) time.Duration {
	var asked time.Duration
	for _, m := range j.Marks {
		switch {
		case m.Effect == packet.EffectDelayed:
			asked += m.By
		case m.holds():
			return 0
		}
	}
	if asked == 0 {
		return 0
	}
	came, left := time.Duration(-1), time.Duration(-1)
	for i, h := range j.hops {
		switch at := t.Events[j.Events[i]].T; {
		case h.host != language.Wire:
		case h.out:
			left = at
		case came < 0:
			came = at
		}
	}
	if came < 0 || left-came < asked+leastLate {
		return 0
	}
	return left - came
}
