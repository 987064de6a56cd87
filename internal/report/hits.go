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

// Mark is what a fault did to a packet, as the mechanism that struck it told.
type Mark struct {
	Fault  string
	Effect packet.Effect
	// By is for how long, where the effect has a time.
	By time.Duration
	// Copies is how many a fault made that duplicates.
	Copies int
}

// String is the mark as ladders show it.
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

// mark ties each hit that a mechanism told to its packet's journey: the last one like it that was under way, and that this
// fault has not struck yet. A packet that was lost was struck by the last fault that had it.
func mark(s *language.Scenario, t *trace.Trace, all []*Journey, seed maphash.Seed) {
	like := map[packetKey][]*Journey{}
	for _, j := range all {
		k := keyOf(j.Packet, seed)
		k.payload = 0 // a hit tells headers only
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
			if j.Struck != f.Name && !slices.ContainsFunc(j.Marks, func(m Mark) bool { return m.Fault == f.Name }) {
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

// marks is all that faults did to a packet, for the ladder.
func (j *Journey) marks() string {
	texts := make([]string, len(j.Marks))
	for i, m := range j.Marks {
		texts[i] = m.String()
	}
	return strings.Join(texts, ", ")
}
