package fault

import (
	"time"

	"halfopen/internal/kernel"
	"halfopen/scenarios"
)

func timeOf(d scenarios.Duration) time.Duration { return time.Duration(d) }

// linkEnd is a device whose queue all packets of a direction leave by.
type linkEnd struct{ host, device string }

// wholeLink returns the devices by which the packets of the fault leave, if its selector takes a whole direction of a link.
func (c *compilation) wholeLink(what string) ([]linkEnd, error) {
	m := c.fault.Match
	from, to := m.From, m.To
	m.From, m.To = "", ""
	switch {
	case !emptySelector(&m):
		return nil, c.needsQueue(what + " of selected packets")
	case c.fault.Triggered():
		return nil, c.needsQueue(what + " with a trigger")
	case c.fault.At != "" && c.fault.At != scenarios.Wire:
		return nil, c.needsQueue(what + " at a host's input or output")
	}
	var ends []linkEnd
	hosts := 0
	for _, h := range c.topology.Hosts {
		if h.Name != scenarios.Wire {
			hosts++
		}
	}
	if (from != "" && hosts > 2) || c.topology.Shape == scenarios.ShapeLoopback {
		return nil, c.needsQueue(what + " by sender among more than two hosts, or on lo")
	}
	for _, l := range c.topology.Links {
		// The far end of a host's link is where packets to that host leave.
		if l.A.Host != from && (to == "" || l.A.Host == to) {
			ends = append(ends, linkEnd{l.B.Host, l.B.Device})
		}
		if c.topology.Shape == scenarios.ShapeDirect && l.B.Host != from && (to == "" || l.B.Host == to) {
			ends = append(ends, linkEnd{l.A.Host, l.A.Device})
		}
	}
	if len(ends) == 0 {
		return nil, c.errorf("no link carries packets from %q to %q", from, to)
	}
	return ends, nil
}

func emptySelector(m *scenarios.Selector) bool {
	return len(m.TCP) == 0 && m.UDP == "" && m.ICMP == "" && m.ARP == "" && len(m.Port)+len(m.SPort)+len(m.DPort) == 0 &&
		m.Conn == 0 && m.Payload == nil && m.Retransmission == nil && len(m.Options) == 0 &&
		m.Seq == nil && m.Ack == nil && m.Window == nil && m.TTL == nil
}

// MayUseNetem reports whether compiling an action looks at [Features].Netem, so that a kernel need be probed for it.
func MayUseNetem(a *scenarios.Action) bool {
	return a.Delay != nil || a.Duplicate != nil || a.Corrupt != nil
}

// netem plans a whole link's trouble with the queueing discipline made for it.
func (c *compilation) netem(what string, settings Netem) (*Planned, error) {
	ends, err := c.wholeLink(what)
	if err != nil {
		return nil, err
	}
	if c.fault.Via != string(TC) {
		// A queueing discipline holds all frames of a device: who waits for the ARP reply waits twice.
		return nil, c.needsQueue(what + " of IP packets and not of ARP and neighbour discovery")
	}
	if !c.features.Netem {
		return nil, &kernel.MissingError{
			Feature:  "sch_netem",
			NeededBy: c.fault.Pos.String() + ": fault \"" + c.fault.Name + "\" with via: tc",
			Remedy:   "load it (modprobe sch_netem) where the kernel has it as a module",
		}
	}
	p := &Planned{Mechanism: TC, Why: what + " of a whole link: via asks for tc, and this kernel has netem"}
	for _, e := range ends {
		p.Rules = append(p.Rules, &QdiscRule{Host: e.host, Device: e.device, Netem: &settings})
	}
	return p, nil
}
