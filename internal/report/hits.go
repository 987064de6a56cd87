package report

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Mark is what a fault did to a packet, as reported by the fault's mechanism.
type Mark struct {
	Fault  string
	Effect packet.Effect
	// By is the duration of the effect, 0 if it has none.
	By time.Duration
	// Took is how long the packet was delayed in fact, if that is longer than By by more than what a
	// quiet machine needs; else 0.
	Took time.Duration
	// Copies is the number of copies that the fault made.
	Copies int

	// at is when the packet was struck.
	at time.Duration
}

// holds reports whether the effect keeps a packet for a time.
func (m *Mark) holds() bool {
	switch m.Effect {
	case packet.EffectDelayed, packet.EffectHeld, packet.EffectReordered:
		return true
	}
	return false
}

// String is the mark in a ladder: "→200ms slow".
func (m Mark) String() string {
	switch m.Effect {
	case packet.EffectDelayed:
		if m.Took > 0 {
			return fmt.Sprintf("→%s %s (asked %s)", say.Duration(m.Took), m.Fault, say.Duration(m.By))
		}
		return fmt.Sprintf("→%s %s", say.Duration(m.By), m.Fault)
	case packet.EffectRewritten, packet.EffectCorrupted:
		return "≠ " + m.Fault
	case packet.EffectDuplicated:
		return fmt.Sprintf("×%d %s", 1+m.Copies, m.Fault)
	case packet.EffectToBeReplayed:
		if m.By > 0 {
			return fmt.Sprintf("↻%s %s", say.Duration(m.By), m.Fault)
		}
		return "↻ " + m.Fault
	}
	return string(m.Effect) + " " + m.Fault
}

// mark assigns each hit that a mechanism reported to the journey of its packet: the last identical
// one that was under way and that this fault has not struck yet. A lost packet was struck by the
// last fault that reported it. A host's output is before the capture: there it is the first one that
// left afterwards. Of a packet that never left there is only the hit; mark returns its journey, unless
// packets are left out from then on.
func mark(
	s *language.Scenario, t *trace.Trace, all []*Journey, stopped map[int]*Journey, seed maphash.Seed,
	leftOut time.Duration,
) []*Journey {
	like := map[packetKey][]*Journey{}
	for _, j := range all {
		k := keyOf(j.Packet, seed)
		k.payload = 0 // a hit reports headers only
		like[k] = append(like[k], j)
	}
	var more []*Journey
	for i := range t.Events {
		f := t.Events[i].Fault
		if f == nil || f.What != trace.FaultHit || len(f.Packet) == 0 ||
			t.Events[i].T >= leftOut && atOutput(s, f) {
			continue
		}
		m := Mark{Fault: f.Name, Effect: f.Effect, By: f.By, at: t.Events[i].T}
		if s != nil {
			if fault := s.Fault(f.Name); fault != nil {
				m.Copies = fault.Do.Effects().Copies
			}
		}
		d := packet.DecodeIP(f.Packet)
		k := keyOf(&d, seed)
		k.payload = 0
		var struck *Journey
		if gone := stopped[i]; gone == nil {
			struck = underWay(like[k], &m)
		} else if struck = leftAfter(like[k], f.Host, &m); struck == nil &&
			(m.Effect.Lost() || m.holds()) {
			struck = gone
			more = append(more, gone)
		}
		if struck == nil {
			continue
		}
		if m.Effect.Lost() {
			struck.Struck = m.Fault
			continue
		}
		struck.Marks = append(struck.Marks, m)
	}
	return more
}

// underWay returns the last of these journeys that had begun when the fault struck, if possible one
// that it has not struck yet.
func underWay(like []*Journey, m *Mark) *Journey {
	var struck, last *Journey
	for _, j := range like {
		if j.Sent > m.at {
			break
		}
		last = j
		if !j.markedBy(m.Fault) {
			struck = j
		}
	}
	return cmp.Or(struck, last)
}

// leftAfter returns the first of these journeys that began at the host after the fault struck at its
// output, and that it has not struck yet.
func leftAfter(like []*Journey, host string, m *Mark) *Journey {
	if m.Effect.Lost() {
		return nil
	}
	for _, j := range like {
		// Before its time the packet cannot have left: it is another one.
		if j.Sent >= m.at+m.By && j.From == host && !j.markedBy(m.Fault) {
			return j
		}
	}
	return nil
}

// markedBy reports whether the fault is known to have struck the packet.
func (j *Journey) markedBy(fault string) bool {
	return j.Struck == fault ||
		slices.ContainsFunc(j.Marks, func(m Mark) bool { return m.Fault == fault })
}

// marks is everything that faults did to a packet, and why the kernel sent it if it says so, for the
// ladder.
func (j *Journey) marks() string {
	var texts []string
	for _, m := range j.Marks {
		texts = append(texts, m.String())
	}
	if j.Kept > 0 {
		texts = append(texts, "kept for "+say.Duration(j.Kept))
	}
	if j.Reset != "" {
		texts = append(texts, kernelSays(j.Reset))
	}
	return strings.Join(texts, ", ")
}
