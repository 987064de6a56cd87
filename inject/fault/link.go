package fault

import (
	"fmt"
	"strings"
	"time"

	"halfopen/inject"
	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

func timeOf(d language.Duration) time.Duration { return time.Duration(d) }

// linkEnd is a device through which all packets of a direction leave.
type linkEnd struct{ host, device string }

// linkEnds returns the devices through which the fault's packets leave. whole is true if no other
// packets leave through them.
func (c *compilation) linkEnds(what string) (ends []linkEnd, whole bool, err error) {
	m := c.fault.Match
	from, to := m.From, m.To
	m.From, m.To = "", ""
	whole = len(m.Keys()) == 0
	if host, side, _ := strings.Cut(c.fault.At, "."); side != "" {
		if side != "output" || c.topology.Host(host) == nil {
			return nil, false, c.needsQueue("carry out " + what +
				" on incoming packets (queueing disciplines see only outgoing ones)")
		}
		for _, e := range c.topology.LinkEnds(host) {
			ends = append(ends, linkEnd{host, e.Device})
		}
		return ends, whole && to == "", nil
	}
	hosts := 0
	for _, h := range c.topology.Hosts {
		if h.Name != language.Wire {
			hosts++
		}
	}
	// The wire sends little of what leaves its devices.
	if from != "" && hosts > 2 || from == language.Wire {
		whole = false
	}
	for _, l := range c.topology.Links {
		// The far end of a host's link is where packets to that host leave.
		if l.A.Host != from && (to == "" || l.A.Host == to) {
			ends = append(ends, linkEnd{l.B.Host, l.B.Device})
		}
		if c.topology.Shape == language.ShapeDirect && l.B.Host != from && (to == "" || l.B.Host == to) {
			ends = append(ends, linkEnd{l.A.Host, l.A.Device})
		}
	}
	if len(ends) == 0 {
		return nil, false, c.errorf(code.NeverMatches,
			"no link carries packets from %q to %q", from, to)
	}
	return ends, whole, nil
}

// tc plans a queueing discipline for the fault's packets: at the root if no other packets leave
// through the device.
func (c *compilation) tc(what string, q Qdisc) (*Planned, error) {
	if c.fault.Triggered() {
		return nil, c.needsQueue("carry out " + what + " with a trigger")
	}
	ends, whole, err := c.linkEnds(what)
	if err != nil {
		return nil, err
	}
	// At the root, a full queue would also drop the lookup of the neighbour's address, and hide the
	// error that the fault is to show.
	_, full := q.(Full)
	var filters []Filter
	why := what + " of a whole link: via asks for tc"
	if !whole || full {
		if filters, err = c.filters(); err != nil {
			return nil, err
		}
		why = what + " of selected packets: via asks for tc; an htb lets the others pass"
	}
	if _, ok := q.(*Netem); ok && !c.features.Netem {
		return nil, &inject.MissingError{
			Feature:  "sch_netem",
			OfKernel: true,
			NeededBy: fmt.Sprintf("fault %q with via: tc", c.fault.Name),
			Remedy:   `remove "via" to use nfqueue`,
		}
	}
	if rate, ok := q.(*Rate); ok {
		if err := c.checkBurst(rate, len(filters) > 0); err != nil {
			return nil, err
		}
	}
	p := &Planned{Mechanism: TC, Why: why}
	for _, e := range ends {
		p.Rules = append(p.Rules, &QdiscRule{Host: e.host, Device: e.device, Qdisc: q, Filters: filters})
	}
	return p, nil
}

// MayUseNetem reports whether compiling a fault depends on [Features].Netem, so that the kernel
// must be probed for it.
func MayUseNetem(f *language.Fault) bool {
	netem := compilers[f.Do.Kind()].netem
	return f.Via == string(TC) && netem != nil && netem(f)
}

// netem plans netem, which is used only with via: tc. Not every kernel has it, its probabilities
// cannot repeat a seed, and it counts the packets that passed, not those it struck.
func (c *compilation) netem(what string, n Netem) (*Planned, error) {
	if c.fault.Via != string(TC) {
		return nil, &queueNeeded{
			what: "carry out " + what,
			why:  what + ": nfqueue counts each hit and repeats a seed; via: tc would use netem",
		}
	}
	return c.tc(what, &n)
}

// chanceOnly returns the fault's probability (1 if it has none) and the compilation of the fault
// without it. Only the queue can carry out the rest of a trigger.
func (c *compilation) chanceOnly() (float64, *compilation) {
	if c.fault.Chance == nil {
		return 1, c
	}
	without, fault := *c, *c.fault
	fault.Chance = nil
	without.fault = &fault
	return float64(*c.fault.Chance), &without
}
