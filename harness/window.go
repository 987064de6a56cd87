package harness

import (
	"time"

	"halfopen/inject/fault"
	"halfopen/scenarios/language"
)

// window decides when one fault is in force. It is pure: its methods are called when something
// happens, and return the changes to make.
type window struct {
	fault string
	spec  fault.Window
	// from and until are the events of spec, in canonical form.
	from, until language.EventRef

	begun, over bool
}

// change puts a fault in force (on) or out of it, after a time; 0 is now.
type change struct {
	fault string
	on    bool
	after time.Duration
}

func newWindow(fault string, spec fault.Window) *window {
	return &window{fault: fault, spec: spec, from: spec.From.Canonical(), until: spec.Until.Canonical()}
}

// open is called once, before the actors make their listeners. A fault without a beginning is in
// force from then on.
func (w *window) open() []change {
	if w.spec.From != "" || w.spec.After != 0 || w.spec.For != 0 {
		return nil
	}
	return w.begin()
}

// start is called once, just before the actors begin.
func (w *window) start() []change {
	if w.spec.From != "" || w.begun {
		return nil
	}
	return w.begin()
}

// happened is called on each event of the lab, in canonical form.
func (w *window) happened(event language.EventRef) []change {
	var changes []change
	if w.from != "" && w.from == event && !w.begun {
		changes = w.begin()
	}
	if w.until != "" && w.until == event && !w.over {
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
		return nil // until came before from
	}
	changes := []change{{fault: w.fault, on: true, after: w.spec.After}}
	if w.spec.For > 0 {
		changes = append(changes, change{fault: w.fault, after: w.spec.After + w.spec.For})
	}
	return changes
}
