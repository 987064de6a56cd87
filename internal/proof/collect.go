package proof

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// slack is how far the times of two sources may disagree about what came first: a packet's time is
// the wall clock's, turned into the monotonic one; a step is timed outside of the kernel.
const slack = 20 * time.Microsecond

// looking is how long after its time a sample without Took may have seen a socket: it has the time
// at which the look at all sockets began.
const looking = 5 * time.Millisecond

// answering is how soon the kernel answers a segment with a RST: at once, but the processor may be
// taken from it.
const answering = time.Millisecond

// collection is a trace, sorted by host and connection.
type collection struct {
	t     *trace.Trace
	scene Scene
	hosts []*host
	named map[string]*host
	// ended is when the run ended. whole is true if it has an end: all sockets were looked at
	// then, from looked on.
	ended, looked time.Duration
	whole         bool
	// captured is until when packets were captured for sure: the counters are read after the
	// actors' last steps.
	captured time.Duration
}

func collect(t *trace.Trace, scene Scene) *collection {
	c := &collection{t: t, scene: scene, named: map[string]*host{}}
	addresses := t.Addresses()
	for _, h := range t.Hosts() {
		if c.named[h.Name] != nil {
			continue
		}
		n := &host{
			collection: c, name: h.Name, addrs: map[netip.Addr]bool{}, programs: -1, defers: true,
			output: scene.Output(h.Name), input: scene.Input(h.Name), forges: scene.Forges(h.Name),
			crafts:      scene.Crafts(h.Name),
			connections: map[ends]*connection{}, records: map[identity]*record{},
			crafted: map[ends][]*crafted{}, resets: map[uint64][]time.Duration{},
			cookieEnds: map[uint64]ends{}, listening: map[uint16][]*record{},
		}
		for _, a := range addresses[h.Name] {
			n.addrs[a.Unmap()] = true
		}
		c.named[h.Name] = n
		c.hosts = append(c.hosts, n)
	}
	c.sources()
	for i := range t.Events {
		c.program(i)
	}
	for i := range t.Events {
		c.add(i)
	}
	for i := range t.Events {
		c.steps(i)
	}
	for _, h := range c.hosts {
		for _, conn := range h.order {
			slices.SortStableFunc(conn.items, func(a, b item) int { return cmp.Compare(a.at, b.at) })
		}
	}
	return c
}

// sources finds out which hosts' transitions are complete, and when the run ended.
func (c *collection) sources() {
	watched := false
	lost := map[string]bool{}
	for i := range c.t.Events {
		e := &c.t.Events[i]
		switch {
		case e.Tracepoints != nil:
			watched = e.Tracepoints.Show(trace.Transitions)
		case e.Lost != nil && e.Lost.Events == trace.Transitions && e.Lost.N > 0:
			lost[e.Lost.Host] = true
		case e.Counters != nil && e.Counters.At == trace.After && c.captured == 0:
			c.captured = e.T
		case e.End != nil:
			c.whole, c.looked = true, e.T-looking
			if e.End.Looked > 0 {
				c.looked = e.End.Looked - slack
			}
		}
		c.ended = max(c.ended, e.T)
	}
	if c.captured == 0 {
		c.captured = c.ended
	}
	for _, h := range c.hosts {
		h.exact = watched && !lost[h.name]
	}
}

// Exact returns the hosts of a run of which the trace has each transition of their sockets.
func Exact(t *trace.Trace) map[string]bool {
	c := &collection{t: t}
	for _, h := range t.Hosts() {
		c.hosts = append(c.hosts, &host{name: h.Name})
	}
	c.sources()
	exact := map[string]bool{}
	for _, h := range c.hosts {
		exact[h.name] = h.exact
	}
	return exact
}

// program notes when programs and raw sockets were at work.
func (c *collection) program(i int) {
	e := &c.t.Events[i]
	switch {
	case e.Start != nil && language.RunsProgram(e.Start.Op):
		if h := c.named[c.scene.Host(e.Start.Actor)]; h != nil && h.programs < 0 {
			h.programs = e.T
		}
	case e.Step != nil:
		h := c.named[c.scene.Host(e.Step.Actor)]
		if h == nil {
			return
		}
		w := window{e.Step.Began, e.T}
		switch e.Step.Op {
		case "segment":
			h.craft(e.Step, w)
		case "flood":
			h.floods = append(h.floods, w)
		}
	case e.Counters != nil:
		h := c.named[e.Counters.Host]
		if h == nil {
			return
		}
		if e.Counters.At == trace.Before {
			h.before = e.Counters.Values
			return
		}
		rose := func(name string) int64 { return e.Counters.Values[name] - h.before[name] }
		h.cookies = rose("TcpExt.SyncookiesSent") > 0
		h.overflow = rose("TcpExt.TCPTimeWaitOverflow")
		h.defers = rose("TcpExt.ListenOverflows") > 0 || rose("TcpExt.ListenDrops") > 0 ||
			rose("TcpExt.TCPDeferAcceptDrop") > 0
	}
}

// add sorts an event of packets and sockets.
func (c *collection) add(i int) {
	e := &c.t.Events[i]
	switch {
	case e.IsPacket():
		p := e.Packet()
		h := c.named[p.Host]
		d := p.Decode()
		if h == nil || d.Proto != "tcp" || d.FragmentOffset > 0 || d.Malformed {
			return
		}
		src := netip.AddrPortFrom(d.Src.Unmap(), d.SPort)
		dst := netip.AddrPortFrom(d.Dst.Unmap(), d.DPort)
		loopback := p.Device == "lo"
		if (p.Out || loopback) && h.addrs[src.Addr()] &&
			!h.isCrafted(ends{src, dst}, e.T, d) {
			h.connection(ends{src, dst}).add(item{at: e.T, kind: sent, event: i, d: d})
		}
		if (!p.Out || loopback) && h.addrs[dst.Addr()] {
			h.connection(ends{dst, src}).add(item{at: e.T, kind: received, event: i, d: d})
		}
	case e.Socket != nil:
		h := c.named[e.Socket.Host]
		if h == nil {
			return
		}
		if n := len(h.looks); n == 0 || h.looks[n-1] != e.T {
			h.looks = append(h.looks, e.T)
		}
		r := h.record(identity{e.Socket.Cookie, e.Socket.Local, e.Socket.Remote})
		r.samples = append(r.samples, i)
		if e.Socket.State == listen || c.listened(r) {
			return
		}
		if at, ok := parseEnds(e.Socket.Local, e.Socket.Remote); ok {
			h.cookieEnds[e.Socket.Cookie] = at
			conn := h.connection(at)
			conn.localText, conn.remoteText = e.Socket.Local, e.Socket.Remote
			if last := len(r.samples) - 2; last >= 0 {
				before := c.t.Events[r.samples[last]]
				if e.Socket.Last > before.T && e.Socket.Cookie != 0 && before.Socket.State != closed {
					conn.add(item{
						at: e.Socket.Last, kind: sample, event: r.samples[last], s: before.Socket, again: true,
					})
				}
			}
			conn.add(item{at: e.T, kind: sample, event: i, s: e.Socket})
		}
	case e.Sampled != nil:
		for _, h := range c.hosts {
			h.looks = append(h.looks, e.T)
		}
	case e.Reset != nil:
		h := c.named[e.Reset.Host]
		if h != nil && !e.Reset.Received && e.Reset.Cookie != 0 && e.Reset.State != timeWait {
			h.resets[e.Reset.Cookie] = append(h.resets[e.Reset.Cookie], e.T)
		}
	case e.Transition != nil:
		if h := c.named[e.Transition.Host]; h != nil {
			r := h.record(identity{cookie: e.Transition.Cookie})
			r.transitions = append(r.transitions, i)
			if at, ok := parseEnds(e.Transition.Local, e.Transition.Remote); ok && at.local.Port() != 0 {
				h.cookieEnds[e.Transition.Cookie] = at
			}
		}
	}
}

// listened reports whether the samples of a record so far are those of a listener.
func (c *collection) listened(r *record) bool {
	return len(r.samples) > 0 && c.t.Events[r.samples[0]].Socket.State == listen
}
