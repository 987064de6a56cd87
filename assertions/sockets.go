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
				v.fail(NoSuchEvent, "the event "+moment, "no such event", err.Error())
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
	all := make([]counted, len(lives))
	for i, l := range lives {
		all[i] = ev.counted(x, l)
		now, was := all[i].at(at)
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
		ev.unseen(x.Sockets.Host, want, fmt.Sprintf("whether it was %d or up to %d", least, most), v)
	} else if m, ok := ev.momentOf(x, lives, all, at, int64(least)); ok {
		v.missedSaw(WrongSockets, m, want, say.Count(least, "socket"))
	} else {
		v.saw(WrongSockets, x.Count.All(int64(least), int64(most)), want, say.Count(least, "socket"))
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
	x *language.SocketsExpectation, lives []*proof.Socket, all []counted, at time.Duration, got int64,
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
	slices.Sort(edges)
	return momentMargin(x, at, slices.Compact(edges), surelyThere(all))
}

// counted are the stays of a socket in the states to count, on each of its paths.
type counted [][]countedStay

// countedStay is a stay, and the same stay where it is judged at the moment of the count.
type countedStay struct{ stay, sharp stay }

func (ev *evidence) counted(x *language.SocketsExpectation, l *proof.Socket) counted {
	paths := make(counted, len(l.Paths))
	for i, path := range l.Paths {
		for _, s := range ev.stays(x.Sockets.State, l, path, true) {
			paths[i] = append(paths[i], countedStay{s, ev.atLooks(&s, x.When)})
		}
	}
	return paths
}

// at reports on how many of its paths a socket was in one of the states at a time, and one such
// stay.
func (c counted) at(at time.Duration) (there judged, was *stay) {
	for _, stays := range c {
		is, may := false, false
		for i := range stays {
			s := &stays[i]
			if s.sharp.earliest <= at && (s.stay.open || at < s.stay.to) {
				may, was = true, &s.stay
				is = is || s.surely(at)
			}
		}
		there.add(is)
		if may && !is {
			there.add(true)
		}
	}
	return there, was
}

// surely reports whether the stay includes a time, whatever the evidence leaves open.
func (s *countedStay) surely(at time.Duration) bool {
	return !s.stay.unknown && s.stay.from <= at && (s.stay.open || at < s.sharp.lasting)
}

// surelyThere returns a function that says how many sockets were surely in one of the states at a
// time: on all of their paths. There may be thousands of sockets, and as many times to ask for, so
// the sockets are counted once, in the order of time.
func surelyThere(all []counted) (count func(time.Duration) int64) {
	type change struct {
		at     time.Duration
		socket int
		by     int
	}
	var changes []change
	for i, paths := range all {
		for _, stays := range paths {
			for _, s := range stays {
				if !s.surely(s.stay.from) {
					continue
				}
				changes = append(changes, change{s.stay.from, i, 1})
				if !s.stay.open {
					changes = append(changes, change{s.sharp.lasting, i, -1})
				}
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	on := make([]int, len(all)) // the paths on which each socket is there now
	there := make([]int64, len(changes))
	now := int64(0)
	for i, c := range changes {
		if on[c.socket] == len(all[c.socket]) {
			now--
		}
		if on[c.socket] += c.by; on[c.socket] == len(all[c.socket]) {
			now++
		}
		there[i] = now
	}
	return func(at time.Duration) int64 {
		after, _ := slices.BinarySearchFunc(changes, at, func(c change, at time.Duration) int {
			if c.at <= at {
				return -1
			}
			return 1
		})
		if after == 0 {
			return 0
		}
		return there[after-1]
	}
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
		ev.unseen(x.Sockets.Host, x.Peak.Of("socket"), text, v) // looks show the ports, but not between them
		return
	}
	least, at := peak(sure, false)
	least = max(least, one)
	most, _ := peak(possible, true)
	want := x.Peak.Of("socket")
	if blind := ev.blind(&x.Sockets); blind != "" && x.Peak.Any(int64(least), math.MaxInt64) &&
		!x.Peak.All(int64(least), math.MaxInt64) {
		ev.unseen(x.Sockets.Host, want, blind, v)
		return
	}
	got := say.Count(least, "socket") + " at once"
	if len(sure) > 0 {
		got += ", at " + ev.when(at)
	}
	if !x.Peak.All(int64(least), int64(most)) && x.Peak.Any(int64(least), int64(most)) {
		ev.unseen(x.Sockets.Host, want, fmt.Sprintf("whether it was %d or up to %d", least, most), v)
		return
	}
	if m, ok := peakMargin(x.Peak, int64(least), at, sure, possible); ok {
		v.missedSaw(WrongSockets, m, want, got)
		return
	}
	v.saw(WrongSockets, x.Peak.All(int64(least), int64(most)), want, got)
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
