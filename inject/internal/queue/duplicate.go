package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
)

// duplicate sends copies after the packet.
type duplicate struct{ copies int }

func newDuplicate(r *Rule, _ *rand.Rand) action {
	return &duplicate{copies: r.Do.Effects().Copies}
}

func (a *duplicate) strike(s *occasion) (Strike, bool) {
	if !s.packet.whole() {
		return Strike{}, false
	}
	for range a.copies {
		s.extra(Extra{})
	}
	return Strike{Effect: packet.EffectDuplicated}, true
}
