package language

import (
	"strconv"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

// EventKind is the sort of event that an [EventRef] names.
type EventKind string

// The kinds of events.
const (
	EventStepEnd   EventKind = "step-end"
	EventStepStart EventKind = "step-start"
	EventFaultHit  EventKind = "fault-hit"
	EventSignal    EventKind = "signal"
	// EventProgramEnd is the end of a program that a step runs: of its process, and of all that it
	// wrote until then.
	EventProgramEnd EventKind = "program-end"
	// EventLog is a line that a program prints.
	EventLog EventKind = "log"
	// EventPacket is a packet.
	EventPacket EventKind = "packet"
	// EventState is a socket that comes to a state.
	EventState EventKind = "state"
)

// Event is an [EventRef], parsed.
type Event struct {
	Kind EventKind
	// Actor and Step are set for steps and programs; Actor also for signals.
	Actor string
	Step  string
	// N is the number of the execution of the step, of the hit of the fault, of the line, packet or
	// socket, from 1. It is 1 if the reference has no number.
	N int
	// Fault is set for hits, Signal for signals.
	Fault  string
	Signal string
	// Log is set for lines, Packet for packets, State for sockets.
	Log    *LogEvent
	Packet *PacketEvent
	State  *StateEvent
}

// mapping returns what an event is that is written as a mapping; nil for any other event.
func (e *Event) mapping() mapping {
	switch {
	case e.Log != nil:
		return e.Log
	case e.Packet != nil:
		return e.Packet
	case e.State != nil:
		return e.State
	}
	return nil
}

// IsWatched reports whether the run has to watch for the event, which no step and no fault makes.
func (e *Event) IsWatched() bool { return e.mapping() != nil }

const indexPattern = `(?:\[([0-9]{1,9})\])?`

var (
	faultEvent  = pattern.New(`^fault\.([^.\[\]]+)\.hit` + indexPattern + `$`)
	signalEvent = pattern.New(`^([^.\[\]]+)\.signal\.([^.\[\]]+)$`)
	stepEvent   = pattern.New(`^([^.\[\]]+)\.([^.\[\]]+)` + indexPattern + `(\.start|\.ended)?` +
		indexPattern + `$`)
	stepRef = pattern.New(`^([^.\[\]]+)\.([^.\[\]]+)` + indexPattern + `$`)
)

// eventForms lists the forms of references, for messages.
const eventForms = "ACTOR.STEP, ACTOR.STEP.start, ACTOR.STEP.ended, ACTOR.STEP[N], fault.NAME.hit, fault.NAME.hit[N] or ACTOR.signal.NAME"

// Parse parses the reference. It does not check that the step or fault exists: [File.Expand] does.
// The error is one line that names the reference.
func (r EventRef) Parse() (Event, error) {
	text := string(r)
	if r.isMapping() {
		return parseMapping(text)
	}
	wrong := code.Errorf(code.InvalidEvent, "invalid event %q: want %s", say.Clip(text), eventForms)
	if m := faultEvent.FindStringSubmatch(text); m != nil {
		n, ok := index(m[2])
		if !ok {
			return Event{}, code.Errorf(code.InvalidEvent,
				"invalid event %q: hits are counted from 1", say.Clip(text))
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
		return Event{}, code.Errorf(code.InvalidEvent,
			"invalid event %q: executions are counted from 1", say.Clip(text))
	}
	e := Event{Kind: EventStepEnd, Actor: m[1], Step: m[2], N: n}
	switch m[4] {
	case ".start":
		e.Kind = EventStepStart
	case ".ended":
		e.Kind = EventProgramEnd
	}
	return e, nil
}

// Ref returns the canonical reference to the event, see [EventRef.Canonical].
func (e Event) Ref() EventRef {
	if m := e.mapping(); m != nil {
		return refOf(m)
	}
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
	switch e.Kind {
	case EventStepStart:
		ref += ".start"
	case EventProgramEnd:
		ref += ".ended"
	}
	return EventRef(ref)
}

// Canonical returns the canonical form of a reference that can be written in several ways: a first
// execution or first hit has no number, and the number of an execution comes before .start and
// .ended. An invalid reference is returned unchanged.
func (r EventRef) Canonical() EventRef {
	e, err := r.Parse()
	if err != nil {
		return r
	}
	return e.Ref()
}

// index reads the number in brackets; "" means 1. ok is false if it is not 1 or more.
func index(digits string) (int, bool) {
	if digits == "" {
		return 1, true
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 1
}

// Split returns the parts of the reference. n is the number of the execution, from 1, or 0 for all.
// Both names are empty if the reference is invalid; [File.Expand] refuses those.
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
