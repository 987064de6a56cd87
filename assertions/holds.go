package assertions

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

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
			v.saw(StateNotHeld, true, x.Holds.String(), ev.stayText(good))
			return
		}
		maybe = maybe || fits.maybe()
	}
	want := ev.holdsWant(x, from, until)
	switch {
	case maybe:
		ev.unseen(x.Holds.Host, want, "whether one did", v)
	case nearest != nil:
		v.missedBy(StateNotHeld, nearest, want, best, fmt.Sprintf("wanted %s, saw %s", want, best))
	default:
		v.saw(StateNotHeld, false, want, best)
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
		v.fail(NoSuchEvent, "the event "+string(ref), "no such event", err.Error())
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
