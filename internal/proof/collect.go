package proof

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
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

// host is the evidence of one host.
type host struct {
	*collection
	name  string
	addrs map[netip.Addr]bool
	// exact is true if each transition of its sockets is in the trace.
	exact bool
	// output, input, forges and crafts are as in [Scene].
	output, input, forges, crafts bool
	// defers is true if its listeners may have let a connection wait in SYN_RECV although the ACK
	// had come: the accept queue was full, or the socket option TCP_DEFER_ACCEPT is set.
	defers bool
	// cookies is true if it sent SYN cookies. overflow is how often it had no room for a TIME_WAIT.
	cookies  bool
	overflow int64
	before   map[string]int64

	// looks are the times at which its sockets were looked at, as far as one had changed or an
	// event asked for it, in order.
	looks []time.Duration
	// crafted are the packets that actors sent by raw sockets.
	crafted map[ends][]*crafted
	// resets are the times at which each socket sent a RST.
	resets map[uint64][]time.Duration
	// floods are those at which it sent SYNs from many ports.
	floods []window
	// programs is when the first program ran there, which may make sockets of its own; -1 if none.
	programs time.Duration

	connections map[ends]*connection
	// listening are the records of listeners by port, 0 if it is not known; made by listeners.
	listening map[uint16][]*record
	// latest is the connection that was asked for last.
	latest *connection
	// cookieEnds are the last ends of each socket that samples, transitions and steps show.
	cookieEnds map[uint64]ends
	order      []*connection
	records    map[identity]*record
	known      []*record
}

// ends are the two ends of a connection as its host sees them, IPv4 as IPv4.
type ends struct{ local, remote netip.AddrPort }

// window is a time, both ends included.
type window struct{ from, to time.Duration }

func (w window) has(at time.Duration) bool { return w.from-slack <= at && at <= w.to+slack }

// identity tells the kernel's sockets apart: by cookie, or by addresses in traces without cookies.
type identity struct {
	cookie        uint64
	local, remote string
}

// record is what was seen of one of the kernel's sockets by its identity.
type record struct {
	identity
	transitions []int
	samples     []int
	// listens are successful listen steps, closes the steps that closed the listener.
	listens, closes []int
}

// connection is everything between two ends, of one or more sockets after each other.
type connection struct {
	ends
	host  *host
	items []item
	// owner is the actor whose socket it is; "" if no step shows it.
	owner string
	// deaf is true once its owner has shut down its receiving side: recv returns 0 without a FIN.
	deaf bool
	// closings are the times at which its owner may have closed its sending side, connects those of
	// its connects.
	closings []ending
	connects []window
	// owned are its lives by the numbers of their sockets; made by lives.
	owned map[uint64]*life
	// local and remote are the ends as samples have them.
	localText, remoteText string
}

// ending is a time at which a program may have closed the sending side of a socket; if sure, it
// had certainly done so at the end.
type ending struct {
	window
	sure bool
	// cookie is the socket's number, 0 if it is not known.
	cookie uint64
}

// item is one piece of evidence of a connection.
type item struct {
	at    time.Duration
	kind  kind
	event int
	// d is a packet, of kinds sent and received.
	d *packet.Decoded
	// s is a sample. again is true for the last look that saw the socket as the one before it.
	s     *trace.Socket
	again bool
}

type kind uint8

const (
	sent kind = iota
	received
	sample
	// up says that a system call returned a connection that is established.
	up
	// eof says that a system call returned the end of the stream: the peer's FIN has come.
	eof
	// down says that a system call returned the error that ended the connection.
	down
)

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
	case e.Start != nil && e.Start.Op == "exec":
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

// lookAfter returns the time of the first look that began after a time, or the end of the run.
func (h *host) lookAfter(at time.Duration) time.Duration {
	i, _ := slices.BinarySearch(h.looks, at)
	if i < len(h.looks) {
		return min(h.looks[i], h.ended)
	}
	return h.ended
}

// listened reports whether the samples of a record so far are those of a listener.
func (c *collection) listened(r *record) bool {
	return len(r.samples) > 0 && c.t.Events[r.samples[0]].Socket.State == listen
}

// record returns the record of an identity. Cookies are unique; addresses count only without one.
func (h *host) record(id identity) *record {
	key := id
	if id.cookie != 0 {
		key = identity{cookie: id.cookie}
	}
	r := h.records[key]
	if r == nil {
		r = &record{identity: id}
		h.records[key] = r
		h.known = append(h.known, r)
	}
	if r.local == "" {
		r.local, r.remote = id.local, id.remote
	}
	return r
}

func (h *host) connection(at ends) *connection {
	if h.latest != nil && h.latest.ends == at {
		return h.latest // a transfer has a million packets in a row
	}
	conn := h.connections[at]
	if conn == nil {
		conn = &connection{
			ends: at, host: h, localText: at.local.String(), remoteText: at.remote.String(),
		}
		h.connections[at] = conn
		h.order = append(h.order, conn)
	}
	h.latest = conn
	return conn
}

// opened returns when the connect began that sent the SYN that was captured at a time; -1 if no step
// did.
func (conn *connection) opened(at time.Duration) time.Duration {
	began := time.Duration(-1)
	for _, w := range conn.connects {
		if w.from <= at {
			began = w.from
		}
	}
	return began
}

func (conn *connection) add(it item) { conn.items = append(conn.items, it) }

// parseEnds reads the addresses of a sample or a step. It is false without two ends.
func parseEnds(local, remote string) (ends, bool) {
	l, err := netip.ParseAddrPort(local)
	if err != nil {
		return ends{}, false
	}
	r, err := netip.ParseAddrPort(remote)
	if err != nil || r.Port() == 0 {
		return ends{}, false
	}
	unmapped := func(a netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return ends{unmapped(l), unmapped(r)}, true
}

// steps learns from a step whose socket a connection is, and what its system call returned.
func (c *collection) steps(i int) {
	e := &c.t.Events[i]
	switch {
	case e.Process != nil:
		// The kernel closed all sockets of the actor, at some time before its end was noticed.
		h := c.named[c.scene.Host(e.Process.Actor)]
		if h == nil {
			return
		}
		for _, conn := range h.order {
			if conn.owner == e.Process.Actor {
				conn.closings = append(conn.closings,
					ending{window: window{c.killed(i), e.T}, sure: true})
			}
		}
	case e.Step != nil:
		c.step(i, e)
	}
}

// killed returns when the actor whose end event i reports was killed, at the earliest.
func (c *collection) killed(i int) time.Duration {
	for j := i - 1; j >= 0; j-- {
		if s := c.t.Events[j].Start; s != nil && s.Op == "kill" {
			return c.t.Events[j].T
		}
	}
	return 0
}

func (c *collection) step(i int, e *trace.Entry) {
	s := e.Step
	h := c.named[c.scene.Host(s.Actor)]
	if h == nil {
		return
	}
	if s.Cookie != 0 && s.Remote == "" {
		c.listenStep(h, i, s)
	}
	at, ok := parseEnds(s.Local, s.Remote)
	if !ok && s.Cookie != 0 {
		at = h.cookieEnds[s.Cookie] // its connection has ended, or not begun
		if own, err := netip.ParseAddrPort(s.Local); err == nil && own.Port() != 0 &&
			own.Port() != at.local.Port() {
			return // another connection of the same descriptor
		}
	}
	if h.connections[at] == nil {
		return // without packets and samples there is nothing that a step could add
	}
	conn := h.connections[at]
	conn.owner = s.Actor
	if s.Cookie != 0 {
		h.cookieEnds[s.Cookie] = at
	}
	done := s.Errno == "" && s.Problem == ""
	if s.Op == "connect" {
		conn.connects = append(conn.connects, window{s.Began, e.T})
	}
	switch {
	case s.Op == "connect" && done, s.Op == "accept" && done:
		conn.add(item{at: e.T, kind: up, event: i})
	case slices.Contains(fatal[s.Op], s.Errno):
		conn.add(item{at: e.T, kind: down, event: i})
	case s.Op == "recv" && done && s.Result == 0 && !conn.deaf:
		conn.add(item{at: e.T, kind: eof, event: i})
	case s.Op == "close", s.Op == "shutdown" && s.Value != "read":
		conn.closings = append(conn.closings, ending{window{s.Began, e.T}, done, s.Cookie})
	}
	conn.deaf = conn.deaf || s.Op == "shutdown" && s.Value != "write"
}

// fatal are the errors of steps after which a connection is gone: the kernel reports them once it
// has closed the socket (sk_err). A connect with a route to nowhere fails with others.
var fatal = map[string][]string{
	"connect": {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"},
	"recv":    {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET"},
	"send":    {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET"},
}

// listenStep notes the steps that made and closed a listener.
func (c *collection) listenStep(h *host, i int, s *trace.Step) {
	switch {
	case s.Op == "listen" && s.Errno == "" && s.Problem == "":
		r := h.record(identity{cookie: s.Cookie, local: s.Local})
		r.listens = append(r.listens, i)
	case s.Op == "close" || s.Op == "shutdown":
		if r := h.records[identity{cookie: s.Cookie}]; r != nil {
			r.closes = append(r.closes, i)
		}
	}
}
