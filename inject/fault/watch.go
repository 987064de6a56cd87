package fault

import (
	"fmt"

	"halfopen/inject/internal/queue"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// watch plans the queues that watch for an event of a packet.
func watch(e *language.Event, s *language.Scenario, t *network.Topology) (*Watched, error) {
	if e.Packet.Packet.ARP != "" {
		return nil, fmt.Errorf("the event %s: queues have no ARP; want a selector of IP packets", e.Ref())
	}
	c := &compilation{topology: t, fault: &language.Fault{Match: e.Packet.Packet, At: e.Packet.Place(s)}}
	hooks, _, err := c.hooks()
	if err != nil {
		return nil, fmt.Errorf("the event %s: %w", e.Ref(), err)
	}
	w := &queue.Watch{Event: e.Ref(), Hooks: hooks, Match: e.Packet.Packet, Nth: uint64(e.N)}
	planned := &Watched{Event: w.Event}
	for _, at := range hooks {
		planned.Rules = append(planned.Rules, &QueueRule{
			Host: at.Host, Hook: at.Chain, Family: t.Family, Match: c.detour(&w.Match, true),
			Sysctls: c.lookups(at), watches: w, text: "watches for the event " + string(w.Event),
		})
	}
	return planned, nil
}

// atPacket reports whether the fault begins or ends with a packet. That packet has gone by the queues
// when it comes to the rules of iptables and tc, and they would strike it as one after the event.
func (c *compilation) atPacket() bool {
	for _, ref := range []language.EventRef{c.fault.From, c.fault.Until} {
		if e, err := ref.Parse(); err == nil && e.Packet != nil {
			return true
		}
	}
	return false
}
