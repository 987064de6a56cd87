package harness

import (
	"time"

	"halfopen/inject/fault"
	"halfopen/scenarios/language"
)

// window decides when one fault is in force. It is pure: it is called with what happens and returns
// what to do.
type window struct {
	fault string
	spec  fault.Window

	begun, over bool
}

// change is what a window asks for: the fault on or off, now or after a time.
type change struct {
	fault string
	on    bool
	after time.Duration
}

// open is called once, before the actors make their listeners: a fault without a beginning is in force
// from then on.
func (w *window) open() []change {
	if w.spec.From != "" || w.spec.After != 0 || w.spec.For != 0 {
		return nil
	}
	return w.begin()
}

// start is called once, when the actors are about to begin.
func (w *window) start() []change {
	if w.spec.From != "" || w.begun {
		return nil
	}
	return w.begin()
}

// happened is called with each event of the lab, in canonical form.
func (w *window) happened(event language.EventRef) []change {
	var changes []change
	if w.spec.From != "" && w.spec.From.Canonical() == event && !w.begun {
		changes = w.begin()
	}
	if w.spec.Until != "" && w.spec.Until.Canonical() == event && !w.over {
		w.over = true
		if w.begun {
			changes = append(changes, change{fault: w.fault})
		}
	}
	return changes
}

func (w *window) begin() []change {
	w.begun = true
	if w.over {
		return nil // it ended before it began: from comes after until
	}
	changes := []change{{fault: w.fault, on: true, after: w.spec.After}}
	if w.spec.For > 0 {
		changes = append(changes, change{fault: w.fault, after: w.spec.After + w.spec.For})
	}
	return changes
}
