package assertions

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeSockets wants a number of sockets at a moment, or at the peak. Sockets are identified by
// addresses and ports: several that share them, as listeners with SO_REUSEPORT do, count as one.
func judgeSockets(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Sockets
	moment := x.Moment()
	lines := ev.timelines(&x.Sockets)
	stays := ev.stays(&x.Sockets, lines)
	if x.Count != nil {
		at := ev.ended
		if x.When != "" {
			var err error
			if at, err = ev.socketMoment(x.When); err != nil {
				v.fail("the event "+moment, "no such event", err.Error())
				return
			}
		}
		n := 0
		var there []string
		for i := range stays {
			if s := &stays[i]; s.from <= at && (s.open || at < s.to) {
				n++
				v.Sockets = append(v.Sockets, s.first)
				there = append(there, fmt.Sprintf("  %s > %s: %s", s.line.local, s.line.remote,
					ev.stayText(s)))
			}
		}
		v.saw(x.Count.Contains(int64(n)), fmt.Sprintf("%s at %s", x.Count.Of("socket"), moment),
			say.Count(n, "socket"))
		if v.Status == Fail && n > 0 {
			const most = 10 // the states that they went through are listed below
			v.list("there at " + moment + ":")
			v.list(there[:min(n, most)]...)
			if n > most {
				v.list(fmt.Sprintf("  and %d more", n-most))
			}
		}
	}
	if x.Peak != nil {
		most, at := peak(stays)
		got := "a peak of " + say.Count(most, "socket")
		if most > 0 {
			got += ", at " + ev.when(at)
		}
		v.saw(x.Peak.Contains(int64(most)), "a peak of "+x.Peak.Of("socket"), got)
	}
	if v.Status == Fail {
		ev.listStates(&x.Sockets, lines, v)
	}
}

// peak returns the most stays at one time, and when that was first reached. A stay that ends when
// another begins does not overlap it.
func peak(stays []stay) (most int, at time.Duration) {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	for i := range stays {
		changes = append(changes, change{stays[i].from, 1})
		if !stays[i].open {
			changes = append(changes, change{stays[i].to, -1})
		}
	}
	slices.SortStableFunc(changes, func(a,
		b change,
	) int {
		return cmp.Or(cmp.Compare(a.at, b.at), a.by-b.by)
	})
	now := 0
	for _, c := range changes {
		if now += c.by; now > most {
			most, at = now, c.at
		}
	}
	return most, at
}
