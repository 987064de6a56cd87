package assertions

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/say"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// judgePackets judges the packets that one observer saw, see [evidence.vantage].
//
// For n packets there must be n-1 gaps, and n times in at; with count the lists may be longer,
// never shorter. Gaps of a single packet fail: there is nothing to judge.
func judgePackets(ev *evidence, e *language.Expectation, v *draft) {
	p := e.Packets
	observed, by := ev.vantage(p)
	w, ok := ev.window(p, v)
	if !ok {
		return
	}
	seen := ev.packetsIn(&w, observed)
	matched, ok := ev.selected(&p.Packets, seen, v)
	if !ok {
		return
	}
	v.Packets = matched
	n := len(matched)
	base := w.base
	if base == nil && n > 0 {
		base = &ev.t.Events[matched[0]].T
	}
	ev.number(p, &w, observed, matched, v)
	if n == 0 && v.Status == Fail {
		ev.noteNoOccasion(p, seen, by, v)
		ev.listPackets(p, seen, matched, by, v) // the count has said it
		return
	}
	if len(p.Gaps) > 0 {
		ev.gaps(p, matched, v)
	}
	if len(p.At) > 0 {
		ev.times(p, matched, base, v)
	}
	if len(p.Sequence) > 0 {
		ev.sequence(p.Sequence, matched, v)
	}
	if !p.None && p.Count == nil && len(p.Gaps)+len(p.At)+len(p.Sequence) == 0 {
		v.saw(TooFewPackets, n > 0, "at least 1 packet", say.Count(n, "packet"))
	}
	ev.doubtful(p, &w, observed, matched, v)
	if n == 0 {
		ev.noteNoOccasion(p, seen, by, v)
	}
	if v.Status == Fail {
		ev.listPackets(p, seen, matched, by, v)
	}
}

// number judges the number of packets that match.
func (ev *evidence) number(
	p *language.PacketsExpectation, w *window, observed, matched []int, v *draft,
) {
	n := int64(len(matched))
	var want string
	c := TooManyPackets
	switch {
	case p.None && n == 0:
		v.saw(TooManyPackets, true, "none", "none")
		return
	case p.None:
		want = "none"
	case p.Count == nil:
		return
	case p.Count.Contains(n):
		v.noteAny(p.Count, "packet")
		v.saw(TooManyPackets, true, p.Count.Of("packet"), say.Count(n, "packet"))
		return
	default:
		want, c = p.Count.Of("packet"), fewer(n, p.Count, TooFewPackets, TooManyPackets)
	}
	if all, ok := ev.selected(&p.Packets, observed, v); ok {
		if m, ok := ev.countMargin(p, w, all, matched); ok {
			v.missedSaw(c, m, want, say.Count(n, "packet"))
			return
		}
	}
	v.saw(c, false, want, say.Count(n, "packet"))
}

func (ev *evidence) gaps(p *language.PacketsExpectation, matched []int, v *draft) {
	there := len(matched) - 1
	switch {
	case there < 1:
		v.fail(TooFewPackets, "gaps between packets", "none",
			fmt.Sprintf("wanted %s between packets, saw none: there %s",
				say.Count(len(p.Gaps), "gap"), isOnly(len(matched))))
		return
	case p.Count == nil && there != len(p.Gaps), there > len(p.Gaps):
		v.saw(fewer(int64(there), &language.Count{Min: int64(len(p.Gaps))}, TooFewPackets, TooManyPackets), false, say.Count(len(p.Gaps), "gap"), say.Count(there, "gap"))
	}
	if p.Count != nil {
		v.noteLonger("gaps", len(p.Gaps), there, len(matched))
	}
	for i := range min(there, len(p.Gaps)) {
		span := &p.Gaps[i]
		from, until := ev.t.Events[matched[i]].T, ev.t.Events[matched[i+1]].T
		if !v.sawSpan("packets gaps", fmt.Sprintf("gap %d:", i+1), span, from, until) {
			v.Differing = append(v.Differing, matched[i+1])
		}
	}
}

func (ev *evidence) times(
	p *language.PacketsExpectation, matched []int, base *time.Duration, v *draft,
) {
	there := len(matched)
	if there == 0 || p.Count == nil && there != len(p.At) || there > len(p.At) {
		v.saw(fewer(int64(there), &language.Count{Min: int64(len(p.At))}, TooFewPackets, TooManyPackets), false, say.Count(len(p.At), "packet")+", one for each time",
			say.Count(there, "packet"))
	}
	if p.Count != nil {
		v.noteLonger("at", len(p.At), there, there)
	}
	for i := range min(there, len(p.At)) {
		at := ev.t.Events[matched[i]].T
		if !v.sawSpan("packets at", fmt.Sprintf("packet %d at", i+1), &p.At[i], *base, at) {
			v.Differing = append(v.Differing, matched[i])
		}
	}
}

// noteLonger notes a list of times that is longer than what there was to judge, as count allows.
func (v *draft) noteLonger(key string, listed, judged, packets int) {
	if judged >= 1 && judged < listed {
		v.note("%s lists %s, and only the first %d could be judged: there %s", key,
			say.Count(listed, "time"), judged, isOnly(packets))
	}
}

// sawSpan records a duration, from one time until another, that is in a span, or not, and reports
// whether it is. rule is one of [explained].
func (v *draft) sawSpan(
	rule, what string, span *language.Span, from, until time.Duration,
) bool {
	got := until - from
	if span.Contains(got) {
		v.saw(WrongTime, true, what+" "+span.Source, what+" "+say.Duration(got))
		return true
	}
	v.differ(WrongTime, what+" "+spanText(span), what+" "+say.Duration(got),
		fmt.Sprintf("%s %s, wanted %s", what, say.Duration(got), spanText(span)), "")
	v.margins = append(v.margins, spanMargin(rule, span, from, until))
	return false
}

// sequence compares the packets with the selectors one by one, and stops at the first that differs:
// the packets after it would differ for the same reason.
func (ev *evidence) sequence(want []language.Selector, matched []int, v *draft) {
	margins := ev.orderMargins(want, matched)
	differ := func(c Code, i int, got string) {
		v.differ(c, fmt.Sprintf("packet %d: %s", i+1, want[i].String()), got,
			fmt.Sprintf("packet %d of the sequence: wanted %s, saw %s", i+1, want[i].String(), got), "")
		v.margins, v.hard = append(v.margins, margins...), v.hard || margins == nil
	}
	for i := range want {
		if i >= len(matched) {
			differ(TooFewPackets, i, "no more packets") // without margins
			return
		}
		fitting, ok := ev.selected(&want[i], matched, v)
		if !ok {
			return
		}
		if !slices.Contains(fitting, matched[i]) {
			v.Differing = append(v.Differing, matched[i])
			got := packet.SummarizeIn(ev.t.Events[matched[i]].Packet().Decode(), ev.flows.At(matched[i]))
			differ(WrongOrder, i, got)
			return
		}
	}
	if extra := len(matched) - len(want); extra > 0 {
		v.Differing = append(v.Differing, matched[len(want)])
		got := packet.SummarizeIn(ev.t.Events[matched[len(want)]].Packet().Decode(),
			ev.flows.At(matched[len(want)]))
		v.fail(TooManyPackets, say.Count(len(want), "packet"), say.Count(len(matched), "packet"),
			fmt.Sprintf("wanted no packet after packet %d of the sequence, saw %d more, the first: %s",
				len(want), extra, got))
		return
	}
	v.saw(WrongOrder, true, "the sequence", "the sequence")
}

// selected returns the packets that a selector takes. A selector with a key that cannot be judged
// is a failure.
func (ev *evidence) selected(s *language.Selector, packets []int, v *draft) ([]int, bool) {
	m, err := selector.New(s, ev.hosts)
	if err != nil {
		v.fail(CannotJudge, s.String(), "packets that were not judged", err.Error())
		return nil, false
	}
	return selectPackets(m, ev.t, ev.flows, packets), true
}

// connections returns the connections of the run as a selector counts them, up to the one that it
// asks for.
func connections(m *selector.Matcher, t *trace.Trace, flows *trace.Flows) *selector.Conns {
	var conns selector.Conns
	for i := range t.Events {
		if conns.Complete(m) {
			break
		}
		if e := &t.Events[i]; e.IsPacket() {
			f := flows.At(i)
			conns.See(m, e.Packet().Decode(), &f)
		}
	}
	return &conns
}

// selectPackets returns the packets that match. packets are indexes into the trace's events, flows is
// [trace.Trace.Flows].
func selectPackets(m *selector.Matcher, t *trace.Trace, flows *trace.Flows, packets []int) []int {
	var chosen []int
	conns := connections(m, t, flows)
	for _, i := range packets {
		f := flows.At(i)
		if m.Matches(t.Events[i].Packet().Decode(), &f) && conns.Takes(m, &f) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// connectionText says which connection a selector asks for.
func (ev *evidence) connectionText(s *language.Selector) string {
	m, err := selector.New(s, ev.hosts)
	if err != nil {
		return err.Error()
	}
	conns := connections(m, ev.t, ev.flows)
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		if f := ev.flows.At(i); !e.IsPacket() || !conns.Takes(m, &f) {
			continue
		}
		d := e.Packet().Decode()
		return fmt.Sprintf("connection %d of the run: %s > %s, first seen at %s", s.Conn,
			netip.AddrPortFrom(d.Src, d.SPort), netip.AddrPortFrom(d.Dst, d.DPort),
			ev.when(e.T))
	}
	return fmt.Sprintf("the run had only %s, no connection %d",
		say.Count(conns.Seen(), "connection"), s.Conn)
}

// listPackets lists the packets that matched, or if none did, all that the observer saw.
func (ev *evidence) listPackets(
	p *language.PacketsExpectation, seen, matched []int, by string, v *draft,
) {
	head, listed := fmt.Sprintf("%s, %s:", p.Packets.String(), by), matched
	if p.Packets.Conn > 0 {
		v.list(ev.connectionText(&p.Packets))
	}
	if len(matched) == 0 {
		if len(seen) == 0 {
			v.list("no packet at all was " + by)
			return
		}
		head, listed = fmt.Sprintf("other packets, %s:", by), seen
		v.Packets = seen
	}
	v.list(head)
	previous := time.Duration(-1)
	for _, i := range listed {
		e := &ev.t.Events[i]
		gap := ""
		if previous >= 0 {
			gap = " (+" + say.Duration(e.T-previous) + ")"
		}
		previous = e.T
		mark := ""
		f := ev.flows.At(i)
		if f.Retransmission {
			mark = " retransmission"
		}
		v.list(fmt.Sprintf("  %s%s %s%s", ev.when(e.T), gap,
			packet.SummarizeIn(e.Packet().Decode(), f), mark))
	}
}

func isOnly(n int) string {
	if n == 0 {
		return "was no packet"
	}
	if n == 1 {
		return "was only 1 packet"
	}
	return "were only " + say.Count(n, "packet")
}
