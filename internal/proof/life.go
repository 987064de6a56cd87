package proof

import (
	"slices"

	"halfopen/internal/packet"
)

// life is one incarnation of a connection: what lies between its SYN and the next connection of the
// same ends.
type life struct {
	conn  *connection
	items []item
	// iss and irs are the initial sequence numbers of this side and of the peer, if known.
	iss, irs       uint32
	hasISS, hasIRS bool
	// opens is true if this side sent a SYN of its own.
	opens bool
	// refused is true if a RST that no socket sent answered it.
	refused bool
	// cookie is its socket's, 0 if no sample shows it.
	cookie uint64
	// broken is true if its transitions are not complete.
	broken bool
	// taken is true once a socket with transitions has it.
	taken bool
}

// lives takes a connection apart.
func (conn *connection) lives() []*life {
	var all []*life
	var cur *life
	begin := func() *life {
		cur = &life{conn: conn}
		if len(all) == 0 {
			cur.items = make([]item, 0, len(conn.items)) // mostly there is one
		}
		all = append(all, cur)
		return cur
	}
	cookies := map[uint64]*life{}
	// pending is a SYN that came in during another life: it begins the next one if it is answered.
	var pending *item
	for i := range conn.items {
		it := conn.items[i]
		switch {
		case it.kind == sample:
			l := cookies[it.s.Cookie]
			switch {
			case l != nil && l != cur && l.over() && cur.cookie == 0 && it.s.State != closed:
				l = cur // the same descriptor connected again
			case l != nil && l != cur && cur.opens && cur.cookie == 0 && it.s.State != closed:
				// It is alive, so the last SYN was its own, and an earlier one came late from the
				// socket before it.
				l.give(cur)
				l = cur
			case l != nil:
			case cur != nil && cur.wasRequest() && it.s.State != closed && it.s.State != synRecv:
				// The number that a look gave the request came too late for the socket.
				l = cur
				l.items = slices.DeleteFunc(l.items,
					func(i item) bool { return i.kind == sample && i.s.State == closed })
			case cur != nil && pending != nil && cur.cookie == 0 && conn.answers(i, pending.d):
				// The look took so long that it saw the socket of the next SYN.
				l = begin()
				l.irs, l.hasIRS = pending.d.Seq, true
				l.items, pending = append(l.items, *pending), nil
			case cur == nil, cur.cookie != 0 && cur.cookie != it.s.Cookie,
				it.s.State == synSent && cur.hasISS && cur.cookie == 0 && conn.opensAgain(i, cur.iss),
				it.s.Cookie == 0 && cur.over() && it.s.State != closed:
				l = begin()
			default:
				l = cur
			}
			if k := len(l.items) - 1; k >= 0 && l.items[k].kind == sample &&
				l.items[k].s.State == closed && it.s.State != closed && it.s.Cookie != 0 {
				// A look may miss a socket that moves from one of the kernel's tables to another.
				l.items = l.items[:k]
			}
			l.cookie = it.s.Cookie
			if it.s.Cookie != 0 {
				cookies[it.s.Cookie] = l
			}
			l.items = append(l.items, it)
			continue
		case it.kind == up || it.kind == eof || it.kind == down:
			s := conn.host.t.Events[it.event].Step
			if it.kind == up && s.Op == "connect" && s.Cookie != 0 && cur != nil && cur.cookie == 0 &&
				cookies[s.Cookie] == nil {
				cur.cookie, cookies[s.Cookie] = s.Cookie, cur
			}
			if l := cookies[s.Cookie]; s.Cookie != 0 && l != cur &&
				(l != nil || cur != nil && cur.cookie != 0) {
				continue // it is about the socket of another connection
			}
		case len(all) > 1 && it.late(cur, all[len(all)-2]):
			continue // something kept it, or sent it again, while the next connection began
		case it.kind == sent && it.d.Flags&(packet.SYN|packet.RST) == packet.SYN:
			if cur == nil || cur.hasISS && cur.iss != it.d.Seq || cur.refused {
				begin()
				if pending != nil && it.d.Flags&packet.ACK != 0 {
					cur.items = append(cur.items, *pending)
				}
			}
			pending = nil
			cur.opens = cur.opens || it.d.Flags&packet.ACK == 0
			cur.iss, cur.hasISS = it.d.Seq, true
			if it.d.Flags&packet.ACK != 0 {
				cur.irs, cur.hasIRS = it.d.Ack-1, true
			}
		case it.kind == received && it.d.Flags&(packet.SYN|packet.RST|packet.ACK) == packet.SYN:
			switch {
			case cur == nil, cur.refused:
				begin()
				cur.irs, cur.hasIRS = it.d.Seq, true
			case !cur.hasIRS: // both sides open, or a look saw the socket already
				cur.irs, cur.hasIRS = it.d.Seq, true
			case cur.irs != it.d.Seq && !cur.hasISS: // the one before was never answered
				begin()
				cur.irs, cur.hasIRS = it.d.Seq, true
			case cur.irs != it.d.Seq:
				pending = &conn.items[i]
			}
		case it.kind == received && it.d.Flags&(packet.SYN|packet.ACK) == packet.SYN|packet.ACK:
			if cur != nil && cur.hasISS && !cur.hasIRS && near(it.d.Ack, cur.iss+1) {
				cur.irs, cur.hasIRS = it.d.Seq, true
			}
		case it.kind == sent && it.d.Flags&packet.RST != 0:
			if cur != nil && !cur.hasISS && cur.cookie == 0 {
				cur.refused = true
			}
		}
		if cur == nil {
			begin()
		}
		cur.items = append(cur.items, it)
	}
	conn.owned = map[uint64]*life{}
	for _, l := range all {
		if l.cookie != 0 {
			conn.owned[l.cookie] = l
		}
	}
	return slices.DeleteFunc(all, func(l *life) bool { return len(l.items) == 0 })
}

// answers reports whether a SYN was answered while sample i was taken.
func (conn *connection) answers(i int, syn *packet.Decoded) bool {
	looked := conn.items[i].at + conn.items[i].s.Took + slack
	for _, it := range conn.items[i:] {
		if it.at > looked {
			break
		}
		if it.kind == sent && isSYNACK(it.d) && it.d.Ack == syn.Seq+1 {
			return true
		}
	}
	return false
}

// opensAgain reports whether a SYN with another number than iss was sent while sample i was taken: the
// sample may be of its socket.
func (conn *connection) opensAgain(i int, iss uint32) bool {
	looked := conn.items[i].at + conn.items[i].s.Took + slack
	for _, it := range conn.items[i:] {
		if it.at > looked {
			break
		}
		if it.kind == sent && it.d.Flags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN && it.d.Seq != iss {
			return true
		}
	}
	return false
}

// late reports whether a segment is one of the life before the current one: it has that one's
// numbers, not those of the current one.
func (it *item) late(cur, before *life) bool {
	if it.d.Flags&packet.SYN != 0 {
		return it.kind == sent && cur.hasISS && cur.iss != it.d.Seq && before.hasISS &&
			before.iss == it.d.Seq
	}
	of := func(l *life) bool {
		if it.kind == sent {
			return l.hasISS && near(it.d.Seq, l.iss)
		}
		return l.hasIRS && near(it.d.Seq, l.irs)
	}
	return !of(cur) && of(before)
}

// near reports whether a sequence number is at or after another, by no more than a connection of a
// test sends.
func near(seq, from uint32) bool { return after(seq, from) && seq-from < 1<<28 }

// give moves the samples of a life to the next one.
func (l *life) give(to *life) {
	isSample := func(it item) bool { return it.kind == sample }
	var samples []item
	for _, it := range l.items {
		if isSample(it) {
			samples = append(samples, it)
		}
	}
	l.items = slices.DeleteFunc(l.items, isSample)
	to.items = append(samples, to.items...)
	l.cookie = 0
}

// over reports whether the last sample of the life is its end.
func (l *life) over() bool {
	for i := len(l.items) - 1; i >= 0; i-- {
		if l.items[i].kind == sample {
			return l.items[i].s.State == closed
		}
	}
	return false
}

// wasRequest reports whether the life was seen, and as nothing but a request.
func (l *life) wasRequest() bool {
	seen := false
	for i := range l.items {
		if l.items[i].kind == sample && l.items[i].s.State != closed {
			seen = true
			if l.items[i].s.State != synRecv {
				return false
			}
		}
	}
	return seen
}

// activeReset reports whether a RST was sent by a socket that aborted its connection, not in answer
// to a segment: an answer has the ACK flag only to a segment without one, and then the sequence
// number 0 (tcp_v4_send_reset and tcp_send_active_reset of the kernel; RFC 9293, section 3.10.7.1).
func activeReset(d *packet.Decoded) bool {
	return d.Flags&packet.RST != 0 && d.Flags&packet.ACK != 0 && d.Seq != 0
}

// after reports whether sequence number a is at or after b.
func after(a, b uint32) bool { return int32(a-b) >= 0 }
