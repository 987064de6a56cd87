package harness

import (
	"errors"
	"fmt"
	"os"

	"halfopen/internal/hand"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// faultsByHand answers hand.OpFaults: the faults in their order, with their state and their hits.
func (l *lab) faultsByHand(*hand.Request, []*os.File) (*hand.Reply, error) {
	var all []hand.Fault
	for i := range l.plan.Faults {
		name := l.plan.Faults[i].Name
		hits, err := l.faults.Hits(name)
		if err != nil {
			return nil, err
		}
		f := hand.Fault{Name: name, On: l.on[name], Hits: hits}
		if spec := l.Scenario.Fault(name); spec != nil {
			f.What = spec.String()
		}
		all = append(all, f)
	}
	return &hand.Reply{Faults: all}, nil
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
		return nil, &mistake{fmt.Sprintf("no fault %q%s; there are %s", r.Fault,
			spell.DidYouMean(r.Fault, names), say.List(names))}
	}
	if l.on[r.Fault] == r.On {
		return &hand.Reply{Same: true}, nil
	}
	if err := l.switchFault(r.Fault, r.On, r.By); err != nil {
		return nil, errors.Join(fmt.Errorf("switching fault %s", r.Fault), err)
	}
	return &hand.Reply{}, nil
}
