package assertions

import (
	"fmt"

	"halfopen/harness/trace"
)

// leftAlone wants nobody to have switched or added a fault by hand. If nobody did, there is no
// verdict.
func (ev *evidence) leftAlone() []Verdict {
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		if e.Fault == nil || e.Fault.Hand == "" {
			continue
		}
		change := "switched fault " + e.Fault.Name + " " + string(e.Fault.What)
		if e.Fault.What == trace.FaultAdded {
			change = "added fault " + e.Fault.Name
		}
		v := newDraft("hand", -1, ev.s.Pos, "nobody switches a fault by hand")
		v.fail(SwitchedByHand, "no change", fmt.Sprintf("fault %s %s at %s", e.Fault.Name, e.Fault.What, ev.when(e.T)),
			fmt.Sprintf("%s %s by hand, at %s: what follows shows nothing about the scenario",
				e.Fault.Hand, change, ev.when(e.T)))
		return []Verdict{v.finish()}
	}
	return nil
}
