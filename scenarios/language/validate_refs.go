package language

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// stepRef checks a reference to a step and returns the step; nil if it does not exist.
func (v *validation) stepRef(field any, pos Pos, actor, step string, n int) *Step {
	key := actor + "." + step
	known := v.steps[key]
	switch {
	case known == nil && v.d.seen[key]:
		v.leftOut(field, pos, "the step "+key)
	case known == nil && !slices.Contains(v.actors, actor):
		v.errorf(code.UnknownName, field, pos,
			"unknown actor %q%s", say.Clip(actor), suggestName(actor, v.actors))
	case known == nil:
		var ids []string
		for _, id := range v.ids {
			// a step that is wrong has no name
			if rest, ok := strings.CutPrefix(id, actor+"."); ok && rest != "" {
				ids = append(ids, rest)
			}
		}
		v.errorf(code.UnknownName, field, pos, "the actor %s has no step %q%s",
			actor, say.Clip(step), suggestName(step, ids))
	case n > known.runs:
		v.errorf(code.NeverHappens, field, pos,
			"%s[%d] never happens: the step is done only %s", key, n, timesWord(known.runs))
	default:
		return known.step
	}
	return nil
}

// leftOut reports a reference to something that only: has left out.
func (v *validation) leftOut(field any, pos Pos, what string) {
	v.errorf(code.NeverHappens, field, pos, "%s is left out by only; add the same only here", what)
}

func timesWord(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// event checks a reference to an event and returns the event; false if it does not exist.
func (v *validation) event(field *EventRef, pos Pos) (Event, bool) {
	ref := *field
	if ref == "" && (!v.has(field) || len(v.d.Mistakes()) > 0) {
		return Event{}, false // it is not there, or could not be read
	}
	if m := v.d.events[field]; m != nil {
		return m.event(), m.check(v, pos)
	}
	e, err := ref.Parse()
	if err != nil {
		v.errorf(code.InvalidEvent, field, pos, "%v", err)
		return Event{}, false
	}
	if m := e.mapping(); m != nil {
		return e, m.check(v, pos)
	}
	switch e.Kind {
	case EventFaultHit:
		return e, v.faultRef(field, pos, e.Fault)
	case EventSignal:
		key := e.Actor + "." + e.Signal
		if slices.Contains(v.signals, key) {
			return e, true
		}
		v.errorf(code.NeverHappens, field, pos, "no signal step raises %q%s",
			say.Clip(string(ref)), suggestName(key, v.signals))
		return e, false
	}
	st := v.stepRef(field, pos, e.Actor, e.Step, e.N)
	if st != nil && e.Kind == EventProgramEnd && st.Op.Launch() == nil {
		v.errorf(code.WrongStep, field, pos,
			"%s.%s (%s) runs no program that could end; want %[1]s.%[2]s, the end of the step",
			e.Actor, e.Step, st.Op.Kind())
		return e, false
	}
	return e, st != nil
}

func (v *validation) faultRef(field any, pos Pos, name string) bool {
	if slices.Contains(v.faults, name) {
		return true
	}
	if v.d.seen["fault "+name] {
		v.leftOut(field, pos, "the fault "+name)
		return false
	}
	v.errorf(code.UnknownName, field, pos,
		"unknown fault %q%s", say.Clip(name), suggestName(name, v.faults))
	return false
}

func (v *validation) actorRef(field any, pos Pos, name string) {
	switch {
	case slices.Contains(v.actors, name):
	case v.d.seen["actor "+name]:
		v.leftOut(field, pos, "the actor "+name)
	default:
		v.errorf(code.UnknownName, field, pos,
			"unknown actor %q%s", say.Clip(name), suggestName(name, v.actors))
	}
}

// window checks the events from and until. It reports an until that comes before from, if the file
// alone decides that.
func (v *validation) window(from, until *EventRef, pos Pos) {
	a, okA := v.event(from, pos)
	b, okB := v.event(until, pos)
	if !okA || !okB {
		return
	}
	if a.Ref() == b.Ref() {
		v.errorf(code.WrongOrder, until, pos,
			"until is the same event as the beginning, so nothing is between; want a later one")
		return
	}
	if a.Kind == EventFaultHit && b.Kind == EventFaultHit && a.Fault == b.Fault && b.N < a.N {
		v.errorf(code.WrongOrder, until, pos,
			"invalid until %s: want an event after %s", *until, *from)
	}
	if v.precedes(b, a) {
		v.errorf(code.WrongOrder, until, pos,
			"invalid until %s: want an event after %s", *until, *from)
	}
}

// precedes reports whether an event comes before another for sure, because both are of steps of one
// actor. A program that runs beside the steps ends, and a line comes, at any time after the start.
func (v *validation) precedes(event, other Event) bool {
	if other.Actor == "" || other.Actor != event.Actor || other.Step == "" || event.Step == "" ||
		other.IsWatched() || event.IsWatched() {
		return false
	}
	this, that := v.steps[event.Actor+"."+event.Step], v.steps[event.Actor+"."+other.Step]
	if event.Kind == EventProgramEnd && this.step.Op.Start != nil {
		return false
	}
	if event.Step != other.Step {
		return this.order > 0 && that.order > 0 && this.order < that.order
	}
	// Executions follow each other, each with a start, the end of its program and its end.
	order := func(e Event) int {
		switch {
		case e.Kind == EventStepStart:
			return 0
		case e.Kind == EventProgramEnd && this.step.Op.Start == nil:
			return 1
		case e.Kind == EventProgramEnd:
			return 3
		}
		return 2
	}
	return event.N < other.N || event.N == other.N && order(event) < order(other)
}

// target checks HOST:PORT, HOST.N:PORT, HOST.absent:PORT or ADDRESS:PORT.
func (v *validation) target(field any, pos Pos, to string) {
	if _, err := netip.ParseAddrPort(to); err == nil {
		return
	}
	i := strings.LastIndexByte(to, ':')
	if i < 0 {
		v.errorf(code.InvalidAddress, field, pos,
			"%q has no port; want HOST:PORT, such as \"%s:8080\"",
			say.Clip(to), say.Clip(to))
		return
	}
	host, port := to[:i], to[i+1:]
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		v.errorf(code.InvalidPort, field, pos,
			"invalid port %[2]q in %[1]q: want 1 to 65535", say.Clip(to), say.Clip(port))
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	if name, ok := strings.CutSuffix(host, ".absent"); ok {
		v.host(field, pos, name, false)
		return
	}
	v.address(field, pos, host)
}

// address checks HOST or HOST.N.
func (v *validation) address(field any, pos Pos, address string) {
	name, nth, ok := strings.Cut(address, ".")
	v.host(field, pos, name, false)
	h := v.s.Host(name)
	if !ok || h == nil {
		return
	}
	if n, err := strconv.Atoi(nth); err != nil || n < 1 || n > max(h.Addresses, 1) {
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address %q: want HOST.N with N at most %d, which the host's key addresses sets",
			say.Clip(address), max(h.Addresses, 1))
	}
}

func (v *validation) port(field *int, pos Pos, low int) {
	if v.has(field) && (*field < low || *field > 65535) {
		v.errorf(code.InvalidPort, field, pos, "invalid port %d: want %d to 65535", *field, low)
	}
}

// oneOf checks that a word is one of the known ones.
func (v *validation) oneOf(field any, pos Pos, what, word string, known []string) {
	if bare, ok := strings.CutPrefix(word, "SIG"); ok && slices.Contains(known, bare) {
		v.errorf(code.UnknownWord, field, pos,
			"invalid %s %q: want %s, without SIG", what, word, bare)
	} else if !slices.Contains(known, word) {
		v.errorf(code.UnknownWord, field, pos,
			"unknown %s %q%s", what, say.Clip(word), spell.Suggest(word, known))
	}
}

func (v *validation) localAddress(field *string, pos Pos, address string) {
	if v.has(field) && address != "any" {
		v.address(field, pos, address)
	}
}

func (v *validation) flags(flags []string, pos Pos, known ...string) {
	for i := range flags {
		v.oneOf(&flags[i], pos, "flag", flags[i], known)
	}
}
