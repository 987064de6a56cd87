package fault

import (
	"errors"
	"strings"

	"halfopen/inject/internal/queue"
	"halfopen/inject/network"
	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// Features are the kernel features that decide how faults are compiled.
type Features struct {
	// Netem is true if the kernel has sch_netem.
	Netem bool
}

// Compile plans all faults of a scenario. It is pure. If a fault needs a feature that this kernel
// lacks, the error is a *inject.MissingError.
func Compile(s *language.Scenario, t *network.Topology, f Features) (*Plan, error) {
	p := &Plan{Offloads: s.Network.Offloads}
	shaped := map[linkEnd]string{}
	awaited := awaitedHits(s.Faults)
	for i := range s.Faults {
		c := &compilation{
			fault: &s.Faults[i], topology: t, features: f, offloads: s.Network.Offloads,
			awaited: awaited[s.Faults[i].Name],
		}
		planned, err := c.compile()
		if err != nil {
			return nil, err
		}
		for _, r := range planned.Rules {
			q, ok := r.(*QdiscRule)
			if !ok {
				continue
			}
			end := linkEnd{q.Host, q.Device}
			if other := shaped[end]; other != "" {
				return nil, c.errorf(code.WrongMechanism,
					"the only queueing discipline of device %s of %s is taken by fault %q: set via: nfqueue on one of the two",
					q.Device, q.Host, other)
			}
			shaped[end] = planned.Name
		}
		p.Faults = append(p.Faults, *planned)
	}
	for _, e := range s.WatchedEvents() {
		if e.Packet == nil {
			continue
		}
		w, err := watch(&e.Event, s, t)
		if err != nil {
			return nil, err
		}
		p.Watches = append(p.Watches, *w)
	}
	p.layQueues()
	return p, nil
}

// compilation compiles one fault.
type compilation struct {
	fault    *language.Fault
	topology *network.Topology
	features Features
	offloads bool
	// awaited is set if other faults wait for a hit of this one.
	awaited bool
}

// awaitedHits returns the names of the faults whose hits others wait for.
func awaitedHits(faults []language.Fault) map[string]bool {
	awaited := map[string]bool{}
	for i := range faults {
		for _, ref := range language.EventRefs(&faults[i]) {
			if e, err := ref.Parse(); err == nil && e.Kind == language.EventFaultHit {
				awaited[e.Fault] = true
			}
		}
	}
	return awaited
}

// compiler plans one action for iptables or tc.
type compiler struct {
	compile func(*compilation) (*Planned, error)
	// netem reports whether the plan of a fault with via: tc may use netem; nil means never.
	netem func(*language.Fault) bool
}

func always(*language.Fault) bool { return true }

func byChance(f *language.Fault) bool { return f.Chance != nil }

// compilers are the actions that iptables or tc can carry out. The queue alone carries out all
// others.
var compilers = map[string]compiler{
	"drop":      {(*compilation).drop, byChance},
	"reject":    {(*compilation).reject, nil},
	"partition": {(*compilation).partition, nil},
	"rate":      {(*compilation).rate, nil},
	"delay":     {(*compilation).delay, always},
	"duplicate": {(*compilation).duplicate, always},
	"corrupt":   {(*compilation).corrupt, always},
	"reorder":   {(*compilation).reorder, always},
	"loss":      {(*compilation).loss, always},
}

func (c *compilation) compile() (*Planned, error) {
	p, err := c.mechanism()
	if err != nil {
		return nil, err
	}
	p.Name = c.fault.Name
	p.Window = Window{
		From:  c.fault.From,
		Until: c.fault.Until,
		After: timeOf(c.fault.After),
		For:   timeOf(c.fault.For),
	}
	return p, nil
}

// mechanism plans the fault with the simplest mechanism that can carry it out, or with the one that
// via names.
func (c *compilation) mechanism() (*Planned, error) {
	via := c.fault.Via
	if via == string(NFQueue) {
		return c.queue("via asks for nfqueue")
	}
	kind := c.fault.Do.Kind()
	var p *Planned
	err := c.needsQueue("carry out " + kind)
	if k, ok := compilers[kind]; ok {
		p, err = k.compile(c)
	}
	if err == nil && c.atPacket() {
		err = c.needsQueue("begin or end at a packet, and let that one pass as before")
	}
	anyMechanism := via == "" || via == "auto"
	var needed *queueNeeded
	switch {
	case errors.As(err, &needed) && anyMechanism:
		return c.queue(needed.Error())
	case errors.As(err, &needed):
		return nil, c.errorf(code.WrongMechanism,
			"%s cannot %s; remove \"via\" to use nfqueue", via, needed.what)
	case err != nil:
		return nil, err
	case !anyMechanism && via != string(p.Mechanism):
		return nil, c.errorf(code.WrongMechanism,
			"%s cannot carry out this fault; remove \"via\" to use %s", via, p.Mechanism)
	}
	return p, nil
}

func (c *compilation) errorf(kind code.Code, format string, args ...any) error {
	return &language.Error{
		Pos:     c.fault.Pos,
		Problem: code.Errorf(kind, "fault %q: "+format, append([]any{c.fault.Name}, args...)...),
	}
}

// queueNeeded says why a fault goes to the queue in user space: what only the queue can do or, if
// set, why the queue is preferred.
type queueNeeded struct{ what, why string }

func (e *queueNeeded) Error() string {
	if e.why != "" {
		return e.why
	}
	return "only nfqueue can " + e.what
}

// beyond is the error for a selector key that a mechanism cannot match.
func (c *compilation) beyond(k language.Key) error {
	if k == language.KeyARP {
		return c.errorf(code.Unsupported, "a fault cannot match arp: faults strike only IP packets")
	}
	return &queueNeeded{what: "match by " + string(k)}
}

func (c *compilation) needsQueue(what string) error { return &queueNeeded{what: what} }

// hooks returns where the fault strikes, and a note for the plan if that is not obvious.
func (c *compilation) hooks() ([]queue.Hook, string, error) {
	at := c.fault.At
	if at == "" {
		at = language.Wire
	}
	if at != language.Wire {
		host, hook, _ := strings.Cut(at, ".")
		if c.topology.Host(host) == nil || hook != "input" && hook != "output" {
			return nil, "", c.errorf(code.UnknownWord,
				"invalid \"at: %s\": want wire, HOST.input or HOST.output", at)
		}
		return []queue.Hook{{Host: host, Chain: strings.ToUpper(hook)}}, "", nil
	}
	if c.topology.Shape == language.ShapeWire {
		return []queue.Hook{{Host: language.Wire, Chain: "FORWARD"}}, "", nil
	}
	// Without a wire, the receiving host's input comes nearest to it: the sender does not learn of
	// the loss.
	why := "; without a wire, it strikes at the receiver"
	if to := c.fault.Match.To; to != "" {
		return []queue.Hook{{Host: to, Chain: "INPUT"}}, why, nil
	}
	var all []queue.Hook
	for _, h := range c.topology.Hosts {
		if h.Name != c.fault.Match.From || c.topology.Shape == language.ShapeLoopback {
			all = append(all, queue.Hook{Host: h.Name, Chain: "INPUT"})
		}
	}
	return all, why, nil
}
