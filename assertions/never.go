package assertions

import (
	"fmt"
	"math"
	"time"

	"halfopen/internal/proof"
	"halfopen/scenarios/language"
)

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
				v.missedSaw(StateSeen, m, want, ev.stayText(was))
			} else {
				v.saw(StateSeen, false, want, ev.stayText(was))
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
		v.saw(StateSeen, true, want, want)
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
