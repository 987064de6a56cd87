package assertions

import (
	"fmt"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// window is the time in which packets are judged, both ends included.
type window struct {
	from, until time.Duration
	// base is the moment of since, from which the times of packets are counted; nil without since.
	base *time.Duration
	// doubts are the times in which it is not known whether an event had happened.
	doubts []doubt
}

// doubt is a time in which an event may have happened: its moment is known only from two readings.
type doubt struct {
	event            language.EventRef
	earliest, latest time.Duration
}

// window returns the time between since and until. ok is false if an event did not happen, or not
// in this order; the verdict then says so.
func (ev *evidence) window(p *language.PacketsExpectation, v *draft) (w window, ok bool) {
	w.until = ev.ended
	for _, bound := range []struct {
		word  string
		event language.EventRef
		at    *time.Duration
	}{{"since", p.Since, &w.from}, {"until", p.Until, &w.until}} {
		if bound.event == "" {
			continue
		}
		at, err := ev.moment(bound.event)
		if err != nil {
			v.fail(NoSuchEvent, fmt.Sprintf("packets %s %s", bound.word, bound.event), "no such event",
				err.Error())
			return w, false
		}
		*bound.at = at
		if earliest := ev.earliest(bound.event, at); earliest < at {
			w.doubts = append(w.doubts, doubt{bound.event, earliest, at})
		}
	}
	if p.Since != "" {
		w.base = &w.from
	}
	if w.from > w.until {
		v.fail(WrongOrder, fmt.Sprintf("%s before %s", p.Since, p.Until), "the other order",
			fmt.Sprintf("no packet can be judged: %s, since which they count, happened at %s, after "+
				"%s at %s", p.Since, ev.when(w.from), p.Until, ev.when(w.until)))
		return w, false
	}
	return w, true
}

// packetsIn returns the packets in a window.
func (ev *evidence) packetsIn(w *window, packets []int) []int {
	var kept []int
	for _, i := range packets {
		if at := ev.t.Events[i].T; w.from <= at && at <= w.until {
			kept = append(kept, i)
		}
	}
	return kept
}

// earliest returns when an event may have happened at the earliest. Hits that a mechanism only
// counts are known from readings of the count: they happened after the reading before.
func (ev *evidence) earliest(ref language.EventRef, at time.Duration) time.Duration {
	want, err := ref.Parse()
	if err != nil || want.Kind != language.EventFaultHit {
		return at
	}
	before := ev.started
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		if e.Fault == nil || e.Fault.Name != want.Fault {
			continue
		}
		switch {
		case e.Fault.What == trace.FaultHit && e.Fault.Hits >= uint64(want.N):
			return at
		case e.Fault.What == trace.FaultHits && e.Fault.Hits >= uint64(want.N):
			return max(before, at-slowestReading)
		case e.Fault.What == trace.FaultOn, e.Fault.What == trace.FaultHits:
			before = e.T
		}
	}
	return at
}

// slowestReading is a time in which the hits that something waits for were read at least once. They
// are read every 10 ms, and a reading that finds no hit leaves no event.
const slowestReading = 100 * time.Millisecond

// doubtful fails a verdict that passes although packets that were not judged could change it: those
// of which it is not known whether they are in the window, and those of which the capture kept too
// little.
func (ev *evidence) doubtful(
	p *language.PacketsExpectation, w *window, observed, matched []int, v *draft,
) {
	if v.Status != Pass {
		return
	}
	all, ok := ev.selected(&p.Packets, observed, v)
	if !ok {
		return
	}
	for _, d := range w.doubts {
		n := 0
		for _, i := range all {
			if at := ev.t.Events[i].T; d.earliest < at && at <= d.latest {
				n++
			}
		}
		if n > 0 {
			v.unseen(fmt.Sprintf("the moment of %s", d.event), "not known", fmt.Sprintf(
				"%s happened between %s and %s, and %s in that time: whether before or after it is "+
					"not known; with via: nfqueue the fault reports each hit",
				d.event, ev.when(d.earliest), ev.when(d.latest), wasOrWere(n, "packet")))
			return
		}
	}
	if n := ev.cutShort(p, ev.packetsIn(w, observed), matched); n > 0 {
		v.unseen("the whole payload", "a part", fmt.Sprintf("the capture did not keep the payload of "+
			"%s that may match; set snaplen higher, or leave it out", say.Count(n, "packet")))
	}
}

// cutShort counts the packets that may match, because the capture cut the payload that the selector
// asks for.
func (ev *evidence) cutShort(p *language.PacketsExpectation, packets, matched []int) int {
	if !selector.NeedsPayload(&p.Packets) {
		return 0
	}
	without := p.Packets
	payload := *without.Payload
	payload.Contains, payload.Hex = "", ""
	without.Payload = &payload
	m, err := selector.New(&without, ev.hosts)
	if err != nil {
		return 0
	}
	known := map[int]bool{}
	for _, i := range matched {
		known[i] = true
	}
	n := 0
	for _, i := range selectPackets(m, ev.t, ev.flows, packets) {
		if d := ev.t.Events[i].Packet().Decode(); !known[i] && len(d.Payload) < d.PayloadLen {
			n++
		}
	}
	return n
}

// noteNoOccasion notes why no packet could match: there were none at all, or none with a port or
// connection that the selector names. A failure lists the packets that there were.
func (ev *evidence) noteNoOccasion(p *language.PacketsExpectation, seen []int, by string, v *draft) {
	s, during := &p.Packets, ""
	if p.Since != "" || p.Until != "" {
		during = " in that time"
	}
	if len(seen) == 0 && v.Status == Pass {
		v.note("no packet at all was %s%s: nothing could match", by, during)
		return
	}
	for _, key := range []struct {
		name  string
		ports language.Ports
		is    func(sport, dport int) bool
	}{
		{"port", s.Port, func(sport, dport int) bool { return s.Port.Contain(sport) || s.Port.Contain(dport) }},
		{"sport", s.SPort, func(sport, _ int) bool { return s.SPort.Contain(sport) }},
		{"dport", s.DPort, func(_, dport int) bool { return s.DPort.Contain(dport) }},
	} {
		if len(key.ports) == 0 {
			continue
		}
		used := false
		for _, i := range ev.packets {
			d := ev.t.Events[i].Packet().Decode()
			used = used || key.is(int(d.SPort), int(d.DPort))
		}
		if !used {
			v.note("no packet of the run had %s %s: nothing could match", key.name, key.ports)
			return
		}
	}
	if m, err := selector.New(s, ev.hosts); err == nil && s.Conn > 0 && v.Status == Pass {
		conns := connections(m, ev.t, ev.flows)
		if !conns.Complete(m) {
			v.note("%s", ev.connectionText(s))
		}
	}
}

func wasOrWere(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " was seen"
	}
	return say.Count(n, noun) + " were seen"
}
