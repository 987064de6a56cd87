package proof

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
)

// sockets returns the sockets of a host, in no order.
func (h *host) sockets() []*Socket {
	all := h.listeners()
	lives := map[ends][]*life{}
	for _, conn := range h.order {
		lives[conn.ends] = conn.lives()
	}
	if h.exact {
		all = append(all, h.watched(lives)...)
	}
	for _, conn := range h.order {
		own := lives[conn.ends]
		for i, l := range own {
			if l.taken {
				continue
			}
			superseded := time.Duration(-1)
			if i+1 < len(own) {
				superseded = own[i+1].items[0].at
			}
			s := &Socket{
				Host: h.name, Local: conn.localText, Remote: conn.remoteText, Cookie: l.cookie,
				Paths: l.infer(h.exact && !l.broken, superseded),
			}
			s.Samples = l.samples()
			if h.exact && !l.broken && len(s.Samples) == 0 && slices.ContainsFunc(s.Paths, isUnknown) {
				// More than the packets of a request, but no socket has these ends: its addresses
				// are translated.
				continue
			}
			if len(s.Samples) > 0 || slices.ContainsFunc(s.Paths,
				func(p []Phase) bool { return len(p) > 0 }) {
				all = append(all, s)
			}
		}
	}
	h.findRoom(all)
	all = slices.DeleteFunc(all, func(s *Socket) bool { return len(s.Paths) == 0 })
	takeTurns(all)
	return all
}

// takeTurns says of sockets of a host with the same ends that one was gone when the next began: the
// kernel has one at a time. A SYN may end a TIME_WAIT.
func takeTurns(all []*Socket) {
	turns := map[[2]string][]*Socket{}
	for _, s := range all {
		if !s.Listener() {
			key := [2]string{s.Local, s.Remote}
			turns[key] = append(turns[key], s)
		}
	}
	for _, same := range turns {
		slices.SortStableFunc(same, func(a, b *Socket) int { return cmp.Compare(a.First(), b.First()) })
		for i := range same[1:] {
			same[i].goneBefore(same[i+1])
		}
	}
}

// goneBefore bounds the end of a socket by the beginning of the next one with the same ends, and the
// reverse.
func (s *Socket) goneBefore(next *Socket) {
	begun, gone := time.Duration(0), time.Duration(math.MaxInt64)
	for _, path := range next.Paths {
		if len(path) == 0 {
			return
		}
		begun = max(begun, path[0].From)
	}
	for k, path := range s.Paths {
		last := len(path) - 1
		if last < 1 || path[last].State != closed {
			return
		}
		path = slices.Clone(path)
		p := &path[last]
		p.From = max(min(p.From, begun), path[last-1].From)
		p.Earliest = min(p.Earliest, p.From)
		gone = min(gone, p.Earliest)
		s.Paths[k] = path
	}
	for k, path := range next.Paths {
		next.Paths[k] = slices.Clone(path)
		p := &next.Paths[k][0]
		p.Earliest = max(p.Earliest, min(gone, p.From))
	}
}

// isUnknown reports whether the state is unknown at some time on a path.
func isUnknown(path []Phase) bool {
	return slices.ContainsFunc(path, func(p Phase) bool { return p.State == Unknown })
}

// samples returns the indexes of the life's samples.
func (l *life) samples() []int {
	var all []int
	for i := range l.items {
		if l.items[i].kind == sample && !l.items[i].again {
			all = append(all, l.items[i].event)
		}
	}
	return all
}

// listeners returns the listening sockets of a host. Their states are exact where transitions show
// them; else steps and samples do.
func (h *host) listeners() []*Socket {
	var all []*Socket
	for _, r := range h.known {
		if !h.isListener(r) {
			continue
		}
		own, _ := netip.ParseAddrPort(r.local)
		h.listening[own.Port()] = append(h.listening[own.Port()], r)
		s := &Socket{Host: h.name, Local: r.local, Remote: r.remote, Cookie: r.cookie, Samples: r.samples}
		path := h.listenerPath(r)
		if len(path) == 0 {
			continue
		}
		s.Paths = [][]Phase{path}
		all = append(all, s)
	}
	return all
}

func (h *host) isListener(r *record) bool {
	switch {
	case len(r.listens) > 0:
		return true
	case len(r.samples) > 0:
		return h.t.Events[r.samples[0]].Socket.State == listen
	case len(r.transitions) > 0:
		return h.t.Events[r.transitions[0]].Transition.State == listen
	}
	return false
}

// listenerPath is the path of a listener: LISTEN and, if it ended, CLOSED.
func (h *host) listenerPath(r *record) []Phase {
	type change struct {
		earliest, at time.Duration
		state        string
		source       Source
		event        int
	}
	var changes []change
	exact := h.exact && len(r.transitions) > 0
	for _, i := range r.transitions {
		if t := h.t.Events[i].Transition; exact && t.State != listen {
			changes = append(changes, change{h.t.Events[i].T, h.t.Events[i].T, closed, ByKernel, i})
		} else if exact {
			changes = append(changes, change{h.t.Events[i].T, h.t.Events[i].T, listen, ByKernel, i})
		}
	}
	if !exact {
		for _, i := range r.samples {
			at, s := h.t.Events[i].T, h.t.Events[i].Socket
			earliest := max(s.Last, h.programs) // a program made it between two looks
			if h.programs < 0 || earliest > at || s.Cookie == 0 {
				earliest = at
			}
			changes = append(changes, change{earliest, at, s.State, BySample, i})
		}
		for _, i := range r.listens {
			changes = append(changes,
				change{h.t.Events[i].Step.Began, h.t.Events[i].T, listen, ByStep, i})
		}
		for _, i := range r.closes {
			if s := h.t.Events[i].Step; s.Errno == "" {
				changes = append(changes, change{s.Began, h.t.Events[i].T, closed, ByStep, i})
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	var path []Phase
	for _, c := range changes {
		if n := len(path); n == 0 && c.state == closed || n > 0 && path[n-1].State == c.state {
			continue
		}
		path = append(path, Phase{
			State: c.state, Earliest: c.earliest, From: c.at, Source: c.source, Event: c.event,
		})
	}
	return path
}

// watched returns the sockets whose transitions the kernel's tracepoints show, and marks the lives
// that are theirs as taken.
func (h *host) watched(lives map[ends][]*life) []*Socket {
	type ofRecord struct {
		r    *record
		part []int
		// until is when the descriptor's next connection began.
		until time.Duration
	}
	var parts []ofRecord
	for _, r := range h.known {
		if len(r.transitions) == 0 || h.isListener(r) {
			continue
		}
		own := h.parts(r)
		for k, part := range own {
			until := time.Duration(math.MaxInt64)
			if k+1 < len(own) {
				until = h.t.Events[own[k+1][0]].T - slack
			}
			parts = append(parts, ofRecord{r, part, until})
		}
	}
	slices.SortStableFunc(parts, func(a, b ofRecord) int { return cmp.Compare(a.part[0], b.part[0]) })
	var all []*Socket
	next := map[ends]time.Duration{}
	for k := range slices.Backward(parts) {
		p := &parts[k]
		at, _, _ := h.shownEnds(p.part)
		if began, ok := next[at]; ok && h.failed(p.part) {
			p.until = min(p.until, began) // it may not have sent the SYN that comes then
		}
		next[at] = h.t.Events[p.part[0]].T - slack
	}
	for _, p := range parts {
		if s := h.watchedSocket(p.r, p.part, p.until, lives); s != nil {
			all = append(all, s)
		}
	}
	return all
}

// findRoom decides which sockets came to TIME_WAIT where some found no room for it, if the kernel's
// count of those does.
func (h *host) findRoom(all []*Socket) {
	if h.overflow == 0 {
		return
	}
	ends := func(path []Phase) bool { // in CLOSED from FIN_WAIT2 or CLOSING
		n := len(path)
		return n > 1 && path[n-1].State == closed &&
			(path[n-2].State == finWait2 || path[n-2].State == closing)
	}
	var may []*Socket
	for _, s := range all {
		if slices.ContainsFunc(s.Paths, ends) {
			may = append(may, s)
		}
	}
	if int64(len(may)) != h.overflow {
		return // some of them may have ended so by a RST, or at the end of their time in FIN_WAIT2
	}
	for _, s := range may {
		s.Paths = slices.DeleteFunc(s.Paths, func(p []Phase) bool { return !ends(p) })
	}
}

// parts splits the transitions of one descriptor's socket at CLOSE: a connect after the end of a
// connection begins another.
func (h *host) parts(r *record) [][]int {
	var parts [][]int
	var part []int
	for _, i := range r.transitions {
		part = append(part, i)
		if h.t.Events[i].Transition.State == closeState {
			parts, part = append(parts, part), nil
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// watchedSocket returns the socket of one part of a record; nil for one that was never in the
// kernel's tables: a connect that found no port or no route.
func (h *host) watchedSocket(
	r *record, part []int, until time.Duration, lives map[ends][]*life,
) *Socket {
	s := &Socket{Host: h.name, Cookie: r.cookie}
	var at ends
	if at, s.Local, s.Remote = h.shownEnds(part); s.Local == "" {
		at = h.stillConnecting(r, part)
		s.Local, s.Remote = at.local.String(), at.remote.String()
	}
	if !at.local.IsValid() {
		return nil
	}
	if conn := h.connections[at]; conn != nil {
		s.Local, s.Remote = conn.localText, conn.remoteText
	}
	l, next := h.lifeOf(lives[at], r.cookie, h.t.Events[part[0]].T, until)
	if l == nil && h.failed(part) || h.breaks(part, l) {
		return nil // the life is then followed without its transitions
	}
	var path []Phase
	for _, i := range part {
		e := &h.t.Events[i]
		state := e.Transition.State
		if state == closeState {
			state = h.remnant(r.cookie, e.Transition, l, e.T)
		}
		if len(path) == 0 && state == synRecv && e.Transition.From == listen && l != nil {
			path = append(path, l.request(e.T))
			continue
		}
		if n := len(path); n > 0 && path[n-1].State == state {
			continue
		}
		path = append(path, Phase{State: state, Earliest: e.T, From: e.T, Source: ByKernel, Event: i})
	}
	if l == nil {
		s.Paths = [][]Phase{path}
		return s
	}
	l.taken = true
	s.Samples = l.samples()
	if last := &h.t.Events[part[len(part)-1]]; last.Transition.State == closeState {
		s.Paths = l.remains(path, next, last.T)
	} else {
		s.Paths = [][]Phase{path}
	}
	return s
}

// shownEnds returns the ends of a socket that its transitions show, the last ones; none if it had no
// port yet.
func (h *host) shownEnds(part []int) (at ends, local, remote string) {
	for _, i := range part {
		t := h.t.Events[i].Transition
		if e, ok := parseEnds(t.Local, t.Remote); ok && e.local.Port() != 0 {
			at, local, remote = e, t.Local, t.Remote
		}
	}
	return at, local, remote
}

// breaks reports whether transitions of a life do not lead from one to the next, or not to what the
// last look saw, and marks the life as such: a tracepoint may miss one without a word.
func (h *host) breaks(part []int, l *life) bool {
	if l != nil {
		l.broken = l.broken || !h.complete(part, l)
	}
	return l != nil && l.broken
}

func (h *host) complete(part []int, l *life) bool {
	for k, i := range part[1:] {
		if h.t.Events[i].Transition.From != h.t.Events[part[k]].Transition.State {
			return false
		}
	}
	last := &h.t.Events[part[len(part)-1]]
	for i := len(l.items) - 1; i >= 0; i-- {
		it := &l.items[i]
		if it.kind != sample || it.again {
			continue
		}
		seen := it.s.State
		return it.at <= last.T+slack || seen == last.Transition.State ||
			last.Transition.State == closeState &&
				(seen == closed || seen == timeWait || seen == finWait2)
	}
	return true
}

// stillConnecting returns the ends of a socket of which the only transition, to SYN_SENT, was before
// it had a port.
func (h *host) stillConnecting(r *record, part []int) ends {
	if len(part) != 1 {
		return ends{}
	}
	if at, ok := h.cookieEnds[r.cookie]; ok {
		return at
	}
	e := &h.t.Events[part[0]]
	remote, err := netip.ParseAddrPort(e.Transition.Remote)
	if err != nil {
		return ends{}
	}
	for _, conn := range h.order {
		if conn.remote != netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()) {
			continue
		}
		for _, it := range conn.items {
			if it.kind == sent && it.at >= e.T-slack && it.at-e.T < time.Millisecond {
				return conn.ends
			}
		}
	}
	return ends{}
}

// failed reports whether a connect found no port or no route: the socket is in SYN_SENT while
// tcp_v4_connect looks for one, but nobody can find it.
func (h *host) failed(part []int) bool {
	first, last := &h.t.Events[part[0]], &h.t.Events[part[len(part)-1]]
	return len(part) == 2 && first.Transition.State == synSent &&
		last.Transition.State == closeState && last.T-first.T < time.Millisecond
}

// mayListen reports whether there may have been a listener of a port.
func (h *host) mayListen(at netip.AddrPort) bool {
	return !h.exact && h.programs >= 0 || len(h.listening[at.Port()]) > 0 || len(h.listening[0]) > 0
}

// stopsListening reports whether a listener of a port was seen to end during a time.
func (h *host) stopsListening(at netip.AddrPort, from, to time.Duration) bool {
	for _, r := range h.listening[at.Port()] {
		for _, p := range h.listenerPath(r) {
			if p.State == closed && from <= p.From && p.From <= to {
				return true
			}
		}
	}
	return false
}

// lifeOf returns the life that a socket of these ends has, by cookie or else by the time of its
// first transition, and when the next one began (-1 if there is none). Sockets ask in the order of
// these times, so what is left before is nobody's: a SYN may be captured long after SYN_SENT.
//
// One that began after until is that of a later socket, of the same descriptor or of another.
func (h *host) lifeOf(
	lives []*life, cookie uint64, at, until time.Duration,
) (*life, time.Duration) {
	best := -1
	for i, l := range lives {
		if l.taken || l.broken || l.items[0].at > until {
			continue
		}
		if l.cookie == cookie && cookie != 0 {
			best = i
			break
		}
		if best < 0 && l.cookie == 0 && (i+1 == len(lives) || lives[i+1].items[0].at > at) {
			best = i
		}
	}
	if best < 0 {
		return nil, -1
	}
	next := time.Duration(-1)
	if best+1 < len(lives) {
		next = lives[best+1].items[0].at
	}
	return lives[best], next
}

// request returns the time of a request, before the ACK at a time made a socket of it.
func (l *life) request(at time.Duration) Phase {
	p := Phase{State: synRecv, Earliest: at, From: at, Source: ByKernel, Event: -1}
	for i := range l.items {
		it := &l.items[i]
		if it.at >= p.From {
			break
		}
		if it.kind == received && it.d.Flags&packet.SYN != 0 && !l.conn.host.output {
			p.Earliest = min(p.Earliest, it.at) // its SYN-ACK may not have been captured
		}
		if it.kind == sent && isSYNACK(it.d) || it.kind == sample && it.s.State == synRecv {
			p.Earliest = min(p.Earliest, it.at)
			if it.kind == sent && l.conn.host.cookies {
				continue // a SYN cookie is no request
			}
			p.From, p.Event, p.Source = it.at, it.event, ByPacket
			if it.kind == sample {
				p.Source = BySample
			}
			break
		}
	}
	return p
}

func isSYNACK(d *packet.Decoded) bool {
	return d.Flags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN|packet.ACK
}

// remnant returns the state of what is left of a socket when it goes to CLOSE: TIME_WAIT or
// FIN_WAIT2 of a small object that takes its place (tcp_time_wait of net/ipv4/tcp_minisocks.c), or
// CLOSED. A socket in FIN_WAIT2 goes to TIME_WAIT as soon as the FIN comes (tcp_fin): nothing else
// can happen to it between the two.
func (h *host) remnant(cookie uint64, t *trace.Transition, l *life, at time.Duration) string {
	switch {
	case t.From == finWait2 && t.FINReceived:
		return timeWait
	case t.Errno != "" || h.sentReset(cookie, l, at):
		return closed
	case t.From == closing && t.FINReceived:
		return timeWait
	case t.From == finWait2:
		return finWait2
	}
	return closed
}

// sentReset reports whether a socket sent a RST right after it went to CLOSE at a time: it was
// aborted.
func (h *host) sentReset(cookie uint64, l *life, at time.Duration) bool {
	const near = 200 * time.Microsecond
	is := func(t time.Duration) bool { return at-slack <= t && t <= at+near }
	if slices.ContainsFunc(h.resets[cookie], is) {
		return true
	}
	return l != nil && slices.ContainsFunc(l.items, func(it item) bool {
		return it.kind == sent && it.d.Flags&packet.RST != 0 && is(it.at)
	})
}

// remains returns the paths of a socket that went to CLOSE at a time, which path says: with the end
// of the small object that took its place, if one did.
func (l *life) remains(path []Phase, next, at time.Duration) [][]Phase {
	h := l.conn.host
	last := &path[len(path)-1]
	if last.State == closed {
		return [][]Phase{path}
	}
	seen, fin, acked, waited := false, -1, false, -1
	alive, took := l.lastSeen(), uint32(0)
	end := Phase{State: closed, Earliest: max(at, alive), From: -1, Source: BySample, Event: -1}
	close := func(at time.Duration, by Source, event int) {
		if end.From < 0 && at >= end.Earliest {
			end.From, end.Source, end.Event = at, by, event
		}
	}
	for i := range l.items {
		it := &l.items[i]
		if it.kind == sample && it.s.State == timeWait {
			seen, acked = true, true // a look has the time of its beginning
			if waited < 0 {
				waited = i
			}
		}
		if it.kind == sent && it.d.Flags&(packet.ACK|packet.RST) == packet.ACK &&
			(took == 0 || after(it.d.Ack, took)) {
			took = it.d.Ack
		}
		if it.at <= at && (h.input || it.kind != received) {
			continue // else it may have been kept until then
		}
		if end.From >= 0 {
			break
		}
		switch {
		case it.kind == sample && it.s.State == closed:
			close(it.at, BySample, it.event)
		case it.kind == sample:
			seen = seen || it.s.State == finWait2
		case it.kind == received && it.d.Flags&packet.RST != 0:
			if it.d.Seq == took && (l.lost() || next >= 0) {
				close(it.at, ByPacket, it.event)
			}
		case it.kind == received && it.d.Flags&packet.FIN != 0 && fin < 0:
			fin = i
		case it.kind == sent && fin >= 0 && it.d.Flags&packet.ACK != 0:
			acked = acked || after(it.d.Ack, finEnd(l.items[fin].d))
		}
	}
	all := [][]Phase{path}
	if last.State == finWait2 && (fin >= 0 || waited >= 0) {
		with := append(slices.Clip(path), l.waits(fin, waited, at, end.From))
		if all = append(all, with); acked {
			all = all[1:]
		}
	}
	if next >= 0 {
		close(next, ByPacket, -1)
	}
	if !seen && h.overflow > 0 && last.State == timeWait {
		// There may have been no room for it. If nothing ended it and the last look did not find
		// it, there was none: it would have lasted a minute.
		without := slices.Clone(path)
		without[len(without)-1].State = closed
		all = append(all, without)
		if end.From < 0 && h.whole && at < h.looked {
			all = all[1:]
		}
	}
	if l.lost() && h.whole && at < h.looked {
		close(h.lookAfter(at), BySample, -1) // no look found it
	}
	if end.From >= 0 {
		for i, p := range all {
			if p[len(p)-1].State != closed {
				all[i] = append(slices.Clip(p), end)
			}
		}
	}
	return all
}

// waits returns the TIME_WAIT of a socket of which only FIN_WAIT2 was left at a time: item fin is the
// peer's FIN, waited the first look that saw TIME_WAIT (-1 if there is none), gone when the socket
// was gone.
func (l *life) waits(fin, waited int, at, gone time.Duration) Phase {
	if fin < 0 {
		w := &l.items[waited]
		return Phase{State: timeWait, Earliest: at, From: w.at, Source: BySample, Event: w.event}
	}
	f := &l.items[fin]
	p := Phase{State: timeWait, Earliest: max(f.at, at), From: f.at, Source: ByPacket, Event: f.event}
	if l.conn.host.input {
		return p
	}
	switch {
	case waited >= 0:
		p.From = l.items[waited].at
	case gone >= 0:
		p.From = gone
	default:
		p.From = l.conn.host.ended
	}
	p.From = max(p.From, p.Earliest)
	return p
}

// lastSeen returns the time of the last look that saw the life's socket; -1 if none did.
func (l *life) lastSeen() time.Duration {
	last := time.Duration(-1)
	for i := range l.items {
		if it := &l.items[i]; it.kind == sample && it.s.State != closed {
			last = it.at
		}
	}
	return last
}

// lost reports whether the last sample of the life, if there is one, says that it is gone.
func (l *life) lost() bool {
	for i := len(l.items) - 1; i >= 0; i-- {
		if l.items[i].kind == sample {
			return l.items[i].s.State == closed
		}
	}
	return true
}

func finEnd(d *packet.Decoded) uint32 { return d.Seq + uint32(d.PayloadLen) + 1 }
