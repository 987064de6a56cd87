package harness

import (
	"slices"
	"strings"

	"halfopen/inject/fault"
	"halfopen/scenarios/language"
)

// watchEvents notes the events of which something besides actors must know.
func (l *lab) watchEvents() {
	for i := range l.Scenario.Expect {
		e := &l.Scenario.Expect[i]
		var refs []language.EventRef
		switch {
		case e.Sockets != nil:
			refs = append(refs, e.Sockets.When)
		case e.Holds != nil:
			refs = append(refs, e.Holds.From, e.Holds.Until)
		case e.Never != nil:
			refs = append(refs, e.Never.From, e.Never.Until)
		}
		for _, r := range refs {
			if r != "" {
				l.sampled[r.Canonical()] = true
			}
		}
	}
	for _, r := range language.EventRefs(l.Scenario) {
		e, err := r.Parse()
		switch {
		case err != nil || e.Fault == "":
		case l.plan.Fault(e.Fault).Mechanism == fault.NFQueue:
			l.awaited[e.Fault] = true
		default:
			l.counted[e.Fault] = 0
		}
	}
}

// gates returns the events of an actor at which it must stand still.
func (l *lab) gates(actor string) []language.EventRef {
	var gates []language.EventRef
	add := func(ref language.EventRef) {
		if strings.HasPrefix(string(ref), actor+".") && !slices.Contains(gates, ref) {
			gates = append(gates, ref)
		}
	}
	for i := range l.Scenario.Faults {
		f := &l.Scenario.Faults[i]
		add(f.From)
		add(f.Until)
		if f.Do.Hold != nil {
			add(f.Do.Hold.Until)
		}
		if f.Do.Replay != nil {
			add(f.Do.Replay.Until)
		}
	}
	for event := range l.sampled {
		add(event)
	}
	return gates
}

// hitOf returns the event of a fault's nth hit.
func hitOf(fault string, n uint64) language.EventRef {
	return language.Event{Kind: language.EventFaultHit, Fault: fault, N: int(n)}.Ref()
}
