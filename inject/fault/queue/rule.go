package queue

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Place is a hook of a host where packets are queued.
type Place struct {
	Host string
	// Hook is FORWARD, INPUT or OUTPUT.
	Hook string
}

// Rule is a fault that strikes in the queue.
type Rule struct {
	// Fault is its name.
	Fault  string
	Places []Place
	Match  language.Selector
	// Or are alternatives; if there are any, a packet must match one of them besides Match.
	Or []language.Selector
	Trigger
	Do language.Action
}

// NeedsFlow reports whether connections must be followed to judge the rule's packets.
func (r *Rule) NeedsFlow() bool {
	m := &r.Match
	return m.Conn != 0 || m.Retransmission != nil || m.Seq != nil || m.Ack != nil || m.Payload != nil && m.Payload.Offset != nil
}

// NeedsPayload reports whether the rule looks at more of a packet than its headers, or makes another of it.
func (r *Rule) NeedsPayload() bool {
	p, a := r.Match.Payload, &r.Do
	return p != nil && (p.Contains != "" || p.Hex != "") || r.Changes() || a.Reject != nil || a.MTU != nil
}

// waitsFor returns the events that the rule's action waits for.
func (r *Rule) waitsFor() []language.EventRef {
	switch a := &r.Do; {
	case a.Hold != nil:
		return []language.EventRef{a.Hold.Until.Canonical()}
	case a.Replay != nil && a.Replay.Until != "":
		return []language.EventRef{a.Replay.Until.Canonical()}
	}
	return nil
}

// Changes reports whether the rule changes packets or copies them.
func (r *Rule) Changes() bool {
	a := &r.Do
	return a.Duplicate != nil || a.Replay != nil || a.Corrupt != nil || a.Rewrite != nil
}

// NeedsWirePackets reports whether the rule's action needs packets as they are on the wire, not as offloading leaves them.
func (r *Rule) NeedsWirePackets() bool { return r.Changes() || r.Do.MTU != nil }

// Trigger says which of the matching packets are struck. The packets are counted while the fault is in force. The zero
// Trigger takes all.
type Trigger struct {
	// Nth are numbers of packets, from 1. The others count those that are left after Skip.
	Nth    []int
	Skip   int
	First  int
	Every  int
	Chance *float64
}

// takes reports whether the nth matching packet is struck. Every packet that the numbers leave over costs one draw.
func (t *Trigger) takes(n int, rng *rand.Rand) bool {
	if len(t.Nth) > 0 && !slices.Contains(t.Nth, n) {
		return false
	}
	n -= t.Skip
	if n < 1 || t.First > 0 && n > t.First || t.Every > 0 && n%t.Every != 0 {
		return false
	}
	return t.Chance == nil || rng.Float64() < *t.Chance
}

// ruleState is a rule at work.
type ruleState struct {
	*Rule
	action  action
	rng     *rand.Rand
	on      bool
	matched int
	hits    uint64
	// conns are the connections seen, in order, where the selector asks for the nth.
	conns []int
}

func newRuleState(r *Rule, seed uint64) *ruleState {
	h := fnv.New64a()
	h.Write([]byte(r.Fault))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	return &ruleState{Rule: r, rng: rng, action: newAction(r, rng)}
}

// selects reports whether the packet is one of the rule's, trigger aside.
func (r *ruleState) selects(p *queued, hosts selector.Hosts) bool {
	if !slices.Contains(r.Places, p.place) || !selector.Matches(&r.Match, &p.decoded, p.flow, hosts) {
		return false
	}
	if len(r.Or) > 0 && !slices.ContainsFunc(r.Or, func(s language.Selector) bool {
		return selector.Matches(&s, &p.decoded, p.flow, hosts)
	}) {
		return false
	}
	if r.Match.Conn == 0 {
		return true
	}
	if p.flow.Conn == 0 {
		return false
	}
	if !slices.Contains(r.conns, p.flow.Conn) && len(r.conns) < r.Match.Conn {
		r.conns = append(r.conns, p.flow.Conn)
	}
	return len(r.conns) == r.Match.Conn && r.conns[r.Match.Conn-1] == p.flow.Conn
}
