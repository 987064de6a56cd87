package report

import (
	"fmt"
	"maps"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// waiting follows the events of a run, to say what the run waits for.
type waiting struct {
	scenario *language.Scenario
	hosts    selector.Hosts
	counts   []packetCount
	running  []trace.Start
	began    []time.Duration
	started  bool
	ended    bool
}

// packetCount is the progress of a packets expectation.
type packetCount struct {
	expect *language.PacketsExpectation
	match  *selector.Matcher
	want   int64
	seen   int64
	last   time.Duration
}

func newWaiting(s *language.Scenario) *waiting {
	w := &waiting{scenario: s, hosts: selector.Hosts{}}
	for i := range s.Expect {
		p := s.Expect[i].Packets
		// Progress needs an exact count that is known in advance, and packets that can be counted
		// one by one.
		if p == nil || p.Count == nil || p.Count.Min != p.Count.Max || p.Count.Min < 2 ||
			p.Since != "" || p.Packets.Conn > 0 || selector.NeedsFlow(&p.Packets) {
			continue
		}
		if m, err := selector.New(&p.Packets, w.hosts); err == nil {
			w.counts = append(w.counts, packetCount{expect: p, match: m, want: p.Count.Max})
		}
	}
	return w
}

// event takes the next event of the run.
func (w *waiting) event(e *trace.Event) {
	switch {
	case e.Host != nil:
		maps.Copy(w.hosts, trace.Of(*e).Addresses())
	case e.Start != nil && e.Start.Actor == "":
		w.started = true
	case e.Start != nil:
		w.running = append(w.running, *e.Start)
		w.began = append(w.began, e.T)
	case e.Step != nil:
		for i, r := range w.running {
			if r.Actor == e.Step.Actor && r.Step == e.Step.ID && r.N == e.Step.N {
				w.running = append(w.running[:i], w.running[i+1:]...)
				w.began = append(w.began[:i], w.began[i+1:]...)
				break
			}
		}
	case e.End != nil:
		w.ended = true
	case e.Packet != nil && len(w.counts) > 0:
		w.packet(e)
	}
}

// packet counts a packet at the place where the expectation will count it: at one host's end of the
// link.
func (w *waiting) packet(e *trace.Event) {
	d := e.Packet.Decode()
	for i := range w.counts {
		c := &w.counts[i]
		sel := &c.expect.Packets
		here := e.Packet.Out && w.hosts.Has(e.Packet.Host, d.Src)
		switch {
		case c.expect.SeenBy != "":
			here = e.Packet.Host == c.expect.SeenBy
		case sel.From != "":
			here = e.Packet.Host == sel.From && e.Packet.Out
		case sel.To != "":
			here = e.Packet.Host == sel.To && !e.Packet.Out
		}
		if here && c.match.Matches(d, &packet.Flow{}) {
			c.seen++
			c.last = e.T
		}
	}
}

// text says what the run waits for at now, on the clock of trace.Event.T.
func (w *waiting) text(now time.Duration) string {
	if w.ended {
		return "judging"
	}
	if !w.started {
		return "building the lab"
	}
	step, since := w.step()
	text := step
	if text != "" {
		text += fmt.Sprintf(" for %.1f s", max(now-since, 0).Seconds())
	}
	if c := w.count(); c != nil {
		if step == "" {
			step = "waiting"
		}
		// The count says more than the time that has passed.
		return step + ": " + c.text(now)
	}
	if text == "" {
		return "between two steps"
	}
	return text
}

// step returns the step in progress that is most interesting: one that blocks on the network, else
// a pause, else an accept or a wait for another actor's event. Of several it is the one that began
// first.
func (w *waiting) step() (name string, since time.Duration) {
	best := -1
	rank := func(op string) int {
		switch op {
		case "accept", "wait":
			return 2
		case "sleep":
			return 1
		}
		return 0
	}
	for i := range w.running {
		if best < 0 || rank(w.running[i].Op) < rank(w.running[best].Op) {
			best = i
		}
	}
	if best < 0 {
		return "", 0
	}
	r := w.running[best]
	name = r.Actor + "." + r.Step
	if r.N > 1 {
		name += fmt.Sprintf("[%d]", r.N)
	}
	return name, w.began[best]
}

// count returns the unfinished count that changed last.
func (w *waiting) count() *packetCount {
	var best *packetCount
	for i := range w.counts {
		c := &w.counts[i]
		if c.seen > 0 && c.seen < c.want && (best == nil || c.last > best.last) {
			best = c
		}
	}
	return best
}

// text describes the count: "SYN 4 of 6, next in 3.2 s".
func (c *packetCount) text(now time.Duration) string {
	text := fmt.Sprintf("%s %d of %d", c.expect.Packets.Kind(), c.seen, c.want)
	if n := int(c.seen) - 1; n < len(c.expect.Gaps) && c.expect.Gaps[n].Want > 0 {
		if left := c.last + c.expect.Gaps[n].Want - now; left > 0 {
			text += fmt.Sprintf(", next in %.1f s", left.Seconds())
		} else {
			text += ", next any moment"
		}
	}
	return text
}
