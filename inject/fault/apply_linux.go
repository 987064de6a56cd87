package fault

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/inject"
	"halfopen/inject/internal/queue"
	"halfopen/inject/network"
	"halfopen/internal/iptables"
	"halfopen/scenarios/language"
)

// Options configure an [Injector]. A plan that uses the queue needs Hosts and Now.
type Options struct {
	// Exec, if not nil, is called with each function that runs a program and waits for it. A
	// process that reaps all its children must not reap while one runs.
	Exec func(func() error) error
	// Seed seeds the random decisions of faults.
	Seed uint64
	// Hosts are the addresses of every host, by name.
	Hosts map[string][]netip.Addr
	// Now is the clock that times queued packets.
	Now func() time.Duration
	// Struck, if not nil, is called on any goroutine with each strike in a queue, before its packet
	// goes on if the strike counts by then. Failed, if not nil, is called with each error of a
	// queue, and if [Injector.Settle] did not wait long enough.
	Struck func(host string, s Strike)
	Failed func(error)
	// Seen, if not nil, is called on any goroutine with each event of [Plan.Watches], when it happens. Its
	// packet goes on when Seen has returned.
	Seen func(host string, s Sighting)
	// Late, if not nil, is called on any goroutine when a queue let a packet go on at the time done
	// instead of due. fault is the last that delayed it, "" if none did. Late must return at once.
	Late func(host, fault string, due, done time.Duration)
}

// Strike is one hit of a fault in a queue.
type Strike struct {
	Fault string
	// N counts the fault's hits, from 1.
	N uint64
	// At is when the packet was judged. A strike that shows only later whether it changes anything, as
	// that of reorder, is reported then, with this time.
	At time.Duration
	// Effect says what happened to the packet: dropped, rejected, delayed, ...
	Effect string
	// By is the delay; 0 if the effect has no time.
	By time.Duration
	// Packet is the packet as it arrived, from its IP header on, cut after its headers.
	Packet []byte
}

// Sighting is an event of a packet that happens.
type Sighting struct {
	Event language.EventRef
	// N counts the packets, that of the event included. At is when those before it had left the queue.
	// Packet is as in [Strike].
	N      uint64
	At     time.Duration
	Packet []byte
}

// Injector carries out a plan in a network. Its methods, except [Injector.Settle], must not be called
// concurrently.
type Injector struct {
	net      *network.Network
	plan     *Plan
	exec     func(func() error) error
	programs map[language.Family]*iptables.Tables
	// on says which faults are in force, gone how many hits their removed rules had; both by fault.
	on   map[string]bool
	gone map[string]uint64
	undo []func() error
	// failed is Options.Failed, or does nothing.
	failed func(error)
	// engine and queues belong to the faults that strike in queues. options are those of Open.
	engine  *queue.Engine
	queues  []*queue.Queue
	options Options
}

// Open prepares the plan's rules without putting any in force. The error for a program that is not
// installed is a *inject.MissingError.
func Open(n *network.Network, p *Plan, o Options) (_ *Injector, err error) {
	i := &Injector{
		net:      n,
		plan:     p,
		exec:     o.Exec,
		programs: map[language.Family]*iptables.Tables{},
		on:       map[string]bool{},
		gone:     map[string]uint64{},
		failed:   o.Failed,
		options:  o,
	}
	if i.failed == nil {
		i.failed = func(error) {}
	}
	if i.exec == nil {
		i.exec = func(f func() error) error { return f() }
	}
	defer func() {
		if err != nil && !iptables.Hangs(err) { // to remove the rules would hang as well
			err = errors.Join(err, i.Close())
		}
	}()
	if err := i.openQueues(o); err != nil {
		return nil, err
	}
	for f := range p.Faults {
		planned := &p.Faults[f]
		for _, r := range planned.Rules {
			if err := i.prepare(fmt.Sprintf("fault %q", planned.Name), r); err != nil {
				return nil, err
			}
		}
	}
	for _, w := range p.Watches {
		for _, r := range w.Rules {
			if err := i.prepare("the event "+string(w.Event), r); err != nil {
				return nil, err
			}
		}
	}
	return i, nil
}

// prepare makes a rule ready to be put in force, which something needs.
func (i *Injector) prepare(neededBy string, r Rule) error {
	var err error
	switch r := r.(type) {
	case *ChainRule:
		if err := i.needProgram(r.Family, neededBy); err != nil {
			return err
		}
		err = i.makeChain(r)
	case *QueueRule:
		if !r.Installs {
			return nil
		}
		if err := i.needProgram(r.Family, neededBy); err != nil {
			return err
		}
		if err = i.setSysctls(r); err == nil {
			err = i.fillQueue(r)
		}
	}
	if err != nil {
		return fmt.Errorf("preparing %s: %w", neededBy, err)
	}
	return nil
}

// Happened reports an event, in canonical form, to the faults that wait for it.
func (i *Injector) Happened(event language.EventRef) {
	queue.Happened(i.queues, event)
}

// needProgram finds iptables or ip6tables, once.
func (i *Injector) needProgram(family language.Family, neededBy string) error {
	if i.programs[family] != nil {
		return nil
	}
	var program *iptables.Tables
	err := i.exec(func() error {
		return iptables.Within(family == language.V6, func() (err error) {
			program, err = iptables.New(family == language.V6)
			return err
		})
	})
	if iptables.Missing(err) {
		return &inject.MissingError{
			Feature:  "the program " + iptables.Program(family == language.V6),
			NeededBy: neededBy,
			Remedy:   "install it: make deps, or apt-get install iptables",
		}
	}
	if err != nil {
		return err
	}
	i.programs[family] = program
	return nil
}

// iptables calls f in the host's namespace.
func (i *Injector) iptables(
	host string, family language.Family, f func(*iptables.Tables) error,
) error {
	return i.exec(func() error {
		return iptables.Within(family == language.V6, func() error {
			return i.net.Host(host).Do(func() error { return f(i.programs[family]) })
		})
	})
}

func (i *Injector) makeChain(r *ChainRule) error {
	i.undo = append(i.undo, func() error {
		return i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
			return t.ClearAndDeleteChain("filter", r.Chain)
		})
	})
	return i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
		if err := t.NewChain("filter", r.Chain); err != nil {
			return fmt.Errorf("adding chain %s on %s: %w", r.Chain, r.Host, err)
		}
		for _, spec := range r.Specs {
			if err := t.Append("filter", r.Chain, spec...); err != nil {
				return fmt.Errorf("adding a rule to chain %s on %s: %w", r.Chain, r.Host, err)
			}
		}
		return nil
	})
}

// On puts a fault in force; it does nothing if the fault is already in force.
func (i *Injector) On(name string) error { return i.set(name, true) }

// Off takes a fault out of force; it does nothing if the fault is not in force. The fault's hits
// are kept.
func (i *Injector) Off(name string) error { return i.set(name, false) }

func (i *Injector) set(name string, on bool) error {
	p := i.plan.Fault(name)
	if p == nil {
		return fmt.Errorf("unknown fault %q", name)
	}
	if i.on[name] == on {
		return nil
	}
	for _, r := range p.Rules {
		var err error
		switch r := r.(type) {
		case *ChainRule:
			err = i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
				if on {
					return t.Append("filter", r.Hook, "-j", r.Chain)
				}
				return t.Delete("filter", r.Hook, "-j", r.Chain)
			})
		case *QdiscRule:
			if on {
				err = i.addQdisc(r, name)
			} else {
				var hits uint64
				if hits, err = i.qdiscHits(r); err == nil {
					i.gone[name] += hits
					err = i.delQdisc(r)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("switching fault %q: %w", name, err)
		}
	}
	if i.engine != nil {
		i.engine.Set(name, on)
	}
	i.on[name] = on
	return nil
}

// Hits returns how many packets a fault has struck. [QdiscRule] says what that means for tc.
func (i *Injector) Hits(name string) (uint64, error) {
	p := i.plan.Fault(name)
	if p == nil {
		return 0, fmt.Errorf("unknown fault %q", name)
	}
	if p.Mechanism == NFQueue {
		return i.engine.Hits(name), nil
	}
	hits := i.gone[name]
	for _, r := range p.Rules {
		var n uint64
		var err error
		switch r := r.(type) {
		case *ChainRule:
			n, err = i.chainHits(r)
		case *QdiscRule:
			if i.on[name] {
				n, err = i.qdiscHits(r)
			}
		}
		if err != nil {
			return 0, fmt.Errorf("reading the hits of fault %q: %w", name, err)
		}
		hits += n
	}
	return hits, nil
}

// Seen returns how many packets of an event of the plan have come, up to the one of the event, and whether
// that has.
func (i *Injector) Seen(event language.EventRef) (n uint64, happened bool) {
	return i.engine.Seen(event)
}

func (i *Injector) chainHits(r *ChainRule) (hits uint64, err error) {
	err = i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
		rules, err := t.ListWithCounters("filter", r.Chain)
		if err != nil {
			return err
		}
		hits, err = countHits(rules)
		return err
	})
	return hits, err
}

// countHits adds up the packet counters of rules as iptables -S -v prints them: -A chain ... -c
// PACKETS BYTES ...
func countHits(rules []string) (uint64, error) {
	var hits uint64
	for _, rule := range rules {
		fields := strings.Fields(rule)
		if len(fields) == 0 || fields[0] != "-A" {
			continue
		}
		at := slices.Index(fields, "-c")
		if at < 0 || at+1 >= len(fields) {
			return 0, fmt.Errorf("%q has no counters", rule)
		}
		n, err := strconv.ParseUint(fields[at+1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", rule, err)
		}
		hits += n
	}
	return hits, nil
}

// Close removes all rules, last first.
func (i *Injector) Close() error {
	var errs []error
	for f := range slices.Backward(i.plan.Faults) {
		errs = append(errs, i.Off(i.plan.Faults[f].Name))
	}
	for _, f := range slices.Backward(i.undo) {
		errs = append(errs, f())
	}
	i.undo = nil
	return errors.Join(errs...)
}
