package queue

import (
	"math/rand/v2"
	"time"

	"halfopen/internal/packet"
)

// reorderPatience is how long a packet waits for others to overtake it.
const reorderPatience = time.Second

// reorder lets later packets of the same direction overtake a packet.
type reorder struct{ by int }

func newReorder(r *Rule, _ *rand.Rand) action { return &reorder{by: max(1, r.Do.Reorder.By)} }

func (a *reorder) strike(s *occasion) (Strike, bool) {
	s.decision.Behind = max(s.decision.Behind, a.by)
	s.decision.Patience = reorderPatience
	return Strike{Effect: packet.EffectReordered}, true
}
