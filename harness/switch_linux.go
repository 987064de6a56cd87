package harness

import (
	"errors"
	"fmt"
	"os"

	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/internal/hand"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// faultsByHand answers hand.OpFaults: the faults in their order, with their state and their hits.
func (l *lab) faultsByHand(*hand.Request, []*os.File) (*hand.Reply, error) {
	var all []hand.Fault
	for i := range l.plan.Faults {
		f, err := l.faultOf(l.plan.Faults[i].Name)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return &hand.Reply{Faults: all}, nil
}

func (l *lab) faultOf(name string) (hand.Fault, error) {
	hits, err := l.faults.Hits(name)
	if err != nil {
		return hand.Fault{}, err
	}
	f := hand.Fault{Name: name, On: l.on[name], Hits: hits}
	if spec := l.Scenario.Fault(name); spec != nil {
		f.What = spec.String()
	}
	return f, nil
}

// switchByHand answers hand.OpSwitch. The events of the scenario go on to switch the fault.
func (l *lab) switchByHand(r *hand.Request, _ []*os.File) (*hand.Reply, error) {
	if l.plan.Fault(r.Fault) == nil {
		var names []string
		for i := range l.plan.Faults {
			names = append(names, l.plan.Faults[i].Name)
		}
		if len(names) == 0 {
			return nil, &mistake{"this lab has no faults"}
		}
		return nil, &mistake{fmt.Sprintf("no fault %q%s; known here: %s", r.Fault,
			spell.DidYouMean(r.Fault, names), say.List(names))}
	}
	if l.on[r.Fault] == r.On {
		return &hand.Reply{Same: true}, nil
	}
	// Whoever holds the lab while the actors run switches faults in place of the scenario.
	by := switcher{hand: r.By, holder: r.By == "" && l.Hold == HoldDuring}
	if err := l.switchFault(r.Fault, r.On, by); err != nil {
		return nil, err
	}
	return &hand.Reply{}, nil
}

// addByHand answers hand.OpAdd: it adds a fault, and puts it in force unless it waits for its time.
func (l *lab) addByHand(r *hand.Request, _ []*os.File) (*hand.Reply, error) {
	if l.finishing {
		return nil, errors.New("the run is over")
	}
	p, err := language.ParsePhrase(r.Phrase)
	if err != nil {
		return nil, &mistake{err.Error()}
	}
	f, err := p.For(l.Scenario)
	if err != nil {
		return nil, &mistake{err.Error()}
	}
	planned, err := fault.PlanQueued(f, l.net.Topology(), l.plan.Offloads)
	if err != nil {
		return nil, &mistake{err.Error()}
	}
	defer l.doing(l.doing("adding fault " + f.Name))
	if err := l.faults.Add(planned); err != nil {
		return nil, err
	}
	l.Scenario.Faults = append(l.Scenario.Faults, *f)
	l.now(trace.Event{Fault: &trace.Fault{Name: f.Name, What: trace.FaultAdded, Phrase: f.Phrase(), Hand: r.By}})
	w := newWindow(f.Name, planned.Window)
	l.windows = append(l.windows, w)
	// Its time begins now, whether the actors have begun or not.
	for _, begin := range []func() []change{w.open, w.start} {
		if err := l.apply(begin()); err != nil {
			return nil, err
		}
	}
	added, err := l.faultOf(f.Name)
	return &hand.Reply{Faults: []hand.Fault{added}}, err
}
