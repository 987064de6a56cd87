package queue

import "halfopen/internal/packet"

// drop drops the packet.
type drop struct{}

func (drop) strike(s *occasion) (Strike, bool) {
	s.decision.Drop = true
	return Strike{Effect: packet.EffectDropped}, true
}
