package queue

import "encoding/binary"

// The numbers (IANA) of the protocols that are changed or forged.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoICMPv6   = 58
	protoDestOpts = 60
)

// location is where the parts of an IP packet are, as byte offsets.
type location struct {
	v6    bool
	proto byte
	// ttl is the offset of the TTL or hop limit; 0 if even the IP header is malformed, or the
	// packet is cut short.
	ttl int
	// transport is where the header of TCP, UDP or ICMP begins, payload where that header ends, and
	// end the packet's end.
	transport, payload, end int
}

// locate finds the parts of an IP packet. It reports false for a packet that is malformed, cut
// short, a fragment, or not TCP, UDP or ICMP. Only the IP header of such a packet may be changed,
// and only if ttl is not 0.
func locate(b []byte) (location, bool) {
	var l location
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		l.proto, l.transport = b[9], int(b[0]&0x0f)*4
		l.end = int(binary.BigEndian.Uint16(b[2:]))
		if l.transport < 20 || l.transport > l.end || l.end > len(b) {
			return l, false
		}
		l.ttl = 8
		if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return l, false
		}
	case len(b) >= 40 && b[0]>>4 == 6:
		l.v6, l.proto, l.transport = true, b[6], 40
		l.end = 40 + int(binary.BigEndian.Uint16(b[4:]))
		if l.end > len(b) {
			return l, false
		}
		l.ttl = 7
		for l.proto == protoHopByHop || l.proto == protoRouting || l.proto == protoDestOpts {
			if l.transport+2 > len(b) {
				return l, false
			}
			l.proto, l.transport = b[l.transport], l.transport+(int(b[l.transport+1])+1)*8
		}
	default:
		return l, false
	}
	header := 0
	switch l.proto {
	case protoTCP:
		if l.transport+20 > len(b) {
			return l, false
		}
		if header = int(b[l.transport+12]>>4) * 4; header < 20 {
			return l, false
		}
	case protoUDP:
		header = 8
		if l.transport+header > len(b) {
			return l, false
		}
		// The checksum covers only the datagram, not bytes that may follow it in the packet.
		length := int(binary.BigEndian.Uint16(b[l.transport+4:]))
		if l.transport+length > l.end {
			return l, false
		}
		l.end = l.transport + length
	case protoICMP, protoICMPv6:
		header = 8
	default:
		return l, false
	}
	l.payload = l.transport + header
	return l, l.payload <= l.end
}

// checksum returns the offset of the transport's checksum.
func (l location) checksum() int {
	switch l.proto {
	case protoTCP:
		return l.transport + 16
	case protoUDP:
		return l.transport + 6
	}
	return l.transport + 2
}

// fix computes the checksums of the IPv4 header and of the transport (RFC 1071). A UDP datagram
// over IPv4 without a checksum stays without one.
func (l location) fix(b []byte) {
	l.fixHeader(b)
	at := l.checksum()
	if l.proto == protoUDP && !l.v6 && b[at] == 0 && b[at+1] == 0 {
		return
	}
	b[at], b[at+1] = 0, 0
	c := ^fold(l.sum(b))
	if c == 0 && l.proto == protoUDP {
		c = 0xffff // 0 means no checksum (RFC 768)
	}
	binary.BigEndian.PutUint16(b[at:], c)
}

// fixHeader computes the checksum of the IPv4 header.
func (l location) fixHeader(b []byte) {
	if l.v6 {
		return
	}
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], ^fold(sum(0, b[:l.transport])))
}

// keepError makes the transport's checksum as wrong as it was when the transport added up to sum:
// an error made on purpose survives later changes.
func (l location) keepError(b []byte, sum uint16) {
	at := l.checksum()
	c := binary.BigEndian.Uint16(b[at:])
	if sum == 0xffff || l.proto == protoUDP && !l.v6 && c == 0 {
		return
	}
	if c = fold(uint32(c) + uint32(sum)); c == 0 {
		c = 0xffff // has the same value, and is not UDP's mark for no checksum
	}
	binary.BigEndian.PutUint16(b[at:], c)
}

// right reports whether the transport's checksum is right.
func (l location) right(b []byte) bool { return fold(l.sum(b)) == 0xffff }

// sum adds up the transport and its pseudo-header. ICMP over IPv4 has no pseudo-header.
func (l location) sum(b []byte) uint32 {
	var s uint32
	switch {
	case l.v6:
		s = sum(0, b[8:40])
	case l.proto != protoICMP:
		s = sum(0, b[12:20])
	}
	if l.v6 || l.proto != protoICMP {
		s += uint32(l.proto) + uint32(l.end-l.transport)
	}
	return sum(s, b[l.transport:l.end])
}

func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
