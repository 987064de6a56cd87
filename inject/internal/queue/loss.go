package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
)

// loss is the Gilbert-Elliott model (E. N. Gilbert 1960, E. O. Elliott 1963). Each packet first
// changes the state or leaves it, and is then lost with the probability of the state.
type loss struct {
	goodToBad, badToGood, inBad, inGood float64
	rng                                 *rand.Rand
	bad                                 bool
}

func newLoss(r *Rule, rng *rand.Rand) action {
	l := r.Do.Loss
	a := &loss{goodToBad: float64(l.GoodToBad), badToGood: float64(l.BadToGood), inBad: 1, rng: rng}
	if l.InBad != nil {
		a.inBad = float64(*l.InBad)
	}
	if l.InGood != nil {
		a.inGood = float64(*l.InGood)
	}
	return a
}

func (a *loss) strike(s *occasion) (Strike, bool) {
	change, lost := a.goodToBad, a.inGood
	if a.bad {
		change = a.badToGood
	}
	if a.rng.Float64() < change {
		a.bad = !a.bad
	}
	if a.bad {
		lost = a.inBad
	}
	if a.rng.Float64() >= lost {
		return Strike{}, false
	}
	s.decision.Drop = true
	return Strike{Effect: packet.EffectDropped}, true
}
