package actor

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
)

// syns makes the SYNs of a flood. The nth is always the same, so that a run can be repeated. Each
// pair of source address and port is used once before any is used again.
type syns struct {
	to    netip.AddrPort
	first netip.Addr
	// hosts is the number of source addresses, from first on. offset is where this actor begins in
	// the order of addresses and ports: two actors that flood the same listener must not send the
	// same SYNs.
	hosts, offset uint64
}

const (
	// maxSources is how many addresses are used of a prefix that has more.
	maxSources = 1 << 16
	// lowPort is the first source port, as of an ordinary client.
	lowPort = 1024
	ports   = 1<<16 - lowPort
	// stride is a prime that is greater than the number of addresses and does not divide ports. So
	// stepping by it visits all pairs of address and port before it returns to the first.
	stride = 2654435761

	synSegment = 24 // TCP header and the MSS option
	synMSS     = 1460
	synWindow  = 64240
	hopLimit   = 64
	ipv4Header = 20
	ipv6Header = 40
)

func newSYNs(to netip.AddrPort, from netip.Prefix, actor string) *syns {
	h := fnv.New32a()
	h.Write([]byte(actor))
	s := &syns{to: to, first: from.Addr(), hosts: maxSources, offset: uint64(h.Sum32())}
	if bits := from.Addr().BitLen() - from.Bits(); bits < 16 {
		s.hosts = 1 << bits
	}
	if from.Addr().Is4() && s.hosts > 2 {
		// No host has the first or the last address of a subnet.
		s.first = s.first.Next()
		s.hosts -= 2
	}
	return s
}

// length returns the length in bytes of every packet.
func (s *syns) length() int {
	if s.first.Is4() {
		return ipv4Header + synSegment
	}
	return ipv6Header + synSegment
}

// source returns the source address and port of the nth SYN, n counted from 0.
func (s *syns) source(n uint64) netip.AddrPort {
	pair := (s.offset + n*stride) % (s.hosts * ports)
	return netip.AddrPortFrom(plus(s.first, pair%s.hosts), uint16(lowPort+pair/s.hosts))
}

// write writes the nth SYN as a whole IP packet to b, whose length must be s.length().
func (s *syns) write(b []byte, n uint64) {
	clear(b)
	from := s.source(n)
	segment := b[len(b)-synSegment:]
	if s.first.Is4() {
		b[0] = 4<<4 | ipv4Header/4
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		b[6] = 1 << 6 // do not fragment
		b[8], b[9] = hopLimit, 6
		src, dst := from.Addr().As4(), s.to.Addr().Unmap().As4()
		copy(b[12:], src[:])
		copy(b[16:], dst[:])
		binary.BigEndian.PutUint16(b[10:], ^fold(sum(b[:ipv4Header])))
	} else {
		b[0] = 6 << 4
		binary.BigEndian.PutUint16(b[4:], synSegment)
		b[6], b[7] = 6, hopLimit
		src, dst := from.Addr().As16(), s.to.Addr().As16()
		copy(b[8:], src[:])
		copy(b[24:], dst[:])
	}
	binary.BigEndian.PutUint16(segment, from.Port())
	binary.BigEndian.PutUint16(segment[2:], s.to.Port())
	binary.BigEndian.PutUint32(segment[4:], scramble(s.offset+n))
	segment[12], segment[13] = synSegment/4<<4, 2
	binary.BigEndian.PutUint16(segment[14:], synWindow)
	segment[20], segment[21] = 2, 4
	binary.BigEndian.PutUint16(segment[22:], synMSS)
	// The pseudo-header is both addresses, the protocol and the length (RFC 9293, section 3.1; RFC
	// 8200, section 8.1).
	addresses := b[ipv4Header-8 : ipv4Header]
	if !s.first.Is4() {
		addresses = b[8:ipv6Header]
	}
	binary.BigEndian.PutUint16(segment[16:], ^fold(sum(addresses)+6+synSegment+sum(segment)))
}

// plus returns the nth address after a.
func plus(a netip.Addr, n uint64) netip.Addr {
	if a.Is4() {
		b := a.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])+n)
	return netip.AddrFrom16(b)
}

// scramble makes sequence numbers that nobody can guess from the one before. It is the finaliser of
// SplitMix64.
func scramble(n uint64) uint32 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return uint32(n ^ n>>31)
}

// sum adds up 16-bit words (RFC 1071). The length must be even.
func sum(b []byte) uint32 {
	var total uint32
	for i := 0; i+1 < len(b); i += 2 {
		total += uint32(b[i])<<8 | uint32(b[i+1])
	}
	return total
}

func fold(total uint32) uint16 {
	for total>>16 != 0 {
		total = total&0xffff + total>>16
	}
	return uint16(total)
}
