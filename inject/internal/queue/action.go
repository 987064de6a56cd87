package queue

import "math/rand/v2"

// action is what a fault does. It reports whether it did anything: what it leaves alone is not a hit.
type action interface {
	strike(*strike) (Strike, bool)
}

// actions has, for each action of the language, what makes its state for a rule, and what it needs of packets.
var actions = map[string]struct {
	make func(*Rule, *rand.Rand) action
	// bytes is set where the action looks at more of a packet than its headers, or makes another packet of it.
	bytes bool
	// wire is set where it needs packets as they are on the wire, not as offloading leaves them.
	wire bool
}{
	"drop":      {make: func(*Rule, *rand.Rand) action { return drop{} }},
	"partition": {make: func(*Rule, *rand.Rand) action { return drop{} }}, // the rule's alternatives say of whom
	"reject":    {make: newReject, bytes: true},
	"reset":     {make: newReset},
	"delay":     {make: newDelay},
	"hold":      {make: newHold},
	"duplicate": {make: newDuplicate, bytes: true, wire: true},
	"reorder":   {make: newReorder},
	"corrupt":   {make: newCorrupt, bytes: true, wire: true},
	"rewrite":   {make: newRewrite, bytes: true, wire: true},
	"rate":      {make: newRate},
	"loss":      {make: newLoss},
	"replay":    {make: newReplay, bytes: true, wire: true},
	"mtu":       {make: newMTU, bytes: true, wire: true},
}
