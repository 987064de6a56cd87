package assertions

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeSockets wants a number of sockets at a moment, or at the peak.
func judgeSockets(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Sockets
	moment := x.Moment()
	lives := ev.lives(&x.Sockets)
	if x.Count != nil {
		at := ev.ended
		if x.When != "" {
			var err error
			if at, err = ev.socketMoment(x.When); err != nil {
				v.fail("the event "+moment, "no such event", err.Error())
				return
			}
		}
		judgeCount(ev, x, lives, at, v)
	}
	if x.Peak != nil {
		judgePeak(ev, x, lives, v)
	}
	if v.Status == Fail {
		ev.listStates(&x.Sockets, lives, v)
	} else {
		ev.noteNone(&x.Sockets, lives, v)
	}
}

// judgeCount judges the number of sockets at a time.
func judgeCount(
	ev *evidence, x *language.SocketsExpectation, lives []*proof.Socket, at time.Duration, v *draft,
) {
	moment := x.Moment()
	want := fmt.Sprintf("%s at %s", x.Count.Of("socket"), moment)
	least, most := 0, 0
	var there []string
	for _, l := range lives {
		now, was := ev.at(x, l, at)
		if now.yes > 0 {
			most++
		}
		if now.always() {
			least++
			v.Sockets = append(v.Sockets, l.Samples...)
			there = append(there, fmt.Sprintf("  %s > %s: %s", l.Local, l.Remote, ev.stayText(was)))
		}
	}
	if !x.Count.All(int64(least), int64(most)) && x.Count.Any(int64(least), int64(most)) {
		ev.unseen(want, fmt.Sprintf("whether it was %d or up to %d", least, most), v)
	} else if m, ok := ev.momentOf(x, lives, at, int64(least)); ok {
		v.missedSaw(m, want, say.Count(least, "socket"))
	} else {
		v.saw(x.Count.All(int64(least), int64(most)), want, say.Count(least, "socket"))
	}
	if v.Status == Fail && least > 0 {
		const shown = 10 // the states that they went through are listed below
		v.list("there at " + moment + ":")
		v.list(there[:min(least, shown)]...)
		if least > shown {
			v.list(fmt.Sprintf("  and %d more", least-shown))
		}
	}
}

// momentOf returns by how much the moment missed one with a number of sockets as wanted, see
// [momentMargin].
func (ev *evidence) momentOf(
	x *language.SocketsExpectation, lives []*proof.Socket, at time.Duration, got int64,
) (m margin, ok bool) {
	if x.When == "" || x.Count.Contains(got) {
		return m, false
	}
	var edges []time.Duration
	for _, l := range lives {
		for _, path := range l.Paths {
			for _, s := range ev.stays(x.Sockets.State, l, path, false) {
				edges = append(edges, s.from, s.to)
			}
		}
	}
	return momentMargin(x, at, edges, func(moved time.Duration) int64 {
		n := int64(0)
		for _, l := range lives {
			if now, _ := ev.at(x, l, moved); now.always() {
				n++
			}
		}
		return n
	})
}

// at reports on how many of its paths a socket was in one of the states at a time, and one such
// stay.
func (ev *evidence) at(
	x *language.SocketsExpectation, l *proof.Socket, at time.Duration,
) (there judged, was *stay) {
	for _, path := range l.Paths {
		is, may := false, false
		for _, s := range ev.stays(x.Sockets.State, l, path, true) {
			sharp := ev.atLooks(&s, x.When)
			if sharp.earliest <= at && (s.open || at < s.to) {
				may, was = true, &s
				is = is || !s.unknown && s.from <= at && (s.open || at < sharp.lasting)
			}
		}
		there.add(is)
		if may && !is {
			there.add(true)
		}
	}
	return there, was
}

// judgePeak judges the highest number of sockets at one time. A bare number is the most that there
// may be.
func judgePeak(
	ev *evidence, x *language.SocketsExpectation, lives []*proof.Socket, v *draft,
) {
	var sure, possible []stay
	one := 0
	// turns are sockets with the same ends, which are never there at the same time.
	turns := map[[2]string][]stay{}
	for _, l := range lives {
		var may []stay
		always := true
		for _, path := range l.Paths {
			stays := ev.stays(x.Sockets.State, l, path, true)
			always = always && slices.ContainsFunc(stays, func(s stay) bool { return !s.unknown })
			may = append(may, stays...)
		}
		if l.Listener() {
			possible = append(possible, together(may)...)
		} else {
			key := [2]string{l.Local, l.Remote}
			turns[key] = append(turns[key], may...)
		}
		if always && one == 0 {
			one = 1 // it was there at some time
		}
		if len(l.Paths) == 1 {
			for _, s := range ev.stays(x.Sockets.State, l, l.Paths[0], false) {
				if s.to = max(s.lasting, s.from); s.to > s.from || s.open {
					sure = append(sure, s)
				}
			}
		}
	}
	for _, may := range turns {
		possible = append(possible, together(may)...)
	}
	if text := ev.translated(&x.Sockets, false); text != "" {
		ev.unseen(x.Peak.Of("socket"), text, v) // looks show the ports, but not between them
		return
	}
	least, at := peak(sure, false)
	least = max(least, one)
	most, _ := peak(possible, true)
	want := x.Peak.Of("socket")
	if blind := ev.blind(&x.Sockets); blind != "" && x.Peak.Any(int64(least), math.MaxInt64) &&
		!x.Peak.All(int64(least), math.MaxInt64) {
		ev.unseen(want, blind, v)
		return
	}
	got := say.Count(least, "socket") + " at once"
	if len(sure) > 0 {
		got += ", at " + ev.when(at)
	}
	if !x.Peak.All(int64(least), int64(most)) && x.Peak.Any(int64(least), int64(most)) {
		ev.unseen(want, fmt.Sprintf("whether it was %d or up to %d", least, most), v)
		return
	}
	v.saw(x.Peak.All(int64(least), int64(most)), want, got)
}

// together returns the times at which one socket may have been there, on any of its paths, or one of
// several that take turns: there is never more than one.
func together(stays []stay) []stay {
	for i := range stays {
		stays[i].from = stays[i].earliest
	}
	slices.SortFunc(stays, func(a, b stay) int { return cmp.Compare(a.from, b.from) })
	var all []stay
	for _, s := range stays {
		last := len(all) - 1
		if last < 0 || !all[last].open && all[last].to < s.from {
			all = append(all, s)
			continue
		}
		all[last].to, all[last].open = max(all[last].to, s.to), all[last].open || s.open
	}
	return all
}

// peak returns the most stays at one time, and when that was first reached. A stay that ends when
// another begins overlaps it only if touching is true.
func peak(stays []stay, touching bool) (most int, at time.Duration) {
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
	slices.SortStableFunc(changes, func(a, b change) int {
		if touching {
			return cmp.Or(cmp.Compare(a.at, b.at), b.by-a.by)
		}
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
