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
	// reset is when a RST came in. resets is true if it has the number that ends a connection
	// (RFC 5961, section 3.2).
	reset      time.Duration
	resetEvent int
	resets     bool
	// fatal is true if it surely ended the connection: the socket had taken all before it.
	fatal bool
	// failed is when a system call returned the error that ended the connection.
	failed      time.Duration
	failedEvent int
	// sent is when the last segment but RSTs was sent.
	sent time.Duration
	// fastOpen is true if a SYN that came in may have carried data, opensFast if one that was sent
	// may have.
	fastOpen, opensFast bool
	// handshakeFits and finAckedFits are true if handshake and finAcked are segments that a socket
	// takes. expected is the number after the last byte that came in, without a gap.
	handshakeFits, finAckedFits bool
	expected                    uint32
	// finAckMet is true if the kernel did not answer finAcked with a RST, as it does where there is
	// no socket any more.
	finAckMet bool
	// edge is the right edge of the window that the socket advertised.
	edge    uint32
	hasEdge bool
	scale   uint8
	// last is the time of the last item.
	last time.Duration
	// synACKs counts the SYN-ACKs that were sent, the first of them at answered.
	synACKs  int
	answered time.Duration
	// heardAnything is true once a packet came or went.
	heardAnything bool
}

// arrival is a packet that came in. syn is true if it has the flag SYN: a request does not take it.
type arrival struct {
	at    time.Duration
	event int
	syn   bool
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
	// follows is true if everything before it had come in.
	follows bool
}

func newHeard(l *life) heard {
	return heard{
		syn: -1, synACK: -1, handshake: -1, finAcked: -1, reset: -1, failed: -1, open: true,
		next: l.iss + 1, acked: l.iss + 1, expected: l.irs + 1, last: l.items[0].at,
		opensFast: slices.ContainsFunc(l.items, func(it item) bool {
			return it.kind == sent && it.d.Flags&packet.SYN != 0 && it.d.Options.FastOpen
		}),
	}
}

// hears takes a packet into account.
func (n *inference) hears(i int) {
	it := &n.life.items[i]
	n.heardAnything = n.heardAnything || it.d != nil
	switch it.kind {
	case sent:
		n.hearsSent(it)
	case received:
		n.hearsReceived(i)
	default:
	}
}

func (n *inference) hearsSent(it *item) {
	d := it.d
	if d.Flags&packet.RST != 0 {
		return
	}
	n.sent = it.at
	end := d.Seq + uint32(d.PayloadLen)
	if d.Flags&packet.SYN != 0 {
		end++
	}
	if isSYNACK(d) {
		if n.synACKs == 0 {
			n.answered = it.at
		}
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
	switch {
	case d.Flags&packet.SYN != 0:
		n.scale = uint8(max(d.Options.WindowScale, 0))
	case d.Flags&packet.ACK != 0:
		if edge := d.Ack + uint32(d.Window)<<n.scale; !n.hasEdge || after(edge, n.edge) {
			n.edge, n.hasEdge = edge, true
		}
	}
}

func (n *inference) hearsReceived(i int) {
	l := n.life
	it := &l.items[i]
	d := it.d
	flags := d.Flags
	switch {
	case flags&packet.RST != 0:
		if !n.resets || n.sent > n.reset {
			n.reset, n.resetEvent = it.at, it.event
			n.resets = !n.hasTook || d.Seq == n.took
			n.fatal = n.host.input && n.hasTook && d.Seq == n.took && d.Seq == n.expected
		}
		return
	case flags&(packet.SYN|packet.ACK) == packet.SYN:
		n.syn, n.synEvent = it.at, it.event
		n.fastOpen = n.fastOpen || d.Options.FastOpen
		return
	case flags&packet.SYN != 0:
		n.open = d.Window > 0
		if l.hasISS && after(d.Ack, l.iss+1) && after(n.next, d.Ack) && !n.refused(i) {
			if n.synACK < 0 {
				n.synACK, n.synACKEvent = it.at, it.event
			}
			n.hearsACK(arrival{it.at, it.event, true}) // both sides opened
		}
		return
	case flags&packet.ACK == 0:
		return
	}
	n.open = d.Window > 0
	// Whether the handshake has ended only matters until it has.
	opens := l.hasISS && after(d.Ack, l.iss+1) && slices.ContainsFunc(n.ways, func(w way) bool {
		return w.state() == none || w.state() == synRecv
	})
	if opens && !n.refused(i) {
		if n.handshake < 0 {
			n.handshake, n.handshakeEvent = it.at, it.event
			n.handshakeFits = l.hasIRS && d.Seq == l.irs+1 && !after(d.Ack, n.next+1)
		}
		n.hearsACK(arrival{it.at, it.event, false})
	}
	if after(d.Ack, n.acked) {
		n.acked = d.Ack
	}
	covers := n.hasOwnFIN && after(d.Ack, n.ownFIN+1)
	inOrder := l.hasIRS && !after(d.Seq, n.expected+1) && after(d.Seq, l.irs+1)
	if covers && n.finAcked < 0 {
		n.finAcked, n.finAckedEvent = it.at, it.event
		n.finAckedFits = inOrder && d.Seq == n.expected
		n.finAckMet = !n.refused(i)
	}
	if flags&packet.FIN != 0 {
		f := peerFIN{
			at: it.at, event: it.event, after: d.Seq + uint32(d.PayloadLen) + 1, covers: covers,
			follows: inOrder,
		}
		if n.mayAccept(d) && len(n.fins) < mostArrivals {
			n.fins = append(n.fins, f)
		}
	}
	if end := d.Seq + uint32(d.PayloadLen); inOrder && after(end, n.expected) {
		n.expected = end
	}
}

// hearsACK notes an ACK of the SYN that was sent, if the handshake may not have ended.
func (n *inference) hearsACK(a arrival) {
	if !slices.ContainsFunc(n.ways, func(w way) bool { return w.state() == synRecv }) {
		return
	}
	if len(n.acks) == mostArrivals {
		n.acks = n.acks[1:]
	}
	n.acks = append(n.acks, a)
}

// mayAccept reports whether a FIN is neither old nor of another connection between the same ends:
// whether it fits the window.
func (n *inference) mayAccept(d *packet.Decoded) bool {
	end := d.Seq + uint32(d.PayloadLen)
	switch {
	case n.hasTook && after(n.took, end+1):
		return false
	case n.life.hasIRS && !after(d.Seq, n.life.irs) && (!n.hasTook || !after(end, n.took)):
		return false
	case n.host.output && n.hasEdge:
		return after(n.edge, d.Seq)
	}
	return true
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

// tookFIN reports whether a segment may acknowledge a FIN of the peer, which the socket has then
// processed, and whether nothing but that FIN explains the number. Data after a FIN show that it
// was not the end: somebody else sent it.
func (n *inference) tookFIN(d *packet.Decoded) (may, must bool) {
	if d.Flags&packet.ACK == 0 {
		return false, false
	}
	for _, f := range n.fins {
		if after(d.Ack, f.after) {
			may = true
			must = must || d.Ack == f.after && !after(n.expected, f.after)
		}
	}
	return may, must
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
	s := w.state()
	to := func(state string, cause time.Duration, event int) {
		if cause < 0 || n.requestOnly && state != synRecv {
			return
		}
		next := *w
		// What a socket receives it takes at once, unless something keeps it on its way, or the
		// socket then showed that it had not: a part before it was missing.
		if from := max(cause, w.pinned); from > cause || !n.host.input {
			next.enter(state, from, at, ByPacket, event)
			next.path[len(next.path)-1].unsure = true
		} else {
			next.enter(state, cause, cause, ByPacket, event)
			last := &next.path[len(next.path)-1]
			last.byACK = s == synRecv && n.host.defers && w.path[0].State == synRecv
			last.unsure = last.byACK
		}
		yield(next)
	}
	if w.due {
		return // close sends the FIN before anything else can happen to the socket
	}
	switch s {
	case none:
		if !n.host.output && n.host.mayListen(n.life.conn.local) {
			// Its SYN-ACK may have been taken away before the capture.
			to(synRecv, n.syn, n.synEvent)
		}
		if n.host.cookies && n.handshake >= 0 && !n.requestOnly {
			next := *w
			next.enter(synRecv, min(n.answered, n.handshake), n.handshake, ByPacket, n.handshakeEvent)
			next.enter(established, n.handshake, n.handshake, ByPacket, n.handshakeEvent)
			next.path[1].byACK, next.path[1].unsure = n.host.defers, n.host.defers
			if !n.host.input {
				for k := range next.path {
					next.path[k].From, next.path[k].unsure, next.path[k].byACK = at, true, false
				}
			}
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
			if a.at > w.pinned && (!a.syn || w.path[0].State == synSent) {
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
		if f, ok := n.firstFIN(true); ok && !(f.at > n.finAcked && n.mustMove(w)) {
			to(closing, f.at, f.event)
		}
	case closing, lastAck:
		if w.fin {
			to(map[string]string{closing: timeWait, lastAck: closed}[s], n.finAcked, n.finAckedEvent)
		}
	}
	if s == established || s == closeWait || s == synRecv && n.isSocket(w) {
		n.programCloses(w, at, yield)
	}
	if n.mustMove(w) {
		return
	}
	// A RST, a timeout or an abort may end it at any time.
	next := *w
	next.enter(closed, n.last, at, BySample, -1)
	yield(next)
}

// mustMove reports whether a socket certainly took a segment that moves it on from its state:
// whatever came in later found it in the next one. A socket that its program aborts meanwhile sends
// a RST.
func (n *inference) mustMove(w *way) bool {
	if !n.host.input || !n.host.output {
		return false
	}
	switch s := w.state(); s {
	case synRecv:
		return !n.host.defers && !n.host.cookies && n.handshakeFits && n.handshake > w.pinned
	case established, finWait2:
		f, ok := n.firstFIN(false)
		return ok && f.follows && f.at > w.pinned && (s == established || n.host.overflow == 0)
	case finWait1, closing:
		return w.fin && n.finAckedFits && n.finAcked > w.pinned &&
			(s == finWait1 || n.host.overflow == 0)
	}
	return false
}

// programCloses yields the way on which the program closes the sending side, if it may have.
func (n *inference) programCloses(w *way, at time.Duration, yield func(way)) {
	from, ok := n.closedFrom(at)
	if !ok || n.requestOnly {
		return
	}
	next := *w
	next.due = n.host.output && n.host.input && n.open && n.next == n.acked &&
		w.state() != synRecv
	state := finWait1
	if w.state() == closeWait {
		state = lastAck
	}
	next.enter(state, from, at, ByStep, -1)
	next.path[len(next.path)-1].unsure = true
	yield(next)
}

// isSocket reports whether a way in SYN_RECV is that of a whole socket, which a program may have,
// not of a request.
func (n *inference) isSocket(w *way) bool { return n.fastOpen || w.path[0].State == synSent }

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
		if n.life.mayEnd(&c) && c.from <= at {
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
			w.enter(synSent, n.connectFrom(it), it.at, ByPacket, it.event)
			return true
		}
		return s == synSent || s != none && !n.host.output && w.path[0].State == synSent
	case d.Flags&packet.SYN != 0:
		switch {
		case s == none && n.host.cookies, s == synRecv:
			return true
		case s == finWait1 && w.path[len(w.path)-2].State == synRecv:
			return true // closed before the handshake ended
		case s == none, s == synSent:
			w.enter(synRecv, n.sentFrom(w, it), it.at, ByPacket, it.event)
			return true
		case !n.host.output && slices.ContainsFunc(w.path,
			func(p Phase) bool { return p.State == synRecv }):
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
		// answer.
		return s != established && s != closeWait || !n.host.output
	}
	request := s == synRecv && !n.isSocket(w)
	if w.due || s == none || s == synSent || request {
		return false
	}
	if s != closed {
		w.enter(closed, n.sentFrom(w, it), it.at, ByPacket, it.event)
	}
	return true
}

// sentFrom returns when a packet was sent at the earliest: something may have kept it before it was
// captured.
func (n *inference) sentFrom(w *way, it *item) time.Duration {
	k := len(w.path) - 1
	switch {
	case n.host.output:
		return it.at
	case k >= 0:
		return w.path[k].Earliest
	}
	return min(it.at, max(n.life.conn.opened(it.at), n.syn, 0))
}

// connectFrom returns when the socket that sent a SYN came to SYN_SENT at the earliest: the SYN may
// have waited for the address of a neighbour.
func (n *inference) connectFrom(it *item) time.Duration {
	if opened := n.life.conn.opened(it.at); opened >= 0 {
		return opened
	}
	if n.host.programs < 0 {
		return it.at
	}
	earliest := n.host.programs
	if k, _ := slices.BinarySearch(n.host.looks, it.at); k > 0 {
		earliest = max(earliest, n.host.looks[k-1])
	}
	return min(it.at, earliest)
}

// sendsSegment is sends for a segment without SYN and RST. Whatever a socket sends acknowledges
// everything that it has processed.
func (n *inference) sendsSegment(w *way, it *item) bool {
	d := it.d
	fin := d.Flags&packet.FIN != 0
	if w.due && !fin {
		return false
	}
	for k := len(w.path) - 1; k >= 0; k-- {
		if n.sendsIn(w, k, d) {
			if fin && !w.fin && k == len(w.path)-1 {
				w.begunBy(it.at)
			}
			if fin {
				w.fin, w.due = true, false
			}
			return true
		}
		if n.host.output {
			break // else it may have been sent before the socket came to its state
		}
	}
	return false
}

// sendsIn reports whether a socket may send a segment without SYN and RST in phase k of a way.
func (n *inference) sendsIn(w *way, k int, d *packet.Decoded) bool {
	fin := d.Flags&packet.FIN != 0
	may, must := n.tookFIN(d)
	bare := !fin && d.PayloadLen == 0
	switch w.path[k].State {
	case established:
		return !fin && !must
	case finWait1:
		return !must
	case finWait2:
		return bare && !must
	case closeWait:
		return !fin && may
	case lastAck, closing:
		return may
	case timeWait:
		return bare && may
	case closed:
		// With no room for a TIME_WAIT the socket acknowledges the FIN and is gone.
		return bare && may && n.host.overflow > 0 && k > 0 &&
			(w.path[k-1].State == finWait2 || w.path[k-1].State == closing)
	case synRecv:
		// A request answers a segment that does not fit by a bare ACK (tcp_check_req).
		return bare && !must && n.life.hasIRS && d.Ack == n.life.irs+1
	}
	return false
}
