package language

import (
	"fmt"
	"regexp"
	"strconv"

	"halfopen/internal/say"
)

// EventKind says what sort of event an [EventRef] names.
type EventKind string

// The kinds of events.
const (
	EventStepEnd   EventKind = "step-end"
	EventStepStart EventKind = "step-start"
	EventFaultHit  EventKind = "fault-hit"
	EventSignal    EventKind = "signal"
)

// Event is what an [EventRef] names.
type Event struct {
	Kind EventKind
	// Actor and Step are set for steps; Actor also for signals.
	Actor string
	Step  string
	// N is which execution of the step, or which hit of the fault, from 1; 1 where the reference does not say.
	N int
	// Fault is set for hits, Signal for signals.
	Fault  string
	Signal string
}

const indexPattern = `(?:\[([0-9]{1,9})\])?`

var (
	faultEvent  = regexp.MustCompile(`^fault\.([^.\[\]]+)\.hit` + indexPattern + `$`)
	signalEvent = regexp.MustCompile(`^([^.\[\]]+)\.signal\.([^.\[\]]+)$`)
	stepEvent   = regexp.MustCompile(`^([^.\[\]]+)\.([^.\[\]]+)` + indexPattern + `(\.start)?` + indexPattern + `$`)
	stepRef     = regexp.MustCompile(`^([^.\[\]]+)\.([^.\[\]]+)` + indexPattern + `$`)
)

// eventForms is for messages about references that are none of these.
const eventForms = "ACTOR.STEP, ACTOR.STEP.start, ACTOR.STEP[N], fault.NAME.hit, fault.NAME.hit[N] or ACTOR.signal.NAME"

// Parse reads the reference. It does not know which steps and faults there are; [File.Expand] has checked that.
func (r EventRef) Parse() (Event, error) {
	text := string(r)
	wrong := fmt.Errorf("invalid event %q: want %s", say.Clip(text), eventForms)
	if m := faultEvent.FindStringSubmatch(text); m != nil {
		n, ok := index(m[2])
		if !ok {
			return Event{}, fmt.Errorf("invalid event %q: hits are counted from 1", say.Clip(text))
		}
		return Event{Kind: EventFaultHit, Fault: m[1], N: n}, nil
	}
	if m := signalEvent.FindStringSubmatch(text); m != nil && m[2] != "start" {
		return Event{Kind: EventSignal, Actor: m[1], Signal: m[2], N: 1}, nil
	}
	m := stepEvent.FindStringSubmatch(text)
	if m == nil || m[1] == "fault" || (m[3] != "" && m[5] != "") || (m[4] == "" && m[5] != "") {
		return Event{}, wrong
	}
	n, ok := index(m[3] + m[5])
	if !ok {
		return Event{}, fmt.Errorf(
			"invalid event %q: executions are counted from 1", say.Clip(text))
	}
	e := Event{Kind: EventStepEnd, Actor: m[1], Step: m[2], N: n}
	if m[4] != "" {
		e.Kind = EventStepStart
	}
	return e, nil
}

// Ref returns the event's reference in the one form that [EventRef.Canonical] gives all references to it.
func (e Event) Ref() EventRef {
	ref := ""
	switch e.Kind {
	case EventFaultHit:
		ref = "fault." + e.Fault + ".hit"
	case EventSignal:
		return EventRef(e.Actor + ".signal." + e.Signal)
	default:
		ref = e.Actor + "." + e.Step
	}
	if e.N > 1 {
		ref += "[" + strconv.Itoa(e.N) + "]"
	}
	if e.Kind == EventStepStart {
		ref += ".start"
	}
	return EventRef(ref)
}

// Canonical returns the one form of a reference that can be written in several: a first execution, or a first hit, has no
// number, and the number of an execution stands before .start.
func (r EventRef) Canonical() EventRef {
	e, err := r.Parse()
	if err != nil {
		return r
	}
	return e.Ref()
}

// index reads the number in brackets; none means the first.
func index(digits string) (int, bool) {
	if digits == "" {
		return 1, true
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 1
}

// Split takes the reference apart. n is which execution, from 1, or 0 for all of them. A reference of another form gives
// empty names; [File.Expand] refuses those.
func (r StepRef) Split() (actor, step string, n int) {
	m := stepRef.FindStringSubmatch(string(r))
	if m == nil {
		return "", "", 0
	}
	if m[3] != "" {
		var ok bool
		if n, ok = index(m[3]); !ok {
			return "", "", 0
		}
	}
	return m[1], m[2], n
}
