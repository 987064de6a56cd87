package fault

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"halfopen/inject/internal/queue"
	"halfopen/inject/network"
	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// PlanQueued plans a fault for the queues alone, whatever its via says: a fault that comes to a network in
// use, see [Injector.Add].
func PlanQueued(f *language.Fault, t *network.Topology, offloads bool) (*Planned, error) {
	c := &compilation{fault: f, topology: t, offloads: offloads}
	if via := f.Via; via != "" && via != "auto" && via != string(NFQueue) {
		return nil, c.errorf(code.WrongMechanism,
			"%s carries out no fault that is added to a lab; remove \"via\" to use nfqueue", via)
	}
	p, err := c.queue("faults that are added to a lab strike in queues")
	if err != nil {
		return nil, err
	}
	p.Name = f.Name
	p.Window = Window{From: f.From, Until: f.Until, After: timeOf(f.After), For: timeOf(f.For)}
	return p, nil
}

// Add prepares another fault, planned by [PlanQueued], without putting it in force. It becomes part of
// the plan. Packets that pass before that are not counted, nor are their connections known. If it
// returns an error, the fault is not added. Add must not be called while Settle is.
func (i *Injector) Add(p *Planned) error {
	if i.plan.Fault(p.Name) != nil {
		return fmt.Errorf("adding fault %q: there is one of that name", p.Name)
	}
	var rule *queue.Rule
	for _, r := range p.Rules {
		q, ok := r.(*QueueRule)
		if !ok {
			return fmt.Errorf("adding fault %q: %s cannot be added", p.Name, p.Mechanism)
		}
		rule = q.strikes
		q.Installs = !i.covers(q)
	}
	undo, queues := len(i.undo), len(i.queues)
	if err := i.extend(p, rule); err != nil {
		for len(i.undo) > undo {
			last := i.undo[len(i.undo)-1]
			i.undo = i.undo[:len(i.undo)-1]
			err = errors.Join(err, last())
		}
		i.queues = i.queues[:queues]
		return err
	}
	i.plan.Faults = append(i.plan.Faults, *p)
	return nil
}

// widenWithin is how long a queue may take until it sees whole packets.
const widenWithin = 500 * time.Millisecond

// extend gives a fault to the engine, opens the queues that it lacks, and sends its packets there.
func (i *Injector) extend(p *Planned, rule *queue.Rule) error {
	if i.engine == nil {
		var err error
		if i.engine, err = queue.NewEngine(nil, i.options.Hosts, i.options.Seed); err != nil {
			return err
		}
	}
	for _, r := range p.Rules {
		host := r.(*QueueRule).Host
		var err error
		if have := i.queue(host); have == nil {
			err = i.openQueue(host, true) // the next fault may ask for the payload
		} else if rule.NeedsPayload() {
			err = have.Widen(time.After(widenWithin))
		}
		if err != nil {
			return err
		}
		if err := i.prepare(fmt.Sprintf("fault %q", p.Name), r); err != nil {
			return err
		}
	}
	return i.engine.Add(rule)
}

// covers reports whether a rule that is installed already sends all packets of another to the queue.
func (i *Injector) covers(q *QueueRule) bool {
	covered := func(have *QueueRule) bool {
		return have.Installs && have.Host == q.Host && have.Hook == q.Hook && have.takesIn(q)
	}
	for f := range i.plan.Faults {
		for _, r := range i.plan.Faults[f].Rules {
			if have, ok := r.(*QueueRule); ok && covered(have) {
				return true
			}
		}
	}
	return slices.ContainsFunc(i.plan.Watches, func(w Watched) bool { return slices.ContainsFunc(w.Rules, covered) })
}
