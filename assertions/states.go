package assertions

import (
	"fmt"
	"math"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeReaches wants a socket to be seen in a state, with the queues, timer and retransmissions
// given in the same sample. A selector without states takes any socket that exists.
func judgeReaches(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Reaches
	since, err := ev.since(x.Since)
	if err != nil {
		v.fail("the event "+string(x.Since), "no such event", err.Error())
		return
	}
	lines := ev.timelines(&x.Reaches)
	first, nearly := -1, []int(nil)
	for _, i := range ev.sockets {
		k := ev.t.Events[i].Socket
		if k.Host != x.Reaches.Host || !portIs(x.Reaches.Local, k.Local) ||
			!portIs(x.Reaches.Remote, k.Remote) || !stateIs(x.Reaches.State, k.State) {
			continue
		}
		if reachesDetails(x, k) {
			first = i
			break
		}
		nearly = append(nearly, i)
	}
	switch {
	case first >= 0:
		v.Sockets = []int{first}
		at := ev.t.Events[first].T
		if x.At != nil {
			v.sawSpan("first seen at", x.At, at-since)
		} else {
			v.saw(true, x.Reaches.String(), ev.t.Events[first].Socket.State+" at "+ev.when(at))
		}
	case len(nearly) > 0:
		v.saw(false, x.Socket(), fmt.Sprintf("the state %s, but with other values",
			say.Count(len(nearly), "time")))
		for _, i := range nearly {
			v.Sockets = append(v.Sockets, i)
			v.list(fmt.Sprintf("  %s %s", ev.when(ev.t.Events[i].T),
				socketLine(ev.t.Events[i].Socket)))
		}
		return
	default:
		v.saw(false, "a socket of "+x.Reaches.String(), "none")
	}
	if v.Status == Fail {
		ev.listStates(&x.Reaches, lines, v)
	}
}

func reachesDetails(x *language.ReachesExpectation, k *trace.Socket) bool {
	return (x.RecvQ == nil || x.RecvQ.Contains(int64(k.RecvQ))) &&
		(x.SendQ == nil || x.SendQ.Contains(int64(k.SendQ))) &&
		(x.Timer == "" || x.Timer == timerName(k.Timer)) &&
		(x.Retrans == nil || x.Retrans.Contains(int64(k.Retrans)))
}

// judgeHolds wants a socket to stay in a state, or among several states, without leaving between
// two samples.
//
// With from, it must be in the state at that event, and only the time after counts. With until, it
// must stay up to that event; with for, it must leave within that time after it entered the state
// (or after from). A socket that is still in the state at the end of the run has stayed at least
// that long. That fits an open range (>= 3s), but not one with a longest time: how long it would
// have stayed was not seen. Without for and until it must stay until the run ends.
func judgeHolds(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Holds
	from, until := time.Duration(math.MinInt64), time.Duration(math.MinInt64)
	if !ev.bound(x.From, &from, v) || !ev.bound(x.Until, &until, v) {
		return
	}
	lines := ev.timelines(&x.Holds)
	stays := ev.stays(&x.Holds, lines)
	best := "none"
	for i := range stays {
		difference := ev.holds(x, &stays[i], from, until)
		if difference == "" {
			v.Sockets = []int{stays[i].first}
			if stays[i].last >= 0 {
				v.Sockets = append(v.Sockets, stays[i].last)
			}
			v.saw(true, x.Holds.String(), ev.stayText(&stays[i]))
			return
		}
		if best == "none" {
			best = difference
		}
	}
	v.saw(false, ev.holdsWant(x, from, until), best)
	ev.listStates(&x.Holds, lines, v)
}

// bound sets at to the time at which the sockets were read for an event, and leaves it alone if ref
// names none. If the event did not happen, bound fails the verdict and returns false.
func (ev *evidence) bound(ref language.EventRef, at *time.Duration, v *draft) bool {
	if ref == "" {
		return true
	}
	moment, err := ev.socketMoment(ref)
	if err != nil {
		v.fail("the event "+string(ref), "no such event", err.Error())
		return false
	}
	*at = moment
	return true
}

// holdsWant says what is wanted, with the moments of the events that bound it.
func (ev *evidence) holdsWant(x *language.HoldsExpectation, from, until time.Duration) string {
	want := "a socket of " + x.Holds.String()
	if x.From != "" {
		want += fmt.Sprintf(" from %s (%s)", x.From, ev.when(from))
	}
	if x.Until != "" {
		want += fmt.Sprintf(" until %s (%s)", x.Until, ev.when(until))
	}
	switch {
	case x.For != nil:
		want += " for " + spanText(x.For)
	case x.Until == "":
		want += " until the end of the run"
	}
	return want
}

// holds returns "" if a stay is as wanted, or else what was seen of it.
func (ev *evidence) holds(x *language.HoldsExpectation, s *stay, from, until time.Duration) string {
	begun := s.from
	if x.From != "" {
		if s.from > from || (!s.open && s.to <= from) {
			return ev.stayText(s)
		}
		begun = from
	}
	if x.Until != "" && ((!s.open && s.to < until) || begun > until) {
		return ev.stayText(s)
	}
	if x.For != nil {
		state, stayed := ev.t.Events[s.first].Socket.State, s.to-begun
		switch {
		case s.open && stayed > x.For.Max:
			return fmt.Sprintf("%s for more than %s", state, say.Duration(stayed))
		case s.open && x.For.Max != math.MaxInt64:
			return fmt.Sprintf("%s for %s, and still in it when the run ended", state,
				say.Duration(stayed))
		case !x.For.Contains(stayed):
			return fmt.Sprintf("%s for %s", state, say.Duration(stayed))
		}
	}
	if x.Until == "" && x.For == nil && !s.open {
		return ev.stayText(s)
	}
	return ""
}

// judgeNever wants no socket to be seen in a state, from one event until another, both included.
func judgeNever(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Never
	from, until := time.Duration(math.MinInt64), ev.ended
	if !ev.bound(x.From, &from, v) || !ev.bound(x.Until, &until, v) {
		return
	}
	want := "no socket of " + x.Never.String()
	lines := ev.timelines(&x.Never)
	for _, s := range ev.stays(&x.Never, lines) {
		if s.from > until || (!s.open && s.to <= from) {
			continue
		}
		v.saw(false, want, ev.stayText(&s))
		ev.listStates(&x.Never, []*timeline{s.line}, v)
		return
	}
	v.saw(true, want, want)
}
