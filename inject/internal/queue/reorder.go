package queue

import (
	"math/rand/v2"
	"time"

	"halfopen/internal/packet"
)

// reorderPatience is how long a packet waits for others to overtake it.
const reorderPatience = time.Second

// reorder lets later packets of the same direction overtake a packet. It is a hit once the packet
// passes after one of them.
type reorder struct{ by int }

func newReorder(r *Rule, _ *rand.Rand) action { return &reorder{by: max(1, r.Do.Reorder.By)} }

func (a *reorder) strike(s *occasion) (Strike, bool) {
	s.decision.Behind = max(s.decision.Behind, a.by)
	s.decision.Patience = reorderPatience
	s.decision.IfOvertaken = append(s.decision.IfOvertaken,
		s.by(Strike{Effect: packet.EffectReordered}))
	return Strike{}, false
}
