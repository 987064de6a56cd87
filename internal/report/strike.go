package report

import (
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// loses reports whether the fault's action keeps a packet from its destination.
func loses(f *language.Fault) bool { return f.Do.Effects().Loses }

// strike finds the packets that were lost behind the capture, by faults at a host's input: on the wire they look like any
// other. A fault is credited with packets only if those come to exactly the hits its mechanism counted.
func strike(s *language.Scenario, t *trace.Trace, hosts selector.Hosts, all []*Journey) {
	if s == nil {
		return
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		// What takes more than one packet to judge is for queues, which report each hit.
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

// at is the packet as a fault at the wire, or at its receiver's input, sees it.
func (j *Journey) at(f *language.Fault) *packet.Decoded {
	if f.At == j.To+".input" && j.Arrival != nil {
		return j.Arrival
	}
	return j.Packet
}

// reportsHits reports whether the fault's mechanism reported each hit by itself, so that none need be guessed.
func reportsHits(t *trace.Trace, fault string) bool {
	return slices.ContainsFunc(t.Events, func(e trace.Event) bool {
		return e.Fault != nil && e.Fault.Name == fault && e.Fault.What == trace.FaultHit
	})
}

// faultRecord returns the last count of hits and the times between on and off.
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

// inWindow reports whether the fault was in force; one whose trace does not say when was in force always.
func inWindow(windows [][2]time.Duration, at time.Duration) bool {
	return len(windows) == 0 || slices.ContainsFunc(windows, func(w [2]time.Duration) bool { return w[0] <= at && at <= w[1] })
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

// passes reports whether the packet came to the place where the fault is, the wire or a host's input, and whether it may
// have been lost there.
func passes(f *language.Fault, j *Journey) (here, lost bool) {
	if f.At == "" || f.At == language.Wire {
		here = slices.ContainsFunc(j.hops, func(h hop) bool { return h.host == language.Wire && !h.out })
		return here, !j.Arrived && j.Seen == language.Wire
	}
	here = j.Arrived && f.At == j.To+".input"
	return here, here
}
