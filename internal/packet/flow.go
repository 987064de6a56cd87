package packet

import (
	"net/netip"
	"slices"
)

// Flow is the place of a packet in its connection.
type Flow struct {
	// Conn is the connection's number in the order in which any link end first saw the connections
	// of the run, from 1. A SYN with a new initial sequence number begins a new connection, even
	// between the same ports. Until a SYN-ACK or a RST answers it, other segments belong to the
	// previous connection. Conn is 0 for packets that are neither TCP nor UDP, and for fragments
	// without ports.
	Conn int
	// Seq and Ack are relative to the initial sequence numbers of the sender and the receiver: a
	// SYN has Seq 0, the SYN-ACK that answers it Ack 1. A RST that answers a SYN is the sender's
	// only segment and has Seq 0. If the SYN was not captured, the first number seen counts as 1.
	Seq, Ack int64
	// Offset is the position in bytes of the segment's first payload byte in the sender's stream.
	// The first byte sent has offset 0.
	Offset int64
	// Opener is true if the sender opened the connection: it sent the SYN or, without a SYN, the
	// first packet.
	Opener bool
	// Retransmission is true if the first sequence number of the segment was already seen at this
	// link end in this direction, so that a reader of tcpdump sees it twice. Bare acknowledgements,
	// RSTs and empty probes take no sequence space and are never retransmissions. In a simultaneous
	// open a SYN and a SYN-ACK have the same number (RFC 9293, section 3.5): neither is a
	// retransmission of the other, nor is data at the number of a SYN.
	Retransmission bool
	// Partial is true for a retransmission whose last sequence number is new, such as the first FIN
	// on data that is sent again.
	Partial bool
}

// Flows follows the connections of a run. The zero value is not ready to use; see [NewFlows].
type Flows struct {
	// conns has the latest incarnation of each four-tuple.
	conns map[tuple]*conn
	count int
	// ends numbers the link ends: a flood has a million connections, each seen at a few of them.
	ends map[linkEnd]uint16
}

// tuple identifies a connection in both directions: a is the lesser end. Like conn, it is small: a
// flood has a million.
type tuple struct {
	a, b         [16]byte
	aPort, bPort uint16
	tcp, v4      bool
}

// conn is one incarnation of a four-tuple. Side 0 is tuple.a, side 1 tuple.b.
type conn struct {
	// before is the incarnation before this one.
	before *conn
	isn    [2]uint32
	number int32
	opener int8
	known  [2]bool
	// offered is true while only the SYN of the connection was seen. It may never become a
	// connection.
	offered bool
	// high is the highest relative number seen from each side. It resolves numbers that have
	// wrapped.
	high [2]int64
	// offers are the initial numbers that the sides have sent in SYNs. A server that has forgotten a
	// SYN, or answers by SYN cookies, offers several.
	offers []offer
	ends   []seen
	syns   []seenSYN
}

// offer is an initial number that a side has sent in a SYN.
type offer struct {
	isn  uint32
	side int8
}

// seenSYN is a SYN, or with answer a SYN-ACK, seen at a link end.
type seenSYN struct {
	isn    uint32
	end    uint16
	answer bool
}

// linkEnd is the place and the direction in which a packet was seen: lo shows each packet going out
// and coming in.
type linkEnd struct {
	host, place string
	out         bool
	side        int
}

// NewFlows returns a tracker that has seen nothing.
func NewFlows() *Flows {
	return &Flows{conns: map[tuple]*conn{}, ends: map[linkEnd]uint16{}}
}

// number returns the number of a link end.
func (f *Flows) number(end linkEnd) uint16 {
	n, known := f.ends[end]
	if !known {
		n = uint16(len(f.ends))
		f.ends[end] = n
	}
	return n
}

// Track returns the place of a packet in its connection. The packet was seen at a place of a host:
// a hook, or a device, where out is its direction. Packets must be given in order of time.
func (f *Flows) Track(d *Decoded, host, place string, out bool) Flow {
	end := linkEnd{host: host, place: place, out: out}
	if (d.Proto != "tcp" && d.Proto != "udp") || d.FragmentOffset > 0 || !d.Src.IsValid() {
		return Flow{}
	}
	key, side := tupleOf(d)
	if d.Proto == "udp" {
		c := f.conns[key]
		if c == nil {
			c = f.add(key, side)
		}
		return Flow{Conn: int(c.number), Opener: side == int(c.opener)}
	}
	c := f.find(key, side, d)
	c.learn(side, d)
	flow := Flow{Conn: int(c.number), Opener: side == int(c.opener)}
	if c.known[side] && d.Flags&SYN == 0 {
		flow.Seq = c.relative(side, d.Seq)
	}
	if d.Flags&ACK != 0 && c.known[1-side] {
		flow.Ack = c.relative(1-side, d.Ack)
	}
	first := flow.Seq
	if d.Flags&SYN != 0 {
		first++
	}
	flow.Offset = first - 1
	last := first + int64(d.PayloadLen)
	if d.Flags&FIN != 0 {
		last++
	}
	if d.Flags&RST != 0 || last == flow.Seq {
		return flow
	}
	c.high[side] = max(c.high[side], last)
	end.side = side
	at := f.number(end)
	again, all := false, true
	if last > first {
		again, all = c.seenAt(at).add(first, last)
	}
	if d.Flags&SYN != 0 {
		syn := seenSYN{d.Seq, at, d.Flags&ACK != 0}
		if again = slices.Contains(c.syns, syn); !again {
			c.syns = append(c.syns, syn)
		}
	}
	flow.Retransmission, flow.Partial = again, again && !all
	return flow
}

func tupleOf(d *Decoded) (key tuple, side int) {
	src, dst := netip.AddrPortFrom(d.Src, d.SPort), netip.AddrPortFrom(d.Dst, d.DPort)
	if src.Compare(dst) > 0 {
		src, dst, side = dst, src, 1
	}
	return tuple{
		src.Addr().As16(), dst.Addr().As16(), src.Port(), dst.Port(), d.Proto == "tcp", src.Addr().Is4(),
	}, side
}

func (f *Flows) add(key tuple, opener int) *conn {
	f.count++
	c := &conn{before: f.conns[key], number: int32(f.count), opener: int8(opener)}
	f.conns[key] = c
	return c
}

// find returns the incarnation that the segment belongs to. A SYN belongs to the one with its
// initial number, or to the one that the other end offers at the same time; a SYN-ACK to the one
// that it acknowledges; any other segment to the latest one whose numbers are near. While a SYN is
// unanswered, the previous connection lives on: segments in it, such as a challenge ACK (RFC 5961,
// section 4), belong to it.
func (f *Flows) find(key tuple, side int, d *Decoded) *conn {
	latest := f.conns[key]
	syn, ack := d.Flags&SYN != 0, d.Flags&ACK != 0
	var offer *conn
	for c := latest; c != nil; c = c.before {
		switch {
		case syn && !ack:
			crosses := c.offered && int(c.opener) != side && !c.known[side]
			if crosses || c.known[side] && c.isn[side] == d.Seq {
				return c
			}
		case syn:
			if c.known[1-side] && near(d.Ack, c.isn[1-side]+1) {
				c.offered = false
				return c
			}
		case !c.fits(side, d):
		case c.offered && // not the refusal of that SYN
			!(d.Flags&RST != 0 && ack && c.known[1-side] && d.Ack == c.isn[1-side]+1):
			if offer == nil {
				offer = c
			}
		default:
			return c
		}
	}
	if offer != nil {
		return offer
	}
	if latest != nil && !(syn && !ack) {
		return latest
	}
	opener := side
	if syn && ack {
		opener = 1 - side
	}
	c := f.add(key, opener)
	c.offered = syn && !ack
	return c
}

// fits reports whether the numbers of a segment are near those of the connection.
func (c *conn) fits(side int, d *Decoded) bool {
	return !c.known[side] ||
		near(d.Seq, c.isn[side]+uint32(c.high[side])) ||
		d.Flags&ACK != 0 && c.known[1-side] && near(d.Ack, c.isn[1-side]+uint32(c.high[1-side]))
}

// near reports whether two sequence numbers are as close as those in one flight of a connection:
// less than four times the largest window with a scale of at most 8.
func near(a, b uint32) bool {
	const window = 1 << 26
	diff := int32(a - b)
	return -window < diff && diff < window
}

// learn takes the initial sequence numbers from a segment.
func (c *conn) learn(side int, d *Decoded) {
	switch {
	case d.Flags&SYN != 0:
		// A late SYN may be answered by a SYN-ACK with another number. Then that number counts,
		// until an acknowledgement says which one does. One seen before may be on its way still.
		if !c.hasOffered(side, d.Seq) {
			c.offers = append(c.offers[max(0, len(c.offers)-mostOffers):], offer{d.Seq, int8(side)})
			c.isn[side], c.known[side], c.high[side] = d.Seq, true, 0
		}
	case !c.known[side] && d.Flags&RST != 0 && d.Flags&ACK != 0:
		// A RST that answers a SYN has no number to learn (RFC 9293, section 3.10.7.1).
	case !c.known[side]:
		c.isn[side], c.known[side] = d.Seq-1, true
	}
	if d.Flags&ACK == 0 {
		return
	}
	other := 1 - side
	switch chosen := d.Ack - 1; {
	case !c.known[other]:
		c.isn[other], c.known[other] = chosen, true
	case c.high[other] <= 1 && c.hasOffered(other, chosen):
		c.isn[other] = chosen
	}
}

// mostOffers bounds how many initial numbers of a connection are remembered.
const mostOffers = 32

// hasOffered reports whether a side has sent a SYN with this initial number.
func (c *conn) hasOffered(side int, isn uint32) bool {
	return slices.Contains(c.offers, offer{isn, int8(side)})
}

// relative returns a sequence number of a side relative to its initial one, even past 4 GiB.
func (c *conn) relative(side int, n uint32) int64 {
	at := c.high[side]
	return at + int64(int32(n-(c.isn[side]+uint32(at))))
}

// seenAt returns what was seen of the connection at a link end.
func (c *conn) seenAt(end uint16) *seen {
	for i := range c.ends {
		if c.ends[i].end == end {
			return &c.ends[i]
		}
	}
	c.ends = append(c.ends, seen{end: end})
	return &c.ends[len(c.ends)-1]
}

// seen is the sequence space seen at a link end, as disjoint intervals [from, to) in order.
type seen struct {
	end   uint16
	spans [][2]int64
}

// add adds [from, to), which is not empty, and reports whether from was already in it, and whether
// the last number was.
func (s *seen) add(from, to int64) (first, last bool) {
	var out [][2]int64
	// Nearly always the segment continues the last interval.
	if n := len(s.spans); n > 0 && s.spans[n-1][0] <= from {
		end := &s.spans[n-1]
		if from > end[1] {
			s.spans = append(s.spans, [2]int64{from, to})
			return false, false
		}
		first, last = from < end[1], to <= end[1]
		end[1] = max(end[1], to)
		return first, last
	}
	joined := [2]int64{from, to}
	placed := false
	for _, span := range s.spans {
		first = first || (span[0] <= from && from < span[1])
		last = last || (span[0] < to && to <= span[1])
		switch {
		case span[1] < joined[0]:
			out = append(out, span)
		case joined[1] < span[0]:
			if !placed {
				out, placed = append(out, joined), true
			}
			out = append(out, span)
		default:
			joined = [2]int64{min(joined[0], span[0]), max(joined[1], span[1])}
		}
	}
	if !placed {
		out = append(out, joined)
	}
	s.spans = out
	return first, last
}
