package fault

import (
	"fmt"
	"slices"

	"halfopen/inject/internal/queue"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// QueueRule has a hook's packets judged one by one by halfopen. All faults in a host's queue share it.
type QueueRule struct {
	// Host is the network namespace, Hook its built-in chain of the table mangle: INPUT, OUTPUT or FORWARD. The table comes
	// before filter, so the queue's faults strike before those of iptables.
	Host, Hook string
	// Family selects iptables or ip6tables.
	Family language.Family
	// Match are the matches of the iptables rule that sends packets to the queue: all that the fault may select, and no fewer
	// than all of a direction and a protocol, as packets that went round the queue would overtake those in it.
	Match []string
	// Installs is true if the fault brings that iptables rule with it, and false if one of another fault sends its packets.
	Installs bool

	// strikes is what the fault does there, text the same in words.
	strikes *queue.Rule
	text    string
}

func (*QueueRule) rule() {}

// Spec returns the matches and the target of the iptables rule.
func (r *QueueRule) Spec() []string {
	return append(slices.Clone(r.Match), "-m", "mark", "!", "--mark", fmt.Sprintf("%#x", queue.Mark),
		"-j", "NFQUEUE", "--queue-num", fmt.Sprint(queue.Number), "--queue-bypass")
}

// Commands returns the iptables command, if the fault brings one, and a comment on what the queue does.
func (r *QueueRule) Commands() []string {
	var commands []string
	if r.Installs {
		start := fmt.Sprintf("ip netns exec %s %s -t mangle -A %s ", r.Host, programOf(r.Family), r.Hook)
		commands = append(commands, start+quoteAll(r.Spec()))
	}
	return append(commands, fmt.Sprintf("# queue %d of %s: %s", queue.Number, r.Host, r.text))
}

// queue plans the fault for the queue of its place's host.
func (c *compilation) queue(why string) (*Planned, error) {
	f := c.fault
	if f.Match.ARP != "" {
		return nil, c.beyond(language.KeyARP)
	}
	if _, err := selector.New(&f.Match, nil); err != nil {
		return nil, c.errorf("%w", err)
	}
	places, note, err := c.places()
	if err != nil {
		return nil, err
	}
	rule := &queue.Rule{
		Fault:   f.Name,
		Match:   f.Match,
		Trigger: queue.Trigger{Nth: f.Nth, Skip: f.Skip, First: f.First, Every: f.Every, Chance: (*float64)(f.Chance)},
		Do:      f.Do,
	}
	if p := f.Do.Partition; p != nil {
		if c.topology.Host(p.Host) == nil {
			return nil, c.errorf("there is no host %q", p.Host)
		}
		if p.Direction != "in" {
			rule.Or = append(rule.Or, language.Selector{From: p.Host})
		}
		if p.Direction != "out" {
			rule.Or = append(rule.Or, language.Selector{To: p.Host})
		}
	}
	if c.offloads && rule.NeedsWirePackets() {
		return nil, c.errorf("%s works on packets one by one, and with offloads: true they are not yet those of the wire", f.Do.Kind())
	}
	p := &Planned{Mechanism: NFQueue, Why: why + note}
	for _, at := range places {
		rule.Places = append(rule.Places, queue.Place{Host: at.host, Hook: at.hook})
		p.Rules = append(p.Rules, &QueueRule{Host: at.host, Hook: at.hook, Family: c.topology.Family, Match: c.detour(rule), strikes: rule, text: f.String()})
	}
	return p, nil
}

// detour returns the matches of the packets that have to go through the queue for a rule. Where connections are followed, or
// another fault begins or ends with a hit of this one, these are those of both directions: they wait for each other then.
func (c *compilation) detour(rule *queue.Rule) []string {
	m := &rule.Match
	var match []string
	for _, side := range []struct{ flag, host string }{{"-s", m.From}, {"-d", m.To}} {
		h := c.topology.Host(side.host)
		if h != nil && len(h.Addrs) == 1 && !c.awaited && !rule.NeedsFlow() { // of several addresses iptables would make several rules
			match = append(match, side.flag, h.Addrs[0].String())
		}
	}
	if protocol := protocolOf(m); protocol != "" {
		match = append(match, "-p", protocol)
	}
	return match
}

// layQueues finds out which rules of a hook send packets to its queue: those that no other takes in.
func (p *Plan) layQueues() {
	hooks := map[queue.Place][]*QueueRule{}
	for f := range p.Faults {
		for _, r := range p.Faults[f].Rules {
			if q, ok := r.(*QueueRule); ok {
				at := queue.Place{Host: q.Host, Hook: q.Hook}
				hooks[at] = append(hooks[at], q)
			}
		}
	}
	for _, rules := range hooks {
		for i, q := range rules {
			q.Installs = true
			for j, other := range rules {
				if i != j && other.takesIn(q) && (j < i || !q.takesIn(other)) {
					q.Installs = false
				}
			}
		}
	}
}

// takesIn reports whether the rule sends all packets to the queue that another would.
func (r *QueueRule) takesIn(other *QueueRule) bool {
	for flag := range slices.Chunk(r.Match, 2) {
		at := slices.Index(other.Match, flag[0])
		if at < 0 || other.Match[at+1] != flag[1] {
			return false
		}
	}
	return true
}

// protocolOf returns the protocol of all the selector's packets; "" if there may be several.
func protocolOf(m *language.Selector) string {
	switch {
	case len(m.TCP) > 0 && m.UDP == "" && m.ICMP == "":
		return "tcp"
	case m.UDP != "" && len(m.TCP) == 0 && m.ICMP == "":
		return "udp"
	}
	return ""
}

// queueRules returns all rules that strike in queues, in the order of the plan, and the hosts that have one.
func (p *Plan) queueRules() (rules []*queue.Rule, hosts []string) {
	for f := range p.Faults {
		for i, r := range p.Faults[f].Rules {
			q, ok := r.(*QueueRule)
			if !ok {
				continue
			}
			if i == 0 {
				rules = append(rules, q.strikes)
			}
			if !slices.Contains(hosts, q.Host) {
				hosts = append(hosts, q.Host)
			}
		}
	}
	return rules, hosts
}
