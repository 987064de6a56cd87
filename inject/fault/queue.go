package fault

import (
	"fmt"
	"slices"

	"halfopen/inject/fault/queue"
	"halfopen/internal/words"
	"halfopen/scenarios"
)

// QueueRule has a hook's packets judged one by one by halfopen. All faults in a host's queue share it.
type QueueRule struct {
	// Host is the network namespace, Hook its built-in chain of the table mangle: INPUT, OUTPUT or FORWARD. The table comes
	// before filter, so the queue's faults strike before those of iptables.
	Host, Hook string
	// Family selects iptables or ip6tables.
	Family scenarios.Family
	// Protocol is the only one that the queue's faults are about, "" for all.
	Protocol string
	// Strikes is what the fault does there.
	Strikes *queue.Rule
	// Installs is true for the first fault of a hook, which brings the hook's rule with it.
	Installs bool

	text string
}

func (*QueueRule) rule() {}

// Spec returns the matches and the target of the iptables rule.
func (r *QueueRule) Spec() []string {
	var spec []string
	if r.Protocol != "" {
		spec = append(spec, "-p", r.Protocol)
	}
	return append(spec, "-m", "mark", "!", "--mark", fmt.Sprintf("%#x", queue.Mark),
		"-j", "NFQUEUE", "--queue-num", fmt.Sprint(queue.Number), "--queue-bypass")
}

// Commands returns the iptables command, from the first fault of a hook only, and a comment on what the queue does.
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
		return nil, c.errorf("arp cannot be selected here: faults strike IP packets")
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
			rule.Or = append(rule.Or, scenarios.Selector{From: p.Host})
		}
		if p.Direction != "out" {
			rule.Or = append(rule.Or, scenarios.Selector{To: p.Host})
		}
	}
	if c.offloads && rule.NeedsWirePackets() {
		return nil, c.errorf("%s works on packets one by one, and with offloads: true they are not yet those of the wire", f.Do.Kind())
	}
	p := &Planned{Mechanism: NFQueue, Why: why + note}
	for _, at := range places {
		rule.Places = append(rule.Places, queue.Place{Host: at.host, Hook: at.hook})
		p.Rules = append(p.Rules, &QueueRule{Host: at.host, Hook: at.hook, Family: c.topology.Family, Strikes: rule, text: words.Fault(f)})
	}
	return p, nil
}

// layQueues finds out for each hook with a queue which fault brings the rule, and which protocol is enough.
func (p *Plan) layQueues() {
	first := map[queue.Place]*QueueRule{}
	for f := range p.Faults {
		for _, r := range p.Faults[f].Rules {
			q, ok := r.(*QueueRule)
			if !ok {
				continue
			}
			at := queue.Place{Host: q.Host, Hook: q.Hook}
			protocol := protocolOf(&q.Strikes.Match)
			switch have := first[at]; {
			case have == nil:
				first[at] = q
				q.Installs, q.Protocol = true, protocol
			case have.Protocol != protocol:
				have.Protocol = ""
			}
		}
	}
}

// protocolOf returns the protocol of all the selector's packets; "" if there may be several.
func protocolOf(m *scenarios.Selector) string {
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
				rules = append(rules, q.Strikes)
			}
			if !slices.Contains(hosts, q.Host) {
				hosts = append(hosts, q.Host)
			}
		}
	}
	return rules, hosts
}
