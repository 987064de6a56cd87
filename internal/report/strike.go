package report

import (
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// loses reports whether the fault's action keeps packets from their destination.
func loses(f *language.Fault) bool { return f.Do.Effects().Loses }

// strike finds the packets that faults lost without reporting each hit. Packets lost at a host's
// input, which is after the capture, look like any other in the trace. Packets are attributed to a
// fault only if their number is exactly the hits that its mechanism counted.
func strike(s *language.Scenario, t *trace.Trace, hosts selector.Hosts, all []*Journey) {
	if s == nil {
		return
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		// Faults that need more than one packet to decide are in queues, which report each hit.
		if !loses(f) || f.Chance != nil || selector.NeedsFlow(&f.Match) || reportsHits(t, f.Name) {
			continue
		}
		match, err := selector.New(&f.Match, hosts)
		if err != nil {
			continue
		}
		hits, windows := faultRecord(t, f.Name)
		var struck []*Journey
		matched := 0
		for _, j := range all {
			here, lost := passes(f, j)
			if !here || !inWindow(windows, j.Last) || !match.Matches(j.at(f), &j.Flow) {
				continue
			}
			if matched++; lost && triggered(f, matched) {
				struck = append(struck, j)
			}
		}
		if uint64(len(struck)) != hits {
			continue
		}
		for _, j := range struck {
			j.Struck = f.Name
		}
	}
}

// at is the packet as it passes the fault, at the wire or at its receiver's input.
func (j *Journey) at(f *language.Fault) *packet.Decoded {
	if f.At == j.To+".input" && j.Arrival != nil {
		return j.Arrival
	}
	return j.Packet
}

// reportsHits reports whether the fault's mechanism reported each hit, so that nothing need be
// guessed.
func reportsHits(t *trace.Trace, fault string) bool {
	return slices.ContainsFunc(t.Events, func(e trace.Entry) bool {
		return e.Fault != nil && e.Fault.Name == fault && e.Fault.What == trace.FaultHit
	})
}

// faultRecord returns the last count of hits and the periods, from on to off, in which the fault
// was in force.
func faultRecord(t *trace.Trace, name string) (hits uint64, windows [][2]time.Duration) {
	const forever = time.Duration(1<<63 - 1)
	for i := range t.Events {
		f := t.Events[i].Fault
		if f == nil || f.Name != name {
			continue
		}
		hits = max(hits, f.Hits)
		switch {
		case f.What == trace.FaultOn:
			windows = append(windows, [2]time.Duration{t.Events[i].T, forever})
		case f.What == trace.FaultOff && len(windows) > 0:
			windows[len(windows)-1][1] = t.Events[i].T
		}
	}
	return hits, windows
}

// inWindow reports whether the fault was in force. Without windows in the trace, it always was.
func inWindow(windows [][2]time.Duration, at time.Duration) bool {
	return len(windows) == 0 || slices.ContainsFunc(windows,
		func(w [2]time.Duration) bool { return w[0] <= at && at <= w[1] })
}

// triggered reports whether a fault strikes the nth packet it matches.
func triggered(f *language.Fault, n int) bool {
	if n <= f.Skip {
		return false
	}
	n -= f.Skip
	return (len(f.Nth) == 0 || slices.Contains(f.Nth, n)) &&
		(f.First == 0 || n <= f.First) &&
		(f.Every == 0 || n%f.Every == 0)
}

// passes reports whether the packet reached the place of the fault, the wire or a host's input, and
// whether it may have been lost there.
func passes(f *language.Fault, j *Journey) (here, lost bool) {
	if f.At == "" || f.At == language.Wire {
		here = slices.ContainsFunc(j.hops, func(h hop) bool { return h.host == language.Wire && !h.out })
		return here, !j.Arrived && j.Seen == language.Wire
	}
	here = j.Arrived && f.At == j.To+".input"
	return here, here
}
