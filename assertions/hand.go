package assertions

import (
	"fmt"
)

// leftAlone wants nobody to have switched a fault by hand. There is no verdict if nobody did: it is
// what everybody takes for granted.
func (ev *evidence) leftAlone() []Verdict {
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		if e.Fault == nil || e.Fault.Hand == "" {
			continue
		}
		v := newDraft("hand", -1, ev.s.Pos, "nobody switches a fault by hand")
		v.fail("no change", fmt.Sprintf("fault %s %s at %s", e.Fault.Name, e.Fault.What, ev.when(e.T)),
			fmt.Sprintf("%s switched fault %s %s by hand, at %s: what follows shows nothing about the scenario",
				e.Fault.Hand, e.Fault.Name, e.Fault.What, ev.when(e.T)))
		return []Verdict{v.finish()}
	}
	return nil
}
