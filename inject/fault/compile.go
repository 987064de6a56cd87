package fault

import (
	"fmt"
	"strings"

	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/scenarios"
)

// Features are what compiling must know of the kernel the faults will strike on.
type Features struct {
	// Netem is true where the kernel has sch_netem.
	Netem bool
}

// Compile plans all faults of a scenario. It is pure. The error of a fault that needs what this kernel, or this version of
// halfopen, does not have is a *kernel.MissingError.
func Compile(s *scenarios.Scenario, t *network.Topology, f Features) (*Plan, error) {
	p := &Plan{}
	for i := range s.Faults {
		c := &compilation{fault: &s.Faults[i], topology: t, features: f}
		planned, err := c.compile()
		if err != nil {
			return nil, err
		}
		p.Faults = append(p.Faults, *planned)
	}
	return p, nil
}

// compilation is the work on one fault.
type compilation struct {
	fault    *scenarios.Fault
	topology *network.Topology
	features Features
}

// actions says who compiles each action.
var actions = map[string]func(*compilation) (*Planned, error){
	"drop":      (*compilation).drop,
	"reject":    (*compilation).reject,
	"partition": (*compilation).partition,
	"rate":      (*compilation).rate,
	"delay":     (*compilation).delay,
	"duplicate": (*compilation).duplicate,
	"corrupt":   (*compilation).corrupt,
}

func (c *compilation) compile() (*Planned, error) {
	kind := c.fault.Do.Kind()
	compile := actions[kind]
	if compile == nil || c.fault.Via == string(NFQueue) {
		return nil, c.needsQueue("the action " + kind)
	}
	p, err := compile(c)
	if err != nil {
		return nil, err
	}
	if via := c.fault.Via; via != "" && via != "auto" && via != string(p.Mechanism) {
		return nil, c.errorf("%s cannot do it; %s can: drop \"via\"", via, p.Mechanism)
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

func (c *compilation) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: fault %q: "+format, append([]any{c.fault.Pos, c.fault.Name}, args...)...)
}

// needsQueue refuses what only the queue to user space could do.
func (c *compilation) needsQueue(what string) error {
	return &kernel.MissingError{
		Feature:  "the nfqueue mechanism",
		NeededBy: fmt.Sprintf("%s: fault %q: %s", c.fault.Pos, c.fault.Name, what),
		Remedy:   "this version of halfopen does not have it yet: use a stateless selector, a window (from, until, after, for), drop, reject, partition or rate",
	}
}

// place is a hook of a host where a fault strikes.
type place struct {
	host, hook string
}

// places returns where the fault strikes, and why there, if that needs saying.
func (c *compilation) places() ([]place, string, error) {
	at := c.fault.At
	if at == "" {
		at = scenarios.Wire
	}
	if at != scenarios.Wire {
		host, hook, _ := strings.Cut(at, ".")
		if c.topology.Host(host) == nil || hook != "input" && hook != "output" {
			return nil, "", c.errorf("at: %s is neither wire nor HOST.input nor HOST.output", at)
		}
		return []place{{host, strings.ToUpper(hook)}}, "", nil
	}
	if c.topology.Shape == scenarios.ShapeWire {
		return []place{{scenarios.Wire, "FORWARD"}}, "", nil
	}
	// Without a wire the receiving host's input comes nearest to it: the sender is told nothing there.
	why := "; there is no wire, so it strikes where packets come in"
	if to := c.fault.Match.To; to != "" {
		return []place{{to, "INPUT"}}, why, nil
	}
	var all []place
	for _, h := range c.topology.Hosts {
		if h.Name != c.fault.Match.From || c.topology.Shape == scenarios.ShapeLoopback {
			all = append(all, place{h.Name, "INPUT"})
		}
	}
	return all, why, nil
}
