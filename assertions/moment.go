package assertions

import (
	"fmt"
	"math"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// moment returns when an event happened, see [Moment]. The error says what came instead, as far as that
// is known.
func (ev *evidence) moment(ref language.EventRef) (time.Duration, error) {
	at, err := Moment(ev.t, ref)
	if err != nil {
		err = fmt.Errorf("%w%s", err, ev.instead(ref))
	}
	return at, err
}

// neverHappened says of an event that it never happened, and what came instead; "" if it happened.
func (ev *evidence) neverHappened(ref language.EventRef) string {
	if _, err := Moment(ev.t, ref); err == nil {
		return ""
	}
	return string(ref) + ", which never happened" + ev.instead(ref)
}

// instead says what came in place of an event that the run watched for, after a colon; "" if that is
// not known.
func (ev *evidence) instead(ref language.EventRef) string {
	e, err := ref.Parse()
	switch {
	case err != nil:
	case e.Log != nil:
		return ": " + ev.loggedInstead(e.Log)
	case e.Packet != nil:
		return ev.seenInstead(e.Ref(), e.N, "packet")
	case e.State != nil:
		return ev.seenInstead(e.Ref(), e.N, "socket") + ev.statesInstead(e.State)
	}
	return ""
}

// statesInstead says in which states the sockets were, and what a look may have missed.
func (ev *evidence) statesInstead(s *language.StateEvent) string {
	var states []string
	for _, l := range ev.lives(&s.SocketSelector) {
		for _, path := range l.Paths {
			for _, p := range path {
				if text := stateText(p.State); !slices.Contains(states, text) {
					states = append(states, text)
				}
			}
		}
	}
	text := "; " + s.Host + " had no such socket in any state"
	if len(states) > 0 {
		text = "; such sockets of " + s.Host + " were in " + say.List(states)
	}
	if !ev.exact[s.Host] || !s.Exact() {
		text += "; a state that lasts less than a few milliseconds may be missed"
	}
	return text
}

// seenInstead says how many packets or sockets of an event came; "" if that is not known.
func (ev *evidence) seenInstead(ref language.EventRef, nth int, noun string) string {
	for i := range ev.t.Events {
		switch w := ev.t.Events[i].Watched; {
		case w == nil || w.Event != string(ref):
		case w.Seen == 0:
			return ": no such " + noun + " came"
		default:
			return fmt.Sprintf(": only %s of %d came", say.Count(w.Seen, noun), nth)
		}
	}
	return ""
}

// loggedInstead says which lines came in place of one.
func (ev *evidence) loggedInstead(e *language.LogEvent) string {
	l := ev.logged(&e.Lines, math.MinInt64)
	on := ""
	if e.Stream != "" {
		on = " on " + e.Stream
	}
	switch n, all := len(l.matched), len(l.all); {
	case l.programs == 0:
		return fmt.Sprintf("%s did not start", e.Log)
	case all == 0:
		return fmt.Sprintf("%s printed no line%s", e.Log, on)
	case n == 0:
		last := ev.t.Events[l.all[all-1]].Line
		return fmt.Sprintf("none of its %s%s is so; the last is \"%s\"", say.Count(all, "line"), on,
			printable(string(last.Text)))
	default:
		return fmt.Sprintf("only %s of %d came", say.Count(n, "line"), e.Nth)
	}
}

// Moment returns when an event happened in a run: the end or start of a step, the end of a program, a
// signal, a line of a program, a packet, a socket's state, or a fault's hit. It is an error if the event
// never happened.
//
// A step that has ended says when it began, right before its system call. The report of its start
// was written a little before that, longer on a busy machine.
func Moment(t *trace.Trace, ref language.EventRef) (time.Duration, error) {
	want, err := ref.Parse()
	if err != nil {
		return 0, err
	}
	canonical := string(want.Ref())
	reported := time.Duration(-1)
	for i := range t.Events {
		e := &t.Events[i]
		happened := false
		switch want.Kind {
		case language.EventStepEnd:
			happened = e.Step != nil && e.Step.Actor == want.Actor && e.Step.ID == want.Step &&
				e.Step.N == want.N
		case language.EventStepStart:
			switch {
			case e.Start != nil && e.Start.Actor == want.Actor && e.Start.Step == want.Step &&
				e.Start.N == want.N:
				reported = e.T
			case e.Step != nil && e.Step.Actor == want.Actor && e.Step.ID == want.Step &&
				e.Step.N == want.N:
				return e.Step.Began, nil
			}
		case language.EventProgramEnd:
			happened = e.Program != nil && e.Program.What == trace.ProgramEnded &&
				e.Program.Actor == want.Actor && e.Program.Step == want.Step && e.Program.N == want.N
		case language.EventSignal:
			happened = e.Signal != nil && e.Signal.Actor == want.Actor &&
				e.Signal.Name == want.Signal
		case language.EventLog, language.EventPacket, language.EventState:
			happened = e.Watched != nil && e.Watched.Happened && e.Watched.Event == canonical
		case language.EventFaultHit:
			happened = e.Fault != nil && e.Fault.Name == want.Fault &&
				(e.Fault.What == trace.FaultHits || e.Fault.What == trace.FaultHit) &&
				e.Fault.Hits >= uint64(want.N)
		}
		if happened {
			return e.T, nil
		}
	}
	if reported >= 0 {
		return reported, nil
	}
	return 0, fmt.Errorf("the event %s never happened", ref)
}

// when writes a moment as the time since the start of the actors.
func (ev *evidence) when(at time.Duration) string { return say.Duration(at - ev.started) }

// socketMoment returns when the sockets were read for an event: if they were read for it alone, a
// little after the end of a step, a signal or a hit, and a little before the start of a step. The
// faults that the event switches act only after that.
func (ev *evidence) socketMoment(ref language.EventRef) (time.Duration, error) {
	at, err := ev.moment(ref)
	if err != nil {
		return 0, err
	}
	if sampled := ev.sampled(ref); sampled >= 0 {
		return sampled, nil
	}
	return at, nil
}

// sampled returns when the sockets had been read for an event; -1 if they were not read for it.
func (ev *evidence) sampled(ref language.EventRef) time.Duration {
	if at, ok := ev.readFor[string(ref.Canonical())]; ok {
		return at
	}
	return -1
}

// since returns the moment of an event, or the start of the actors if none is named.
func (ev *evidence) since(ref language.EventRef) (time.Duration, error) {
	if ref == "" {
		return ev.started, nil
	}
	return ev.moment(ref)
}
