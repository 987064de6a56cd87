package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
)

// reset lets the packet pass and forges RSTs for its connection.
type reset struct{ to string }

func newReset(r *Rule, _ *rand.Rand) action { return &reset{to: r.Do.Reset.To} }

func (a *reset) strike(s *occasion) (Strike, bool) {
	d := &s.packet.decoded
	var forged [][]byte
	if a.to != "sender" {
		forged = append(forged, forgeReset(d, toReceiver))
	}
	if a.to != "receiver" {
		forged = append(forged, forgeReset(d, toSender))
	}
	struck := false
	for _, f := range forged {
		if f != nil {
			s.extra(Extra{Data: f})
			struck = true
		}
	}
	return Strike{Effect: packet.EffectReset}, struck
}
