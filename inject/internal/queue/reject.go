package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// reject drops the packet and answers its sender.
type reject struct{ with language.Answer }

// refuse returns the strike on a dropped packet, with an answer to its sender, if there is one.
func (s *occasion) refuse(answer []byte) (Strike, bool) {
	if answer == nil {
		return Strike{Effect: packet.EffectDropped}, true
	}
	s.extra(Extra{Data: answer})
	return Strike{Effect: packet.EffectRejected}, true
}

func newReject(r *Rule, _ *rand.Rand) action { return &reject{with: r.Do.Reject.With} }

func (a *reject) strike(s *occasion) (Strike, bool) {
	s.decision.Drop = true
	var answer []byte
	if a.with == language.TCPReset {
		answer = forgeReset(&s.packet.decoded, toSender)
	} else {
		answer = forgeReject(s, a.with.ICMP())
	}
	return s.refuse(answer)
}
