package queue

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Hook is where packets are queued on a host: a built-in chain of iptables.
type Hook struct {
	Host string
	// Chain is FORWARD, INPUT or OUTPUT.
	Chain string
}

// Rule is a fault that strikes in the queue.
type Rule struct {
	// Fault is the fault's name.
	Fault string
	Hooks []Hook
	Match language.Selector
	// Or are alternatives: if there are any, a packet must match Match and at least one of them.
	Or []language.Selector
	Trigger
	Do language.Action
}

// NeedsFlow reports whether judging the rule's packets requires following connections.
func (r *Rule) NeedsFlow() bool { return selector.NeedsFlow(&r.Match) }

// NeedsPayload reports whether the rule reads more of a packet than its headers, or builds another
// packet from it.
func (r *Rule) NeedsPayload() bool {
	return selector.NeedsPayload(&r.Match) || actions[r.Do.Kind()].bytes
}

// NeedsWirePackets reports whether the rule's action needs packets as they are on the wire, not as
// offloads leave them.
func (r *Rule) NeedsWirePackets() bool { return actions[r.Do.Kind()].wire }

// Trigger says which of the matching packets are struck. Packets are counted while the fault is in
// force. The zero Trigger strikes all of them.
type Trigger struct {
	// Nth are numbers of packets, from 1. The other fields count the packets that remain after
	// Skip.
	Nth    []int
	Skip   int
	First  int
	Every  int
	Chance *float64
}

// takes reports whether the nth matching packet is struck. Each packet that passes the count
// conditions costs one draw of chance.
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

// ruleState is a rule and its state.
type ruleState struct {
	*Rule
	match *selector.Matcher
	// or are the matchers of the rule's alternatives.
	or      []*selector.Matcher
	action  action
	rng     *rand.Rand
	on      bool
	matched int
	hits    uint64
	conns   selector.Conns
}

func newRuleState(r *Rule, hosts selector.Hosts, seed uint64) (*ruleState, error) {
	action, known := actions[r.Do.Kind()]
	if !known {
		return nil, fmt.Errorf("fault %q: the queue cannot carry out the action %q", r.Fault, r.Do.Kind())
	}
	match, err := selector.New(&r.Match, hosts)
	if err != nil {
		return nil, fmt.Errorf("fault %q: %w", r.Fault, err)
	}
	var or []*selector.Matcher
	for i := range r.Or {
		m, err := selector.New(&r.Or[i], hosts)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", r.Fault, err)
		}
		or = append(or, m)
	}
	h := fnv.New64a()
	h.Write([]byte(r.Fault))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	return &ruleState{Rule: r, match: match, or: or, rng: rng, action: action.make(r, rng)}, nil
}

// see counts the connection of a packet at the rule's place, also while the rule is not in force.
func (r *ruleState) see(p *queued) {
	if r.Match.Conn > 0 && slices.Contains(r.Hooks, p.hook) {
		r.conns.See(r.match, &p.decoded, &p.flow)
	}
}

// selects reports whether the rule's selectors match the packet at its place, ignoring the trigger.
func (r *ruleState) selects(p *queued) bool {
	matches := func(m *selector.Matcher) bool { return m.Matches(&p.decoded, &p.flow) }
	return slices.Contains(r.Hooks, p.hook) && matches(r.match) &&
		(len(r.or) == 0 || slices.ContainsFunc(r.or, matches)) && r.conns.Takes(r.match, &p.flow)
}
