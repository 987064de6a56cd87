package queue

import (
	"math/rand/v2"
	"slices"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// hold holds a packet until an event. After the event it leaves packets alone.
type hold struct{ until language.EventRef }

func newHold(r *Rule, _ *rand.Rand) action { return &hold{until: r.Do.Hold.Until.Canonical()} }

func (a *hold) strike(s *occasion) (Strike, bool) {
	if s.engine.happened[a.until] {
		return Strike{}, false
	}
	if !slices.Contains(s.decision.Until, a.until) {
		s.decision.Until = append(s.decision.Until, a.until)
	}
	return Strike{Effect: packet.EffectHeld}, true
}
