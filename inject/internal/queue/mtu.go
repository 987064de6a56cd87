package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// mtu refuses packets that are too long for a link in the middle of the path, which hosts do not
// know of.
type mtu struct{ language.MTU }

func newMTU(r *Rule, _ *rand.Rand) action { return &mtu{MTU: *r.Do.MTU} }

func (a *mtu) strike(s *occasion) (Strike, bool) {
	if s.packet.length() <= a.Size {
		return Strike{}, false
	}
	s.decision.Drop = true
	if a.ICMP == "drop" {
		return Strike{Effect: packet.EffectDropped}, true
	}
	return s.refuse(forgeTooBig(s, a.Size))
}
