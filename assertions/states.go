package assertions

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeReaches wants a socket to come to a state. Queues, timer and retransmissions are those of
// one look at the socket in that state. A selector without states takes any socket that exists.
func judgeReaches(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Reaches
	since, err := ev.since(x.Since)
	if err != nil {
		v.fail("the event "+string(x.Since), "no such event", err.Error())
		return
	}
	if x.HasDetails() {
		judgeReachesDetails(ev, x, since, v)
		return
	}
	lives := ev.lives(&x.Reaches)
	var first *stay
	maybe, earliest := false, time.Duration(math.MaxInt64)
	for _, l := range lives {
		if s := ev.firstStay(x.Reaches.State, l); s != nil && (first == nil || s.from < first.from) {
			first = s
		}
		for _, path := range l.Paths {
			for _, s := range ev.stays(x.Reaches.State, l, path, true) {
				maybe, earliest = true, min(earliest, s.within(s.measurable()).earliest)
			}
		}
	}
	switch {
	case first != nil:
		v.Sockets = first.socket.Samples
		if x.At != nil && x.At.Contains(first.from-since) != x.At.Contains(earliest-since) {
			ev.unseen(x.Reaches.Host, "first seen at "+x.At.Source, "when it was first there: between "+
				say.Duration(earliest-since)+" and "+say.Duration(first.from-since), v)
		} else if x.At != nil {
			v.sawSpan("reaches at", "first seen at", x.At, since, first.from)
		} else {
			v.saw(true, x.Reaches.String(), first.path[first.first].State+" at "+ev.when(first.from))
		}
	case maybe:
		ev.unseen(x.Reaches.Host, "a socket of "+x.Reaches.String(), "whether there was one", v)
	default:
		if blind := ev.blind(&x.Reaches); blind != "" {
			ev.unseen(x.Reaches.Host, "a socket of "+x.Reaches.String(), blind, v)
		} else {
			v.saw(false, "a socket of "+x.Reaches.String(), "none")
		}
	}
	if v.Status == Fail {
		ev.listStates(&x.Reaches, lives, v)
	}
}

// firstStay returns the first stay of a socket in one of the states, if it was there on each of its
// paths; nil if not.
func (ev *evidence) firstStay(states language.States, l *proof.Socket) *stay {
	var first *stay
	for _, path := range l.Paths {
		stays := ev.stays(states, l, path, false)
		if len(stays) == 0 {
			return nil
		}
		if first == nil || stays[0].from > first.from {
			first = &stays[0]
		}
	}
	return first
}

// judgeReachesDetails is judgeReaches where queues, timer or retransmissions are wanted: only a
// look at the socket shows them.
func judgeReachesDetails(
	ev *evidence, x *language.ReachesExpectation, since time.Duration, v *draft,
) {
	var nearly []int
	for _, i := range ev.sockets {
		k := ev.t.Events[i].Socket
		if k.Host != x.Reaches.Host || !portIs(x.Reaches.Local, k.Local) ||
			!portIs(x.Reaches.Remote, k.Remote) || !stateIs(x.Reaches.State, k.State) {
			continue
		}
		if !reachesDetails(x, k) {
			nearly = append(nearly, i)
			continue
		}
		v.Sockets = []int{i}
		at := ev.t.Events[i].T
		if x.At != nil {
			v.sawSpan("reaches at", "first seen at", x.At, since, at)
		} else {
			v.saw(true, x.Reaches.String(), k.State+" at "+ev.when(at))
		}
		return
	}
	if len(nearly) == 0 {
		ev.notLookedAt(x, v)
		return
	}
	v.saw(false, x.Socket(),
		fmt.Sprintf("the state %s, but with other values", say.Count(len(nearly), "time")))
	for _, i := range nearly {
		v.Sockets = append(v.Sockets, i)
		v.list(fmt.Sprintf("  %s %s", ev.when(ev.t.Events[i].T), socketLine(ev.t.Events[i].Socket)))
	}
}

// notLookedAt fails a verdict about queues, timer or retransmissions for which no look at the sockets
// found one in the state. One that was there between two looks may have had them, apart from
// retransmissions: they take longer.
func (ev *evidence) notLookedAt(x *language.ReachesExpectation, v *draft) {
	lives := ev.lives(&x.Reaches)
	for _, l := range lives {
		s := ev.firstStay(x.Reaches.State, l)
		if s == nil {
			continue
		}
		want, got := "a look at "+x.Socket(), "none"
		why := fmt.Sprintf("no look at the sockets found one in the state: %s", ev.stayText(s))
		if x.Retrans != nil && !x.Retrans.Contains(0) {
			v.fail(want, got, fmt.Sprintf("wanted %s, saw none: %s", want, why))
		} else {
			v.unseen(want, "could not be seen", "it could not be seen whether its values were so: "+why)
		}
		ev.listStates(&x.Reaches, lives, v)
		return
	}
	v.saw(false, "a socket of "+x.Reaches.String(), "none")
	ev.listStates(&x.Reaches, lives, v)
}

func reachesDetails(x *language.ReachesExpectation, k *trace.Socket) bool {
	return (x.RecvQ == nil || x.RecvQ.Contains(int64(k.RecvQ))) &&
		(x.SendQ == nil || x.SendQ.Contains(int64(k.SendQ))) &&
		(x.Timer == "" || x.Timer == timerName(k.Timer)) &&
		(x.Retrans == nil || x.Retrans.Contains(int64(k.Retrans)))
}

// judgeHolds wants a socket to stay in a state, or among several states.
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
	lives := ev.lives(&x.Holds)
	best, maybe := "none", false
	var nearest []margin
	for _, l := range lives {
		var fits judged
		var good *stay
		for _, path := range l.Paths {
			ok, may := false, false
			for _, s := range ev.stays(x.Holds.State, l, path, true) {
				surely, maybe, difference := ev.mayHold(x, &s, from, until)
				may = may || maybe
				if surely && !s.unknown {
					ok, good = true, &s
					break
				}
				if best == "none" {
					best = difference
				}
				margins := ev.holdsMargins(x, &s, from, until)
				if margins != nil && (nearest == nil || worst(margins) < worst(nearest)) {
					nearest = margins
				}
			}
			fits.add(ok)
			if may && !ok {
				fits.add(true)
			}
		}
		if fits.always() {
			v.Sockets = l.Samples
			v.saw(true, x.Holds.String(), ev.stayText(good))
			return
		}
		maybe = maybe || fits.maybe()
	}
	want := ev.holdsWant(x, from, until)
	switch {
	case maybe:
		ev.unseen(x.Holds.Host, want, "whether one did", v)
	case nearest != nil:
		v.missedBy(nearest, want, best, fmt.Sprintf("wanted %s, saw %s", want, best))
	default:
		v.saw(false, want, best)
	}
	ev.listStates(&x.Holds, lives, v)
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

// mayHold reports whether a stay is as wanted whenever it began and ended, of the times at which it
// may have, or at some of them; and what was seen of it if it is not.
func (ev *evidence) mayHold(
	x *language.HoldsExpectation, s *stay, from, until time.Duration,
) (surely, maybe bool, difference string) {
	event, long := ev.atLooks(s, x.From, x.Until), s.within(s.measurable())
	events, times := event.extremes(), long.extremes()
	there, lasts := ev.holdsAt(x, s, from, until), ev.holdsFor(x, s, from)
	surely = there == "" && lasts == ""
	maybeThere, maybeLasts := there == "", lasts == ""
	for i := range events {
		at, took := ev.holdsAt(x, &events[i], from, until), ev.holdsFor(x, &times[i], from)
		surely = surely && at == "" && took == ""
		maybeThere, maybeLasts = maybeThere || at == "", maybeLasts || took == ""
		there, lasts = cmp.Or(there, at), cmp.Or(lasts, took)
	}
	if x.For != nil && !maybeLasts { // the wanted time may lie between the two
		maybeLasts = times[0].to-times[0].from < x.For.Min && times[1].to-times[1].from > x.For.Max
	}
	return surely, maybeThere && maybeLasts, cmp.Or(there, lasts)
}

// holdsAt returns "" if a stay was there at the events that bound it, and without any to the end of
// the run where no time is wanted; or else what was seen of it.
func (ev *evidence) holdsAt(
	x *language.HoldsExpectation, s *stay, from, until time.Duration,
) string {
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
	if x.Until == "" && x.For == nil && !s.open {
		return ev.stayText(s)
	}
	return ""
}

// holdsFor returns "" if a stay, counted from the event from if there is one, lasted as long as
// wanted; or else what was seen of it.
func (ev *evidence) holdsFor(x *language.HoldsExpectation, s *stay, from time.Duration) string {
	if x.For == nil {
		return ""
	}
	state, stayed := s.path[s.first].State, s.to-s.from
	if x.From != "" {
		stayed = s.to - from
	}
	switch {
	case s.open && stayed > x.For.Max:
		return fmt.Sprintf("%s for more than %s", state, say.Duration(stayed))
	case s.open && x.For.Max != math.MaxInt64:
		return fmt.Sprintf("%s for %s, and still in it when the run ended", state,
			say.Duration(stayed))
	case !x.For.Contains(stayed):
		return fmt.Sprintf("%s for %s", state, say.Duration(stayed))
	}
	return ""
}

// judgeNever wants no socket to be in a state, from one event until another, both included.
func judgeNever(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Never
	from, until := time.Duration(math.MinInt64), ev.ended
	if !ev.bound(x.From, &from, v) || !ev.bound(x.Until, &until, v) {
		return
	}
	want := "no socket of " + x.Never.String()
	lives := ev.lives(&x.Never)
	var maybe *proof.Socket
	for _, l := range lives {
		there, was := ev.within(x.Never.State, l, from, until)
		if there.always() {
			if m, ok := neverMargin(x, was, from, until); ok {
				v.missedSaw(m, want, ev.stayText(was))
			} else {
				v.saw(false, want, ev.stayText(was))
			}
			ev.listStates(&x.Never, []*proof.Socket{l}, v)
			return
		}
		if there.maybe() && maybe == nil {
			maybe = l
		}
	}
	switch blind := ev.blind(&x.Never); {
	case maybe != nil:
		ev.unseen(x.Never.Host, want, fmt.Sprintf("whether %s > %s was", maybe.Local, maybe.Remote), v)
		ev.listStates(&x.Never, []*proof.Socket{maybe}, v)
	case blind != "":
		ev.unseen(x.Never.Host, want, blind, v)
	default:
		v.saw(true, want, want)
		ev.noteNone(&x.Never, lives, v)
	}
}

// within reports on how many of its paths a socket was in one of the states during a time, both
// ends included, and one such stay. Where it may have been by what is known of the times, it counts
// as on one path and not on another.
func (ev *evidence) within(
	states language.States, l *proof.Socket, from, until time.Duration,
) (there judged, was *stay) {
	for _, path := range l.Paths {
		surely, maybe := false, false
		for _, s := range ev.stays(states, l, path, true) {
			if s.earliest <= until && (s.open || s.to > from) {
				maybe = true
			}
			if !s.unknown && s.from <= until && (s.open || s.lasting > from) {
				surely, was = true, &s
			}
		}
		there.add(surely)
		if maybe && !surely {
			there.add(true)
		}
	}
	return there, was
}

// blind says which sockets in one of the states nothing would have shown; "" if none.
func (ev *evidence) blind(x *language.SocketSelector) string {
	is := func(s language.State) bool { return stateIs(x.State, string(s)) }
	// The kernel does not show requests and TIME_WAIT: only packets and looks do.
	hidden := is(language.SynRecv) || is(language.TimeWait)
	if text := ev.translated(x, hidden); text != "" || ev.exact[x.Host] {
		return text
	}
	programs := false
	for i := range ev.t.Events {
		s := ev.t.Events[i].Start
		programs = programs || s != nil && s.Op == "exec" && ev.scene.Host(s.Actor) == x.Host
	}
	switch lost := is(language.SynSent) && !ev.scene.Output(x.Host); {
	case programs && is(language.Listening):
		return "whether a program's socket listened for a moment"
	case programs && lost:
		return "whether the SYN of a program was taken away"
	case lost:
		return ev.lostSYN(x)
	}
	return ""
}

// translated says why nothing shows whether a socket had the wanted ports; "" if they are known.
// hidden is true if only packets show the states that are wanted.
func (ev *evidence) translated(x *language.SocketSelector, hidden bool) string {
	if len(x.Local)+len(x.Remote) > 0 && ev.scene.Translates(x.Host) &&
		(hidden || !ev.exact[x.Host]) {
		return "whether a socket had these ports: the scenario may translate addresses"
	}
	return ""
}

// lostSYN says of which connect of a host nothing shows whether it came to SYN_SENT: its SYN may have
// been taken away before the capture.
func (ev *evidence) lostSYN(x *language.SocketSelector) string {
	all := ev.lives(&language.SocketSelector{Host: x.Host})
	for i := range ev.t.Events {
		s := ev.t.Events[i].Step
		if s == nil || s.Op != "connect" || ev.scene.Host(s.Actor) != x.Host ||
			s.Local != "" && !portIs(x.Local, s.Local) ||
			s.Remote != "" && !portIs(x.Remote, s.Remote) {
			continue
		}
		if !slices.ContainsFunc(all, func(l *proof.Socket) bool {
			return l.Cookie == s.Cookie && s.Cookie != 0 || l.Local == s.Local && l.Remote == s.Remote
		}) {
			return "whether the SYN of " + s.Actor + "." + s.ID + " was taken away"
		}
	}
	return ""
}
