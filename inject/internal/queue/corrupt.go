package queue

import (
	"math/rand/v2"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// corrupt changes bytes of the payload.
type corrupt struct{ language.Corrupt }

func newCorrupt(r *Rule, _ *rand.Rand) action { return &corrupt{Corrupt: *r.Do.Corrupt} }

func (a *corrupt) strike(s *occasion) (Strike, bool) {
	l, ok := locate(s.packet.bytes())
	n := max(1, a.Bytes)
	if !ok || l.payload+a.Offset+n > l.end {
		return Strike{}, false // the payload is too short
	}
	b := s.packet.writable()
	keep := a.Checksum != "fix"
	hit := b[l.payload+a.Offset : l.payload+a.Offset+n]
	for i := range hit {
		hit[i] ^= 0xff
	}
	switch {
	case !keep:
		l.fix(b)
	case l.right(b):
		hit[n-1] ^= 0x01 // the changes cancelled out
	}
	return Strike{Effect: packet.EffectCorrupted}, true
}
