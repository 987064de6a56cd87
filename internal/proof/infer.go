package proof

import (
	"slices"
	"strings"
	"time"

	"halfopen/internal/packet"
)

// none is the state before the first.
const none = "none"

// way is one way that a socket may have gone so far.
type way struct {
	path []Phase
	// fin is true if it has sent its FIN. due is true if its FIN has to be the next thing that it
	// sends: nothing was in the FIN's way when the program closed.
	fin, due bool
	// pinned is when it was last seen in its state, or sent something that only its state sends:
	// whatever it received before did not move it on.
	pinned time.Duration
	// owed are the states that samples saw and that the way has yet to come to, in order.
	owed []debt
}

// debt is a state that a way has to come to until a time.
type debt struct {
	state string
	by    time.Duration
}

func (w *way) state() string {
	if len(w.path) == 0 {
		return none
	}
	return w.path[len(w.path)-1].State
}

func (w *way) unknown() bool { return w.state() == Unknown }

// enter appends a state to a way. It cannot have begun before the one before it.
func (w *way) enter(state string, earliest, from time.Duration, source Source, event int) {
	if k := len(w.path) - 1; k >= 0 {
		earliest = max(earliest, w.path[k].Earliest)
		from = max(from, w.path[k].From)
	}
	w.path = append(slices.Clip(w.path), Phase{
		State: state, Earliest: earliest, From: max(earliest, from), Source: source, Event: event,
	})
	if len(w.owed) > 0 && w.owed[0].state == state {
		w.owed = w.owed[1:]
	}
}

// begunBy says that the state has begun at a time at the latest.
func (w *way) begunBy(at time.Duration) {
	last := len(w.path) - 1
	if w.path[last].From > at {
		w.path = slices.Clone(w.path)
		w.path[last].From = max(at, w.path[last].Earliest)
	}
}

// key distinguishes ways by everything but times.
func (w *way) key() string {
	var b strings.Builder
	for i := range w.path {
		b.WriteString(w.path[i].State)
		b.WriteByte('>')
	}
	if w.fin {
		b.WriteByte('f')
	}
	if w.due {
		b.WriteByte('d')
	}
	for _, o := range w.owed {
		b.WriteString(o.state)
		b.WriteByte('?')
	}
	return b.String()
}

// inference follows one life through the states, on every way that its evidence allows.
type inference struct {
	life *life
	host *host
	ways []way
	// requestOnly is true for a life that was never a whole socket.
	requestOnly bool
	// superseded is when the next connection between the same ends began; -1 if none did.
	superseded time.Duration
	// rsts are the indexes of the RSTs that were sent.
	rsts []int
	heard
}

// infer returns the paths that the evidence of a life allows, without duplicates.
func (l *life) infer(requestOnly bool, superseded time.Duration) [][]Phase {
	if !(l.conn.host.output && l.conn.host.input) &&
		!slices.ContainsFunc(l.items, func(it item) bool { return it.d != nil }) {
		return l.unheard() // its packets may have other addresses than it
	}
	n := &inference{
		life: l, host: l.conn.host, ways: []way{{}}, requestOnly: requestOnly,
		superseded: superseded, heard: newHeard(l),
	}
	for i := range l.items {
		if it := &l.items[i]; it.kind == sent && it.d.Flags&packet.RST != 0 {
			n.rsts = append(n.rsts, i)
		}
	}
	closings := l.closings()
	for i := range l.items {
		it := &l.items[i]
		for len(closings) > 0 && closings[0].to+slack < it.at {
			n.mustHaveClosed(&closings[0])
			closings = closings[1:]
		}
		n.step(i)
		n.last = it.at
	}
	for i := range closings {
		if superseded < 0 || closings[i].to < superseded {
			n.mustHaveClosed(&closings[i])
		}
	}
	return n.finish()
}

// closings are the times at which the life's program may have closed it.
func (l *life) closings() []ending {
	var own []ending
	for _, c := range l.conn.closings {
		if l.mayEnd(&c) {
			own = append(own, c)
		}
	}
	return own
}

// mayEnd reports whether an ending may be one of this life.
func (l *life) mayEnd(c *ending) bool {
	owner := l.conn.owned[c.cookie]
	return c.to+slack >= l.items[0].at && (c.cookie == 0 || c.cookie == l.cookie ||
		l.cookie == 0 && owner == nil)
}

// step takes one item into account.
func (n *inference) step(i int) {
	it := &n.life.items[i]
	if n.ordinary(it) {
		n.hears(i)
		return
	}
	if it.kind == down && n.failed < 0 {
		n.failed, n.failedEvent = it.at, it.event
	}
	before := n.ways
	n.spread(n.by(it))
	if n.fatal && (it.at > n.reset+answering || it.kind == sample && it.s.State == closed) {
		n.keepIfAny(ended)
	}
	n.branch(it)
	n.prolong(it.at)
	spread := n.ways
	if n.metSocket(i) {
		n.keepIfAny(func(w *way) bool { return w.state() != closed })
	}
	n.keep(func(w *way) bool { return w.unknown() && it.kind != sample || n.allows(w, it) })
	if n.mayBeForged(it) {
		n.addWays(spread)
	}
	if it.kind == sent && n.host.output || it.kind == sample {
		n.pin(spread, it.at)
	}
	n.keep(func(w *way) bool { return len(w.owed) == 0 || it.at <= w.owed[0].by })
	if len(n.ways) == 0 {
		n.contradicted(&before[0], it)
	}
	n.hears(i)
}

// by returns until when an item shows what the program has done: an item of the program itself
// exactly.
func (n *inference) by(it *item) time.Duration {
	if it.kind == up || it.kind == eof || it.kind == down {
		return it.at
	}
	return it.at + slack
}

// pin notes for each way that an item which it allows rules out every way that goes on from it.
func (n *inference) pin(before []way, at time.Duration) {
	goesOn := func(w, from *way) bool {
		k := len(from.path)
		return len(w.path) > k && w.path[k].State != closed &&
			slices.EqualFunc(w.path[:k], from.path, sameState)
	}
	for i := range n.ways {
		w := &n.ways[i]
		from := func(o way) bool { return goesOn(&o, w) }
		if slices.ContainsFunc(before, from) && !slices.ContainsFunc(n.ways, from) {
			w.pinned = at
		}
	}
}

// mayBeForged reports whether an item may be a RST that a fault made, or a packet of a program's raw
// socket.
func (n *inference) mayBeForged(it *item) bool {
	return it.kind == sent && (n.host.crafts || n.host.forges && it.d.Flags&packet.RST != 0)
}

// addWays adds ways that are not there yet.
func (n *inference) addWays(more []way) {
	known := make(map[string]bool, len(n.ways)+len(more))
	for i := range n.ways {
		known[n.ways[i].key()] = true
	}
	for i := range more {
		if k := more[i].key(); !known[k] {
			known[k] = true
			n.ways = append(n.ways, more[i])
		}
	}
}

func sameState(a, b Phase) bool { return a.State == b.State }

// prolong says of each phase whose beginning is not sure that it may have begun as late as at, if
// the evidence until then also allows that the socket had not left the phase before.
func (n *inference) prolong(at time.Duration) {
	if len(n.ways) < 2 {
		return
	}
	for i := range n.ways {
		path := n.ways[i].path
		for k := range path {
			if !path[k].unsure || !slices.ContainsFunc(n.ways, func(o way) bool {
				return slices.EqualFunc(o.path, path[:k], sameState)
			}) {
				continue
			}
			latest := at
			if path[k].byACK {
				latest = n.acks[len(n.acks)-1].at
			}
			path = slices.Clone(path)
			for j := k; j < len(path); j++ {
				path[j].From = max(path[j].From, latest)
			}
			n.ways[i].path = path
			break
		}
	}
}

// ordinary reports whether an item cannot change anything: a segment of an established connection
// that nobody has begun to end. A large transfer has a million of them.
func (n *inference) ordinary(it *item) bool {
	const special = packet.SYN | packet.FIN | packet.RST
	return it.d != nil && it.d.Flags&special == 0 && len(n.ways) == 1 && len(n.ways[0].owed) == 0 &&
		n.ways[0].state() == established && len(n.fins) == 0 && n.reset < 0 && !n.mayClose(it.at+slack)
}

// allows reports whether an item fits a way, and moves the way to the state that the item shows.
func (n *inference) allows(w *way, it *item) bool {
	switch it.kind {
	case sent:
		return n.sends(w, it)
	case sample:
		return n.sampled(w, it)
	case up:
		s := w.state()
		if n.opensFast && n.host.t.Events[it.event].Step.Op == "connect" {
			return true // it returns before the SYN is sent
		}
		return s != none && s != synSent && (n.fastOpen || slices.ContainsFunc(w.path,
			func(p Phase) bool { return p.State == established || p.State == Unknown }))
	case eof:
		return slices.Contains([]string{closeWait, lastAck, closing, timeWait, closed}, w.state())
	case down:
		return w.state() == closed
	default:
		return true
	}
}

// branch adds ways for what an item leaves open.
func (n *inference) branch(it *item) {
	if it.kind == sample && it.at > n.host.captured {
		n.moveUnheard(it)
	}
	for i := range n.ways {
		w := n.ways[i]
		switch {
		case w.state() != none:
		case it.kind == sample && it.s.State != closed &&
			(!n.host.output || it.s.State == synSent && !n.heardAnything):
			// Its SYN may have been taken away before the capture, or wait for the address of a
			// neighbour.
			earliest := it.s.Last
			if opened := n.life.conn.opened(it.at); opened >= 0 {
				earliest = opened
			}
			w.enter(it.s.State, min(earliest, n.last), it.at, BySample, it.event)
			n.ways = append(n.ways, w)
		case it.kind == sent && n.host.cookies && it.d.Flags&packet.SYN != 0 &&
			it.d.Flags&packet.ACK != 0:
			// A SYN cookie needs no request: this way stays without one.
			w.enter(synRecv, max(n.syn, 0), it.at, ByPacket, it.event)
			n.ways = append(n.ways, w)
		}
	}
}

// keep drops the ways that do not fit. fits may change the way that it gets.
func (n *inference) keep(fits func(*way) bool) {
	kept := n.ways[:0:0]
	for _, w := range n.ways {
		if fits(&w) {
			kept = append(kept, w)
		}
	}
	n.ways = kept
}

func ended(w *way) bool { return w.state() == closed || w.unknown() }

// keepIfAny drops the ways that do not fit, unless none does.
func (n *inference) keepIfAny(fits func(*way) bool) {
	before := n.ways
	if n.keep(fits); len(n.ways) == 0 {
		n.ways = before
	}
}

// metSocket reports whether item i is a segment that came in and met a socket: if there had been
// none, the kernel would have answered with a RST (tcp_v4_rcv).
func (n *inference) metSocket(i int) bool {
	it := &n.life.items[i]
	const noAnswer = packet.RST | packet.SYN
	if it.kind != received || it.d.Flags&noAnswer != 0 || !n.host.input || !n.host.output ||
		n.nextRST(i) >= 0 {
		return false
	}
	if it.at+answering <= n.host.captured {
		return true
	}
	// Soon before the capture ended, the next segment shows that this one had been dealt with.
	return slices.ContainsFunc(n.life.items[i+1:], func(next item) bool {
		return next.kind == received && next.at > it.at+slack
	})
}

// nextRST returns the index of the next RST that was sent soon after item i; -1 if none was.
func (n *inference) nextRST(i int) int {
	k, _ := slices.BinarySearch(n.rsts, i)
	if k == len(n.rsts) || n.life.items[n.rsts[k]].at > n.life.items[i].at+answering {
		return -1
	}
	return n.rsts[k]
}

// refused reports whether item i is a segment with an ACK that no socket took: the kernel answered
// with a RST that has the number acknowledged.
func (n *inference) refused(i int) bool {
	it := &n.life.items[i]
	if !n.host.input || !n.host.output || n.host.forges {
		return false
	}
	j := n.nextRST(i)
	if j < 0 {
		return false
	}
	for k := i + 1; k < j; k++ {
		if next := &n.life.items[k]; next.kind == received && next.d.Ack == it.d.Ack {
			return false // an answer would be to this one
		}
	}
	answer := n.life.items[j].d
	return answer.Flags&packet.ACK == 0 && answer.Seq == it.d.Ack
}

// moveUnheard adds the ways to what a look saw when packets were not captured any more.
func (n *inference) moveUnheard(it *item) {
	var all []way
	for _, w := range n.ways {
		if w.unknown() || w.state() == it.s.State {
			continue
		}
		for _, route := range routes(w.state(), it.s.State) {
			next := w
			next.owed, next.due = nil, false
			for _, state := range route {
				next.enter(state, max(n.last, n.host.captured), it.at, BySample, it.event)
			}
			all = append(all, next)
		}
	}
	n.addWays(all[:min(len(all), mostWays)])
}

// contradicted goes on after evidence that no way fits: the state is unknown until a sample shows
// it.
func (n *inference) contradicted(last *way, it *item) {
	w := *last
	if !w.unknown() {
		w.enter(Unknown, n.last, it.at, BySample, it.event)
	}
	w.owed, w.due = nil, false
	if it.kind == sample {
		w.enter(it.s.State, n.last, it.at, BySample, it.event)
	}
	n.ways = []way{w}
}

// sampled reports whether a look at the host's sockets may have seen the socket as it did.
func (n *inference) sampled(w *way, it *item) bool {
	seen := it.s.State
	if w.unknown() {
		w.enter(seen, n.last, it.at, BySample, it.event)
		return true
	}
	if len(w.owed) == 0 {
		if w.state() == seen || w.state() == none && seen == closed {
			w.pinned = max(w.pinned, it.at)
			return true
		}
		// The look may have come a moment before the socket's last change.
		if k := len(w.path) - 2; k >= 0 && w.path[k].State == seen && w.path[k+1].From+slack >= it.at {
			w.path = slices.Clone(w.path)
			w.path[k+1].Earliest = max(w.path[k+1].Earliest, min(it.at, w.path[k+1].From))
			return true
		}
	}
	if k := len(w.owed) - 1; k >= 0 && w.owed[k].state == seen {
		return true
	}
	if !w.leadsTo(seen) {
		return false
	}
	by := it.at + looking
	if it.s.Took > 0 {
		by = it.at + it.s.Took + slack
	}
	w.owed = append(slices.Clip(w.owed), debt{seen, by})
	return true
}

// leadsTo reports whether the state machine leads from the way's last state, or the last one that
// it owes, to a state.
func (w *way) leadsTo(state string) bool {
	from := w.state()
	if k := len(w.owed) - 1; k >= 0 {
		from = w.owed[k].state
	}
	return len(routes(from, state)) > 0 || from == none && state == closed
}

// mustHaveClosed drops the ways on which a socket can still send after its program has closed it.
func (n *inference) mustHaveClosed(c *ending) {
	if !c.sure {
		return
	}
	before := n.ways
	n.spread(c.to)
	n.prolong(c.to)
	n.keep(func(w *way) bool {
		return !slices.Contains([]string{synSent, established, closeWait}, w.state())
	})
	if len(n.ways) == 0 {
		n.ways = before // another process has the socket too
	}
}

// finish drops the ways that do not fit the last look at the host's sockets, and returns the paths.
func (n *inference) finish() [][]Phase {
	end, whole := n.host.ended, n.host.whole
	gone, final := time.Duration(-1), ""
	for i := range n.life.items {
		if it := &n.life.items[i]; it.kind == sample {
			if final = it.s.State; final == closed {
				gone = it.at
			}
		}
	}
	switch {
	case n.superseded >= 0:
		end, final = n.superseded, closed
	case final == "" && whole && n.last < n.host.looked:
		final = closed // the last look did not find it
	}
	before := n.ways
	n.spread(end)
	n.prolong(end)
	if n.fatal {
		n.keepIfAny(ended)
	}
	n.keep(func(w *way) bool {
		s := w.state()
		return (len(w.owed) == 0 || w.owed[0].by >= end) &&
			(final == "" || s == final || s == none && final == closed) &&
			!(w.due && n.host.output && n.last < n.host.looked)
	})
	if len(n.ways) == 0 {
		w := before[0]
		if !w.unknown() {
			w.enter(Unknown, n.last, end, BySample, -1)
		}
		if final != "" {
			w.enter(final, n.last, end, BySample, -1)
		}
		n.ways = []way{w}
	}
	if n.host.cookies {
		n.keep(func(w *way) bool { return !n.neverRequested(w, end, whole) })
	}
	return n.paths(gone, end)
}

// neverRequested reports whether a way has a request that cannot have been: nothing ended it, no
// look saw it, and it did not repeat its SYN-ACK. A request waits at least a second for the ACK
// (TCP_TIMEOUT_INIT), unless its listener is closed.
func (n *inference) neverRequested(w *way, end time.Duration, whole bool) bool {
	if len(w.path) != 2 || w.path[0].State != synRecv || w.path[1].State != closed || !whole ||
		w.path[1].Source != BySample || n.reset >= 0 || n.synACKs > 1 || len(n.ways) < 2 {
		return false
	}
	return len(n.life.samples()) == 0 && !n.host.stopsListening(n.life.conn.local, w.path[0].From, end)
}

// paths returns the paths of the ways, each once.
func (n *inference) paths(gone, end time.Duration) [][]Phase {
	var all [][]Phase
	known := map[string]bool{}
	for i := range n.ways {
		w := &n.ways[i]
		w.fin, w.due, w.owed = false, false, nil
		if k := w.key(); known[k] {
			continue
		} else {
			known[k] = true
		}
		path := slices.Clone(w.path)
		if last := len(path) - 1; last >= 0 && path[last].State == closed &&
			path[last].Source == BySample {
			n.whenGone(&path[last], path[:last], gone, end)
		}
		for i := len(path) - 2; i >= 0; i-- { // once in a state, it had been in those before
			path[i].From = max(path[i].Earliest, min(path[i].From, path[i+1].From))
		}
		all = append(all, path)
	}
	return all
}

// whenGone sets the end of a socket that no packet of its own shows.
func (n *inference) whenGone(p *Phase, before []Phase, gone, end time.Duration) {
	switch sure := n.host.input && n.host.output; {
	case sure && n.finAcked >= 0 && n.finAckMet && len(before) > 0 &&
		before[len(before)-1].State == lastAck:
		p.Earliest, p.From, p.Source, p.Event = n.finAcked, n.finAcked, ByPacket, n.finAckedEvent
	case sure && n.resets && n.reset >= p.Earliest:
		p.From, p.Source, p.Event = n.reset, ByPacket, n.resetEvent
	case n.failed >= p.Earliest && (gone < 0 || n.failed < gone):
		p.From, p.Source, p.Event = n.failed, ByStep, n.failedEvent
	case gone >= 0:
		p.From = max(gone, p.Earliest)
	default:
		// No look ever saw it: it was gone at the next one.
		p.From = min(end, n.host.lookAfter(p.Earliest+looking))
	}
}
