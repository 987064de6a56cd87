package queue

import (
	"math/rand/v2"
	"time"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// replay lets the packet pass, and pass again later. It is a hit once it has passed again.
type replay struct {
	after time.Duration
	until language.EventRef
}

func newReplay(r *Rule, _ *rand.Rand) action {
	return &replay{after: time.Duration(r.Do.Replay.After), until: r.Do.Replay.Until.Canonical()}
}

func (a *replay) strike(s *occasion) (Strike, bool) {
	if !s.packet.whole() {
		return Strike{}, false
	}
	hit := s.by(Strike{Effect: packet.EffectToBeReplayed, By: a.after})
	s.extra(Extra{After: a.after, Until: a.until, IfSent: &hit})
	return Strike{}, false
}
