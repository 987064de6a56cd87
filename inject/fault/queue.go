package fault

import (
	"fmt"
	"iter"
	"slices"

	"halfopen/inject/internal/queue"
	"halfopen/internal/code"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// QueueRule is a fault that halfopen carries out in user space, packet by packet. All faults in a
// host's queue share that queue.
type QueueRule struct {
	// Host is the network namespace, Hook its built-in chain of the table mangle: INPUT, OUTPUT or
	// FORWARD. mangle comes before filter, so the queue's faults strike before those of iptables.
	Host, Hook string
	// Family selects iptables or ip6tables.
	Family language.Family
	// Match are the matches of the iptables rule that sends packets to the queue: all packets that
	// the fault may select, and at least all of a direction and a protocol. Packets that bypassed
	// the queue would overtake those in it.
	Match []string
	// Installs is true if the fault installs that iptables rule, and false if the rule of another
	// fault sends its packets too.
	Installs bool
	// Sysctls are kernel parameters of the host that the queue needs. The parameters that the
	// scenario itself sets are not among them.
	Sysctls []language.Sysctl

	// strikes is the fault as the queue carries it out, or watches the event that the queue watches for;
	// text is the same in words.
	strikes *queue.Rule
	watches *queue.Watch
	text    string
}

func (*QueueRule) rule() {}

// Spec returns the matches and the target of the iptables rule.
func (r *QueueRule) Spec() []string {
	return append(slices.Clone(r.Match), "-m", "mark", "!", "--mark", fmt.Sprintf("%#x", queue.Mark),
		"-j", "NFQUEUE", "--queue-num", fmt.Sprint(queue.Number), "--queue-bypass")
}

// Commands returns the iptables command, if the fault installs one, and a comment that says what
// the queue does.
func (r *QueueRule) Commands() []string {
	var commands []string
	if r.Installs {
		if len(r.Sysctls) > 0 {
			command := fmt.Sprintf("ip netns exec %s sysctl -qew", r.Host)
			for _, s := range r.Sysctls {
				command += " " + s.Name + "=" + s.Value
			}
			commands = append(commands, command)
		}
		start := fmt.Sprintf("ip netns exec %s %s -t mangle -A %s ", r.Host, programOf(r.Family), r.Hook)
		commands = append(commands, start+quoteAll(r.Spec()))
	}
	return append(commands, fmt.Sprintf("# queue %d of %s: %s", queue.Number, r.Host, r.text))
}

// queue plans the fault for the queues of the hosts where it strikes.
func (c *compilation) queue(why string) (*Planned, error) {
	f := c.fault
	if f.Match.ARP != "" {
		return nil, c.beyond(language.KeyARP)
	}
	if _, err := selector.New(&f.Match, nil); err != nil {
		return nil, c.errorf(code.CannotPlan, "%v", err)
	}
	hooks, note, err := c.hooks()
	if err != nil {
		return nil, err
	}
	rule := &queue.Rule{
		Fault: f.Name,
		Match: f.Match,
		Trigger: queue.Trigger{
			Nth: f.Nth, Skip: f.Skip, First: f.First, Every: f.Every, Chance: (*float64)(f.Chance),
		},
		Do: f.Do,
	}
	if p := f.Do.Partition; p != nil {
		if c.topology.Host(p.Host) == nil {
			return nil, c.errorf(code.UnknownName, "unknown host %q", p.Host)
		}
		if p.Direction != "in" {
			rule.Or = append(rule.Or, language.Selector{From: p.Host})
		}
		if p.Direction != "out" {
			rule.Or = append(rule.Or, language.Selector{To: p.Host})
		}
	}
	if c.offloads && rule.NeedsWirePackets() {
		return nil, c.errorf(code.Contradiction,
			"%s needs packets as they are on the wire, but offloads merge them: remove offloads: true",
			f.Do.Kind())
	}
	p := &Planned{Mechanism: NFQueue, Why: why + note}
	match := c.detour(&f.Match, c.awaited || rule.NeedsFlow())
	for _, at := range hooks {
		rule.Hooks = append(rule.Hooks, at)
		p.Rules = append(p.Rules, &QueueRule{
			Host: at.Host, Hook: at.Chain, Family: c.topology.Family, Match: match,
			Sysctls: c.lookups(at), strikes: rule, text: f.String(),
		})
	}
	return p, nil
}

// lookups returns the parameters without which the kernel looks up a packet's socket before the hook
// (early demux, ip_rcv_finish_core in net/ipv4/ip_input.c and net/ipv6/ip6_input.c): a packet that
// waits at INPUT would keep a socket that is closed meanwhile, and be lost without an answer. In
// other chains a packet has no socket, or that of its sender.
func (c *compilation) lookups(at queue.Hook) (list []language.Sysctl) {
	if at.Chain != "INPUT" {
		return nil
	}
	// Not ip_early_demux, which is the switch for both: a scenario that turns that on asks for what
	// is the default. For IPv6 they are the same.
	for _, name := range []string{"net.ipv4.tcp_early_demux", "net.ipv4.udp_early_demux"} {
		set := func(s language.Sysctl) bool { return s.Name == name }
		if !slices.ContainsFunc(c.topology.Host(at.Host).Sysctls, set) {
			list = append(list, language.Sysctl{Name: name, Value: "0", Optional: true})
		}
	}
	return list
}

// detour returns the matches of the packets of a selector that are needed in the queue. If connections
// are followed, or something waits for one of the packets, packets of both directions are needed: they
// then wait for each other.
func (c *compilation) detour(m *language.Selector, both bool) []string {
	var match []string
	for _, side := range []struct{ flag, host string }{{"-s", m.From}, {"-d", m.To}} {
		h := c.topology.Host(side.host)
		// Of several addresses, iptables would make several rules.
		if h != nil && len(h.Addrs) == 1 && !both {
			match = append(match, side.flag, h.Addrs[0].String())
		}
	}
	if protocol := protocolOf(m); protocol != "" {
		match = append(match, "-p", protocol)
	}
	return match
}

// layQueues decides which rules of a hook send packets to its queue: those that no other rule
// covers.
func (p *Plan) layQueues() {
	hooks := map[queue.Hook][]*QueueRule{}
	for q := range p.queued() {
		at := queue.Hook{Host: q.Host, Chain: q.Hook}
		hooks[at] = append(hooks[at], q)
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

// takesIn reports whether the rule sends all packets to the queue that another rule would send.
func (r *QueueRule) takesIn(other *QueueRule) bool {
	for flag := range slices.Chunk(r.Match, 2) {
		at := slices.Index(other.Match, flag[0])
		if at < 0 || other.Match[at+1] != flag[1] {
			return false
		}
	}
	return true
}

// protocolOf returns the protocol of all the selector's packets, or "" if there may be several.
func protocolOf(m *language.Selector) string {
	switch {
	case len(m.TCP) > 0 && m.UDP == "" && m.ICMP == "":
		return "tcp"
	case m.UDP != "" && len(m.TCP) == 0 && m.ICMP == "":
		return "udp"
	}
	return ""
}

// queued returns the rules that send packets to queues, in the order of the plan.
func (p *Plan) queued() iter.Seq[*QueueRule] {
	return func(yield func(*QueueRule) bool) {
		for f := range p.Faults {
			for _, r := range p.Faults[f].Rules {
				if q, ok := r.(*QueueRule); ok && !yield(q) {
					return
				}
			}
		}
		for w := range p.Watches {
			for _, q := range p.Watches[w].Rules {
				if !yield(q) {
					return
				}
			}
		}
	}
}

// queueRules returns what strikes in queues and what is watched for there, in the order of the plan,
// and the hosts with queues.
func (p *Plan) queueRules() (rules []*queue.Rule, watches []*queue.Watch, hosts []string) {
	for q := range p.queued() {
		if q.strikes != nil && !slices.Contains(rules, q.strikes) {
			rules = append(rules, q.strikes)
		}
		if q.watches != nil && !slices.Contains(watches, q.watches) {
			watches = append(watches, q.watches)
		}
		if !slices.Contains(hosts, q.Host) {
			hosts = append(hosts, q.Host)
		}
	}
	return rules, watches, hosts
}
