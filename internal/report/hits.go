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
	// Copies is the number of copies that the fault made.
	Copies int
}

// String is the mark in a ladder: "→200ms slow".
func (m Mark) String() string {
	switch m.Effect {
	case packet.EffectDelayed:
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
// last fault that reported it.
func mark(s *language.Scenario, t *trace.Trace, all []*Journey, seed maphash.Seed) {
	like := map[packetKey][]*Journey{}
	for _, j := range all {
		k := keyOf(j.Packet, seed)
		k.payload = 0 // a hit reports headers only
		like[k] = append(like[k], j)
	}
	for i := range t.Events {
		f := t.Events[i].Fault
		if f == nil || f.What != trace.FaultHit || len(f.Packet) == 0 {
			continue
		}
		d := packet.DecodeIP(f.Packet)
		k := keyOf(&d, seed)
		k.payload = 0
		var struck, last *Journey
		for _, j := range like[k] {
			if j.Sent > t.Events[i].T {
				break
			}
			last = j
			if j.Struck != f.Name &&
				!slices.ContainsFunc(j.Marks, func(m Mark) bool { return m.Fault == f.Name }) {
				struck = j
			}
		}
		if struck = cmp.Or(struck, last); struck == nil {
			continue
		}
		m := Mark{Fault: f.Name, Effect: f.Effect, By: f.By}
		if s != nil {
			if fault := s.Fault(f.Name); fault != nil {
				m.Copies = fault.Do.Effects().Copies
			}
		}
		if m.Effect.Lost() {
			struck.Struck = m.Fault
			continue
		}
		struck.Marks = append(struck.Marks, m)
	}
}

// marks is everything that faults did to a packet, for the ladder.
func (j *Journey) marks() string {
	texts := make([]string, len(j.Marks))
	for i, m := range j.Marks {
		texts[i] = m.String()
	}
	return strings.Join(texts, ", ")
}
