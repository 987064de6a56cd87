package proof

import (
	"slices"
	"time"

	"halfopen/internal/packet"
)

// heard is what the packets of a life have shown so far. Times are -1 before that.
type heard struct {
	// syn, synACK and handshake are when a SYN, a SYN-ACK and the ACK of a SYN-ACK came in.
	syn, synACK, handshake                time.Duration
	synEvent, synACKEvent, handshakeEvent int
	// acks are when ACKs of the SYN that was sent came in, while the handshake may not have ended.
	acks []arrival
	// fins are the FINs that came in and were not old.
	fins []peerFIN
	// finAcked is when an acknowledgement of the FIN that was sent came in.
	finAcked      time.Duration
	finAckedEvent int
	ownFIN        uint32
	hasOwnFIN     bool
	// next is the number after the highest one sent, acked the highest one acknowledged, took the
	// highest acknowledgement sent.
	next, acked, took uint32
	hasTook           bool
	// open is true if the peer's window is not 0.
	open bool
	// reset is when a RST came in.
	reset      time.Duration
	resetEvent int
	// failed is when a system call returned the error that ended the connection.
	failed      time.Duration
	failedEvent int
	// odd is true if the last segment that came in does not follow the SYN.
	odd      bool
	fastOpen bool
	// last is the time of the last item.
	last time.Duration
	// lastEvent and lastAck are the last segment that came in, and what it acknowledged.
	lastEvent int
	lastAck   uint32
	// synACKs counts the SYN-ACKs that were sent.
	synACKs int
	// heardAnything is true once a packet came or went.
	heardAnything bool
}

// arrival is a packet that came in.
type arrival struct {
	at    time.Duration
	event int
}

// mostArrivals is how many repeated packets are remembered, the last ones.
const mostArrivals = 64

// peerFIN is a FIN that came in.
type peerFIN struct {
	at    time.Duration
	event int
	// after is the sequence number after it.
	after uint32
	// covers is true if it acknowledges the FIN that was sent.
	covers bool
}

func newHeard(l *life) heard {
	return heard{
		syn: -1, synACK: -1, handshake: -1, finAcked: -1, reset: -1, failed: -1, open: true,
		next: l.iss + 1, acked: l.iss + 1, last: l.items[0].at,
	}
}

// hears takes a packet into account.
func (n *inference) hears(it *item) {
	n.heardAnything = n.heardAnything || it.d != nil
	switch it.kind {
	case sent:
		n.hearsSent(it.d)
	case received:
		n.hearsReceived(it)
	default:
	}
}

func (n *inference) hearsSent(d *packet.Decoded) {
	if d.Flags&packet.RST != 0 {
		return
	}
	end := d.Seq + uint32(d.PayloadLen)
	if d.Flags&packet.SYN != 0 {
		end++
	}
	if isSYNACK(d) {
		n.synACKs++
	}
	if d.Flags&packet.FIN != 0 {
		n.ownFIN, n.hasOwnFIN = end, true
		end++
	}
	if after(end, n.next) {
		n.next = end
	}
	if d.Flags&packet.ACK != 0 && (!n.hasTook || after(d.Ack, n.took)) {
		n.took, n.hasTook = d.Ack, true
	}
}

func (n *inference) hearsReceived(it *item) {
	d, l := it.d, n.life
	flags := d.Flags
	n.lastEvent, n.lastAck = it.event, d.Ack
	n.odd = flags&packet.SYN != 0 || l.hasIRS && d.Seq != l.irs+1
	switch {
	case flags&packet.RST != 0:
		n.reset, n.resetEvent = it.at, it.event
		return
	case flags&(packet.SYN|packet.ACK) == packet.SYN:
		n.syn, n.synEvent = it.at, it.event
		n.fastOpen = n.fastOpen || d.Options.FastOpen
		return
	case flags&packet.SYN != 0:
		if l.hasISS && d.Ack == l.iss+1 && n.synACK < 0 {
			n.synACK, n.synACKEvent = it.at, it.event
		}
		if l.hasISS && d.Ack == l.iss+1 && n.anyWay(opensToo) {
			n.acksSYN(it)
		}
		return
	case flags&packet.ACK == 0:
		return
	}
	n.open = d.Window > 0
	if l.hasISS && after(d.Ack, l.iss+1) {
		if n.handshake < 0 {
			n.handshake, n.handshakeEvent = it.at, it.event
		}
		if n.anyWay(func(w way) bool { return w.state() == synRecv }) {
			n.acksSYN(it)
		}
	}
	if after(d.Ack, n.acked) {
		n.acked = d.Ack
	}
	covers := n.hasOwnFIN && after(d.Ack, n.ownFIN+1)
	if covers && n.finAcked < 0 {
		n.finAcked, n.finAckedEvent = it.at, it.event
	}
	if flags&packet.FIN != 0 {
		f := peerFIN{
			at: it.at, event: it.event, after: d.Seq + uint32(d.PayloadLen) + 1, covers: covers,
		}
		if !n.hasTook || !after(n.took, f.after) {
			n.fins = append(n.fins, f)
		}
	}
}

func (n *inference) anyWay(is func(way) bool) bool { return slices.ContainsFunc(n.ways, is) }

// opensToo reports whether a socket came to SYN_RECV after a SYN of its own: both sides opened. The
// peer's SYN-ACK ends its handshake (tcp_validate_incoming; a request takes no SYN-ACK).
func opensToo(w way) bool { return w.state() == synRecv && w.path[0].State == synSent }

// acksSYN notes an acknowledgement of the SYN that was sent.
func (n *inference) acksSYN(it *item) {
	if len(n.acks) == mostArrivals {
		n.acks = n.acks[1:]
	}
	n.acks = append(n.acks, arrival{it.at, it.event})
}

// firstFIN returns the first FIN that came in and, if crossing, does not acknowledge the one that
// was sent.
func (n *inference) firstFIN(crossing bool) (peerFIN, bool) {
	for _, f := range n.fins {
		if !crossing || !f.covers {
			return f, true
		}
	}
	return peerFIN{}, false
}

// tookFIN reports whether a segment acknowledges a FIN of the peer: the socket has processed it.
func (n *inference) tookFIN(d *packet.Decoded) bool {
	return d.Flags&packet.ACK != 0 && slices.ContainsFunc(n.fins,
		func(f peerFIN) bool { return after(d.Ack, f.after) })
}

// mostWays bounds how many ways are followed at once. A plain connection has fewer than ten.
const mostWays = 256

// spread adds the ways that are open until a time by what the socket has received and what its
// program may have done.
func (n *inference) spread(at time.Duration) {
	seen := make(map[string]bool, len(n.ways))
	for i := range n.ways {
		seen[n.ways[i].key()] = true
	}
	for i := 0; i < len(n.ways) && len(n.ways) < mostWays; i++ {
		n.moves(&n.ways[i], at, func(w way) {
			if k := w.key(); !seen[k] {
				seen[k] = true
				n.ways = append(n.ways, w)
			}
		})
	}
}

// moves yields the ways that a way may go on without a packet of its own: TCP's state machine.
func (n *inference) moves(w *way, at time.Duration, yield func(way)) {
	to := func(state string, cause time.Duration, event int) {
		if cause < 0 || n.requestOnly && state != synRecv {
			return
		}
		next := *w
		cause = max(cause, w.pinned)
		next.enter(state, cause, cause, ByPacket, event)
		yield(next)
	}
	s := w.state()
	if w.due {
		return // close sends the FIN before anything else can happen to the socket
	}
	switch s {
	case none:
		if !n.host.output { // its SYN-ACK may have been taken away before the capture
			to(synRecv, n.syn, n.synEvent)
		}
		if n.host.cookies && n.handshake >= 0 && !n.requestOnly {
			next := *w
			next.enter(synRecv, n.handshake, n.handshake, ByPacket, n.handshakeEvent)
			next.enter(established, n.handshake, n.handshake, ByPacket, n.handshakeEvent)
			yield(next)
		}
		return
	case closed, Unknown:
		return
	case synSent:
		to(established, n.synACK, n.synACKEvent)
		to(synRecv, n.syn, n.synEvent)
	case synRecv:
		for _, a := range n.acks {
			if a.at > w.pinned {
				to(established, a.at, a.event)
				break
			}
		}
		if k := len(n.acks) - 1; k >= 0 && !n.host.input && n.acks[k].at <= w.pinned {
			to(established, w.pinned, n.acks[k].event) // it may have been held after the capture
		}
	case established, finWait2:
		if f, ok := n.firstFIN(false); ok {
			to(map[string]string{established: closeWait, finWait2: timeWait}[s], f.at, f.event)
		}
	case finWait1:
		if w.fin {
			to(finWait2, n.finAcked, n.finAckedEvent)
		}
		if f, ok := n.firstFIN(true); ok {
			to(closing, f.at, f.event)
		}
	case closing, lastAck:
		if w.fin {
			to(map[string]string{closing: timeWait, lastAck: closed}[s], n.finAcked, n.finAckedEvent)
		}
	}
	if s == established || s == closeWait {
		n.programCloses(w, at, yield)
	}
	// A RST, a timeout or an abort may end it at any time.
	next := *w
	next.enter(closed, n.last, at, BySample, -1)
	yield(next)
}

// programCloses yields the way on which the program closes the sending side, if it may have.
func (n *inference) programCloses(w *way, at time.Duration, yield func(way)) {
	from, ok := n.closedFrom(at)
	if !ok || n.requestOnly {
		return
	}
	next := *w
	next.due = n.host.output && n.open && n.next == n.acked
	state := finWait1
	if w.state() == closeWait {
		state = lastAck
	}
	next.enter(state, from, at, ByStep, -1)
	yield(next)
}

func (n *inference) mayClose(at time.Duration) bool {
	_, ok := n.closedFrom(at)
	return ok
}

// closedFrom returns when the program may have closed the sending side at the earliest; it is false
// if it cannot have done so before at.
func (n *inference) closedFrom(at time.Duration) (time.Duration, bool) {
	conn := n.life.conn
	if conn.owner == "" {
		// Either a program has it, or nobody yet: a connection that waits for accept is reset.
		if n.host.programs < 0 || at < n.host.programs {
			return 0, false
		}
		return max(n.last, n.host.programs), true
	}
	for _, c := range conn.closings {
		if c.to+slack >= n.life.items[0].at && c.from <= at {
			return max(c.from, n.life.items[0].at), true
		}
	}
	return 0, false
}

// sends reports whether a socket on this way may have sent a packet, and moves the way to the state
// that the packet shows.
func (n *inference) sends(w *way, it *item) bool {
	d, s := it.d, w.state()
	switch {
	case d.Flags&packet.RST != 0:
		return n.sendsReset(w, it)
	case d.Flags&packet.SYN != 0 && d.Flags&packet.ACK == 0:
		if s == none && !n.requestOnly {
			w.enter(synSent, it.at, it.at, ByPacket, it.event)
			return true
		}
		return s == synSent
	case d.Flags&packet.SYN != 0:
		switch {
		case s == none && n.host.cookies, s == synRecv:
			return true
		case s == none, s == synSent:
			w.enter(synRecv, it.at, it.at, ByPacket, it.event)
			return true
		}
		// The timer may have sent it while the last ACK of the handshake was being taken.
		return s != closed && it.at-w.path[len(w.path)-1].From < time.Millisecond
	default:
		return n.sendsSegment(w, it)
	}
}

// sendsReset is sends for a RST.
func (n *inference) sendsReset(w *way, it *item) bool {
	s := w.state()
	if !activeReset(it.d) {
		// Sent without a socket, or by one that stays as it is. An established one has no such
		// answer, and the ACK that is answered so has not established one.
		return s != established && s != closeWait && !slices.ContainsFunc(w.path,
			func(p Phase) bool {
				return p.State == established && p.Source == ByPacket &&
					p.Event == n.lastEvent && n.lastAck == it.d.Seq
			})
	}
	request := s == synRecv && !n.fastOpen && w.path[0].State != synSent
	if w.due || s == none || s == synSent || request {
		return false
	}
	if s != closed {
		w.enter(closed, it.at, it.at, ByPacket, it.event)
	}
	return true
}

// sendsSegment is sends for a segment without SYN and RST. Whatever a socket sends acknowledges
// everything that it has processed.
func (n *inference) sendsSegment(w *way, it *item) bool {
	d := it.d
	fin, took := d.Flags&packet.FIN != 0, n.tookFIN(d)
	bare := !fin && d.PayloadLen == 0
	fits := false
	switch w.state() {
	case established:
		fits = !fin && !took
	case finWait1:
		fits = !took
	case finWait2:
		fits = bare && !took
	case closeWait:
		fits = !fin && took
	case lastAck, closing:
		fits = took
	case timeWait:
		fits = bare && took
	case closed:
		// With no room for a TIME_WAIT the socket acknowledges the FIN and is gone.
		before := len(w.path) - 2
		fits = bare && took && n.host.overflow > 0 && before >= 0 &&
			(w.path[before].State == finWait2 || w.path[before].State == closing)
	case synRecv:
		// A request answers a segment that does not fit by a bare ACK (tcp_check_req).
		fits = bare && !took && n.odd && n.life.hasIRS && d.Ack == n.life.irs+1
	}
	if !fits || w.due && !fin {
		return false
	}
	if fin && !w.fin {
		w.fin, w.due = true, false
		w.begunBy(it.at)
	}
	return true
}
