package assertions

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// margin is by how much a time, or an order of things in time, was not as wanted. If the lab was that
// late, the machine may be the reason.
type margin struct {
	by time.Duration
	// rule is the property, one of [explained]; less is set if it is too short, too early or too
	// little. Lateness counts between from and until.
	rule        string
	less        bool
	from, until time.Duration
}

// follows is the time within which steps and packets that follow from something late are late, too.
const follows = time.Second

// spanMargin returns by how much a duration, from one time until another, is outside of a span.
func spanMargin(rule string, span *language.Span, from, until time.Duration) margin {
	got := until - from
	if got < span.Min {
		// What it counts from was late, or followed from something that was.
		return margin{rule: rule, less: true, by: span.Min - got, from: from - follows, until: from}
	}
	return margin{rule: rule, by: got - span.Max, from: from, until: until}
}

// worst returns by how much the margin that is missed by most is missed.
func worst(all []margin) time.Duration {
	return slices.MaxFunc(all, func(a, b margin) int { return cmp.Compare(a.by, b.by) }).by
}

// enough returns the margins of the missing number of things, the nearest first; nil if none is
// missing, or there are fewer. late has the margins of each thing.
func enough(late [][]margin, missing int64) []margin {
	if missing <= 0 || missing > int64(len(late)) {
		return nil
	}
	slices.SortFunc(late, func(a, b []margin) int { return cmp.Compare(worst(a), worst(b)) })
	return slices.Concat(late[:missing]...)
}

// around returns the margin of something that would be as wanted if a time were another by that much.
func around(rule string, at, by time.Duration) margin {
	return margin{rule: rule, by: by, from: at - by, until: at + by}
}

// missed records a failure that lateness of the lab may explain: see [evidence.excuse].
func (v *draft) missed(c Code, m margin, want, got, text string) {
	v.missedBy(c, []margin{m}, want, got, text)
}

// missedBy records a failure by several margins, each of which lateness must explain.
func (v *draft) missedBy(c Code, margins []margin, want, got, text string) {
	v.differ(c, want, got, text, beyond(text, want, got))
	v.margins = append(v.margins, margins...)
}

// missedSaw records such a failure with the usual text.
func (v *draft) missedSaw(c Code, m margin, want, got string) {
	v.missed(c, m, want, got, fmt.Sprintf("wanted %s, saw %s", want, got))
}

// worthSaying is the lateness from which a failure about time says it.
const worthSaying = 5 * time.Millisecond

// excuse makes a failure inconclusive if it is only about times, none of which was missed by more
// than the lab was late meanwhile, or only about what the kernel saw and lost. So is each failure that
// may come from packets for which the machine had no room. One property that neither explains is a
// failure. A failure about time says how late the lab was, in any case. Of the
// run as a whole, e is nil.
func (ev *evidence) excuse(e *language.Expectation, v *draft) {
	if v.Status != Fail {
		return
	}
	full := ev.noRoom(e)
	switch {
	case v.Because != "":
		v.Status = Inconclusive
		return
	case full != "":
		v.Status, v.Code, v.Because = Inconclusive, MachineFull, full
		v.failures, v.whys = append(v.failures, full), append(v.whys, full)
		return
	case len(v.margins) == 0:
		if actor, by := ev.lateness.Stopped(ev.started, ev.ended); by >= worthSaying {
			v.note("actor %s was stopped for %s", actor, say.Duration(by))
		}
		return
	}
	lateness := ev.latenessOf(e)
	v.Timed = true
	late, covered := time.Duration(0), !v.hard
	because := ""
	for _, m := range v.margins {
		by := m.explains(lateness)
		if by > late {
			late, because = by, becauseOf(lateness, &m, by)
		}
		covered = covered && m.by <= by
	}
	switch {
	case covered:
		v.Status, v.Code, v.Late = Inconclusive, MachineLate, late
		v.Because = because
		v.failures = append(v.failures, because+" in that time")
		v.whys = append(v.whys, because+" in that time")
	case late >= worthSaying:
		left := ""
		if n := lateness.LeftOut; n > 0 {
			left = fmt.Sprintf("; %s that were shorter do not count", say.Count(n, "time"))
		}
		v.note("%s in that time, which does not explain it%s", because, left)
	}
}

// becauseOf says what made the lab late by some time around a margin: an actor that was stopped, if that
// is most of it, else the machine.
func becauseOf(l *trace.Lateness, m *margin, by time.Duration) string {
	if actor, stopped := l.Stopped(m.from, m.until); stopped > by/2 {
		return fmt.Sprintf("actor %s was stopped for %s", actor, say.Duration(stopped))
	}
	return fmt.Sprintf("the machine was %s late", say.Duration(by))
}

// countMargin returns by how much the bounds of a window must move until the number of matching packets
// is as wanted. ok is false if no event bounds the window, or if no move changes the number so. all has
// every packet that matches, matched those in the window.
func (ev *evidence) countMargin(
	p *language.PacketsExpectation, w *window, all, matched []int,
) (m margin, ok bool) {
	want := language.Count{}
	if p.Count != nil {
		want = *p.Count
	}
	try := func(rule string, at time.Duration, packet int) {
		by := (ev.t.Events[packet].T - at).Abs() + 1 // to the other side of it
		if !ok || by < m.by {
			m, ok = around(rule, at, by), true
		}
	}
	n := len(matched)
	if more := int64(n) - want.Max; more > 0 {
		if p.Since != "" {
			try("packets since", w.from, matched[more-1])
		}
		if p.Until != "" {
			try("packets until", w.until, matched[n-int(more)])
		}
		return m, ok
	}
	missing := want.Min - int64(n)
	var before, after []int
	for _, i := range all {
		switch at := ev.t.Events[i].T; {
		case at < w.from:
			before = append(before, i)
		case at > w.until:
			after = append(after, i)
		}
	}
	if p.Since != "" && missing > 0 && int64(len(before)) >= missing {
		try("packets since", w.from, before[len(before)-int(missing)])
	}
	if p.Until != "" && missing > 0 && int64(len(after)) >= missing {
		try("packets until", w.until, after[missing-1])
	}
	return m, ok
}

// orderMargins returns by how much packets were not in the order of a sequence: a margin for each pair in
// the wrong order. It is nil if they are other packets than those of the sequence, and if two of one
// way, from one address and port to another, are in the wrong order: lateness does not change that.
func (ev *evidence) orderMargins(want []language.Selector, matched []int) []margin {
	if len(want) != len(matched) {
		return nil
	}
	used := make([]bool, len(matched))
	picked := make([]int, 0, len(want)) // indexes in matched
	for i := range want {
		var none draft
		fitting, ok := ev.selected(&want[i], matched, &none)
		if !ok {
			return nil
		}
		fits := map[int]bool{}
		for _, f := range fitting {
			fits[f] = true
		}
		found := -1
		for k := range matched {
			if !used[k] && fits[matched[k]] {
				found = k
				break
			}
		}
		if found < 0 {
			return nil
		}
		used[found] = true
		picked = append(picked, found)
	}
	var margins []margin
	for a := range picked {
		for _, b := range picked[a+1:] {
			first, second := matched[b], matched[picked[a]] // as they came
			if picked[a] < b {
				continue
			}
			if ev.way(first) == ev.way(second) {
				return nil
			}
			from, until := ev.t.Events[first].T, ev.t.Events[second].T
			by := until - from + 1
			margins = append(margins, margin{rule: "packets sequence", by: by, from: from - by, until: until})
		}
	}
	return margins
}

// way is the way of a packet: its addresses and ports.
func (ev *evidence) way(i int) [2]netip.AddrPort {
	d := ev.t.Events[i].Packet().Decode()
	return [2]netip.AddrPort{netip.AddrPortFrom(d.Src, d.SPort), netip.AddrPortFrom(d.Dst, d.DPort)}
}

// holdsMargins returns by how much a stay is not as wanted: a margin for each property that is not. It is
// nil if one of these properties is not about time.
func (ev *evidence) holdsMargins(
	x *language.HoldsExpectation, s *stay, from, until time.Duration,
) (margins []margin) {
	if s.unknown {
		return nil
	}
	missed := func(m margin) {
		if m.by > 0 {
			margins = append(margins, m)
		}
	}
	begun := s.from
	if x.From != "" {
		if s.from > from {
			missed(around("holds from", from, s.from-from))
		} else if !s.open && s.to <= from {
			missed(around("holds from", from, from-s.to+1))
		}
		begun = from
	}
	if x.Until != "" {
		switch {
		case begun > until:
			return nil
		case !s.open && s.to < until:
			missed(around("holds until", until, until-s.to))
		}
	}
	if x.For != nil && !x.For.Contains(s.to-begun) {
		if s.open && s.to-begun < x.For.Max {
			return nil // how long it would have stayed was not seen
		}
		missed(spanMargin("holds for", x.For, begun, s.to))
	}
	if x.Until == "" && x.For == nil && !s.open {
		return nil
	}
	return margins
}

// neverMargin returns by how much a stay reaches into the time in which it must not be. ok is false if
// no event bounds that time.
func neverMargin(x *language.NeverExpectation, s *stay, from, until time.Duration) (m margin, ok bool) {
	if x.Until != "" {
		m, ok = around("never until", until, until-s.from+1), true
	}
	if x.From != "" && !s.open && (!ok || s.to-from < m.by) {
		m, ok = around("never from", from, s.to-from+1), true
	}
	return m, ok
}

// momentMargin returns by how much the moment at which sockets are counted must move until their number
// is as wanted. ok is false if it must move by more than 1 s. edges are the times at which the number
// changes.
func momentMargin(
	x *language.SocketsExpectation, at time.Duration, edges []time.Duration,
	count func(time.Duration) int64,
) (m margin, ok bool) {
	const furthest = time.Second
	for _, e := range edges {
		for _, moved := range []time.Duration{e, e - 1} {
			by := (moved - at).Abs()
			if by > 0 && by <= furthest && (!ok || by < m.by) && x.Count.Contains(count(moved)) {
				m, ok = around("sockets when", at, by), true
			}
		}
	}
	return m, ok
}

// peakMargin returns by how much sooner sockets must go, or come, until the highest number of them at
// once is as wanted. ok is false if it is as wanted already, or if 1 s is not enough. sure has the stays
// that were there for certain, possible also those that may have been; the peak was least, at a time.
func peakMargin(
	want *language.Peak, least int64, at time.Duration, sure, possible []stay,
) (m margin, ok bool) {
	const furthest = time.Second
	moved := func(by time.Duration) (n int64, at time.Duration) {
		stays := slices.Clone(possible)
		if least > want.Max {
			stays = slices.Clone(sure)
		}
		for i := range stays {
			s := &stays[i]
			if least < want.Min {
				s.from -= by
			} else if !s.open {
				s.to = max(s.to-by, s.from)
			}
		}
		most, at := peak(stays, least < want.Min)
		return int64(most), at
	}
	suffices := func(by time.Duration) bool {
		n, _ := moved(by)
		return least > want.Max && n <= want.Max || least < want.Min && n >= want.Min
	}
	if want.Contains(least) || !suffices(furthest) {
		return m, false
	}
	by := time.Duration(sort.Search(int(furthest), func(by int) bool { return suffices(time.Duration(by)) }))
	if least < want.Min {
		_, at = moved(by) // there it would have been
	}
	return around("sockets peak", at, by), by > 0
}

// deadlineMargin returns by how much a run that its deadline ended was longer than estimated. ok is
// false if something else ended it, or if its deadline is shorter than the estimate.
func (ev *evidence) deadlineMargin() (m margin, ok bool) {
	if ev.end == nil || ev.end.Reason != trace.EndDeadline {
		return m, false
	}
	by := ev.s.DeadlineOrDefault() - ev.s.Estimate()
	return margin{rule: "end deadline", by: by, from: ev.started, until: ev.ended}, by > 0
}
