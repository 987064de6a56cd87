package queue

import "math/rand/v2"

// action carries out one action of a rule. strike reports whether it did anything to the packet; if
// not, the packet is not a hit. A strike of which only the future knows whether it does anything is
// left open in the decision ([Decision.IfOvertaken], [Extra.IfSent]); strike then reports false.
type action interface {
	strike(*occasion) (Strike, bool)
}

// actions has one entry for each action of the language: how to make its state for a rule, and what
// it needs to know of packets.
var actions = map[string]struct {
	make func(*Rule, *rand.Rand) action
	// bytes is set if the action reads more of a packet than its headers, or builds another packet
	// from it.
	bytes bool
	// wire is set if the action needs packets as they are on the wire, not as offloads leave them.
	wire bool
}{
	"drop": {make: func(*Rule, *rand.Rand) action { return drop{} }},
	// The rule's alternatives select the packets.
	"partition": {make: func(*Rule, *rand.Rand) action { return drop{} }},
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
