package report

import (
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// holdToTheEnd finds the packets that faults kept until the run ended. Nothing was wrong with them:
// they would have gone on later.
func holdToTheEnd(s *language.Scenario, t *trace.Trace, hosts selector.Hosts, all []*Journey) {
	if s == nil {
		return
	}
	for _, j := range all {
		if j.Struck != "" || len(j.Marks) == 0 {
			continue
		}
		m := &j.Marks[len(j.Marks)-1]
		if fault := s.Fault(m.Fault); fault != nil && m.holds() && j.stillHeld(t, fault, m) {
			j.Held = m.Fault
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.Do.Effects().Holds > 0 && f.Chance == nil && !selector.NeedsFlow(&f.Match) &&
			!reportsHits(t, f.Name) {
			holdUnreported(f, t, hosts, all)
		}
	}
}

// stillHeld reports whether the fault that held the packet last had not let it go at the end.
func (j *Journey) stillHeld(t *trace.Trace, f *language.Fault, m *Mark) bool {
	switch {
	case m.By > 0 && m.at+m.By < inForceUntil(t, f.Name):
		return false
	case !j.Arrived:
		return j.Last <= m.at+time.Millisecond // no link end saw it afterwards
	case !strings.HasSuffix(f.At, ".input"):
		return false
	case f.Do.Hold != nil:
		_, err := assertions.Moment(t, f.Do.Hold.Until)
		return err != nil
	}
	// How many packets must overtake a reordered one is known, which of them did is not.
	return m.By > 0
}

// holdUnreported finds the packets held by a mechanism that does not report each hit, as tc does:
// the last ones that match, of which none came out of the wire. A rate drops what does not fit into
// its queue; if some did not fit, it is not known which were held, and none is named.
func holdUnreported(f *language.Fault, t *trace.Trace, hosts selector.Hosts, all []*Journey) {
	match, err := selector.New(&f.Match, hosts)
	if err != nil {
		return
	}
	_, windows := faultRecord(t, f.Name)
	until := inForceUntil(t, f.Name)
	var held []*Journey
	bytes := 0
	for _, j := range slices.Backward(all) {
		here, lost := passes(f, j)
		if !here || !inWindow(windows, j.Last) || !match.Matches(j.at(f), &j.Flow) {
			continue
		}
		left := func(h hop) bool { return h.host == language.Wire && h.out }
		if !lost || slices.ContainsFunc(j.hops, left) {
			break // packets leave in order: of those before it, none is held any more
		}
		if j.Struck == "" && j.Held == "" && j.Last+f.Do.Effects().Holds >= until {
			held = append(held, j)
			bytes += t.Events[j.Events[0]].Packet().Length
		}
	}
	if r := f.Do.Rate; r != nil && bytes > int(r.QueueLength()) {
		return
	}
	for _, j := range held {
		j.Held = f.Name
	}
}

// inForceUntil returns the time of the last word of a fault: it was in force at least until then.
func inForceUntil(t *trace.Trace, fault string) time.Duration {
	last := time.Duration(0)
	for i := range t.Events {
		if f := t.Events[i].Fault; f != nil && f.Name == fault && f.What != trace.FaultOn {
			last = max(last, t.Events[i].T)
		}
	}
	return last
}
