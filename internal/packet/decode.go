// Package packet decodes packets: the fields of a frame, its place in its connection, and a summary
// in one line. Traces, faults and reports all use it, so a SYN or a retransmission means the same
// in each of them. It imports no other package of the module.
package packet

import (
	"encoding/binary"
	"net/netip"
)

// Decoded holds the fields of a frame that selectors, sequences and ladders use. If a frame is too
// short for a header, the remaining fields stay zero and Malformed is set.
type Decoded struct {
	// Family is "v4", "v6" or "arp"; "" for anything else.
	Family string
	// Src and Dst are the addresses of the IP header. In ARP they are the sender's address and the
	// target's: the one asked for (request) or the one that gets the answer (reply).
	Src, Dst netip.Addr
	// TTL is the time to live, or the hop limit of IPv6.
	TTL uint8
	// TOS is the type of service, or the traffic class of IPv6; its lowest two bits are the ECN
	// field (RFC 3168).
	TOS uint8
	// Proto is tcp, udp, icmp (ICMPv6 too), ndp (neighbour and multicast listener discovery) or
	// arp; "" for anything else.
	Proto        string
	SPort, DPort uint16
	// Fragment is true for a fragment of a larger IP packet. Only the first one (FragmentOffset 0)
	// has the fields of its Proto. The others have addresses and Proto, but no ports.
	Fragment bool
	// FragmentOffset is the position of the fragment in the packet, in bytes.
	FragmentOffset int

	// TCP
	Seq, Ack uint32
	Window   uint16
	Flags    TCPFlags
	Options  TCPOptions

	// ICMPType names the message as selectors do: port-unreachable, echo-request, ...; for arp and
	// ndp: request, reply. A message without such a name is "type N code M".
	ICMPType string
	// ICMPMTU is the MTU in a fragmentation-needed message.
	ICMPMTU int
	// Inner is the packet that an ICMP error quotes, usually just its headers; nil for any other
	// packet.
	Inner *Decoded

	// Payload is the payload of TCP or UDP, cut where the capture cut the frame. It is part of the
	// frame, not a copy. PayloadLen is its length in bytes on the wire.
	Payload    []byte
	PayloadLen int
	// IPID identifies the same packet at different link ends, because IPv4's identification and
	// addresses do not change on the way. IPv6 has it only in fragments.
	IPID uint32
	// Malformed is true if a header is cut short or contradicts itself.
	Malformed bool
}

// TCPFlags are the flags of a TCP header (RFC 9293, section 3.1).
type TCPFlags uint16

// The flags.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// TCPOptions are the options of a TCP header that halfopen knows.
type TCPOptions struct {
	MSS           uint16
	WindowScale   int // -1 if absent
	SACKPermitted bool
	SACK          [][2]uint32
	Timestamps    bool
	TSVal, TSEcr  uint32
	FastOpen      bool
}

// Link layer and network layer protocol numbers (IEEE 802 and IANA).
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100

	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoAuth     = 51
	protoICMPv6   = 58
	protoDestOpts = 60
)

// Decode decodes an Ethernet frame. It accepts any input: fields that it cannot read stay zero.
func Decode(frame []byte) Decoded {
	d := Decoded{Options: TCPOptions{WindowScale: -1}}
	if len(frame) < 14 {
		d.Malformed = true
		return d
	}
	etherType, rest := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	for etherType == etherVLAN {
		if len(rest) < 4 {
			d.Malformed = true
			return d
		}
		etherType, rest = binary.BigEndian.Uint16(rest[2:]), rest[4:]
	}
	switch etherType {
	case etherIPv4:
		d.ipv4(rest, true)
	case etherIPv6:
		d.ipv6(rest, true)
	case etherARP:
		d.arp(rest)
	}
	return d
}

// DecodeIP decodes an IP packet, from its IP header on. Like [Decode] it accepts any input.
func DecodeIP(packet []byte) Decoded {
	d := Decoded{Options: TCPOptions{WindowScale: -1}}
	switch {
	case len(packet) == 0:
		d.Malformed = true
	case packet[0]>>4 == 4:
		d.ipv4(packet, true)
	case packet[0]>>4 == 6:
		d.ipv6(packet, true)
	default:
		d.Malformed = true
	}
	return d
}

// quoted decodes a packet that an ICMP error quotes: from its IP header on, cut anywhere after it.
// It is nil for anything but an IP packet.
func quoted(b []byte) *Decoded {
	d := Decoded{Options: TCPOptions{WindowScale: -1}}
	if len(b) == 0 {
		return nil
	}
	switch b[0] >> 4 {
	case 4:
		d.ipv4(b, false)
	case 6:
		d.ipv6(b, false)
	default:
		return nil
	}
	return &d
}

// ipv4 decodes an IPv4 header (RFC 791, section 3.1) and what follows. quotes is false inside an
// ICMP error, which must not quote another.
func (d *Decoded) ipv4(b []byte, quotes bool) {
	d.Family = "v4"
	if len(b) < 20 {
		d.Malformed = true
		return
	}
	header := int(b[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	d.TOS = b[1]
	d.IPID = uint32(binary.BigEndian.Uint16(b[4:]))
	d.TTL = b[8]
	d.Src = netip.AddrFrom4([4]byte(b[12:16]))
	d.Dst = netip.AddrFrom4([4]byte(b[16:20]))
	if total == 0 {
		total = len(b) // a segment longer than 64 KiB that offloading has not cut yet
	}
	if b[0]>>4 != 4 || header < 20 || header > len(b) || total < header {
		d.Malformed = true
		return
	}
	frag := binary.BigEndian.Uint16(b[6:])
	d.Fragment = frag&0x3fff != 0
	d.FragmentOffset = int(frag&0x1fff) * 8
	d.transport(b[9], clip(b[header:], total-header), total-header, quotes)
}

// ipv6 decodes an IPv6 header, its extension headers (RFC 8200, sections 3 and 4) and what follows.
func (d *Decoded) ipv6(b []byte, quotes bool) {
	d.Family = "v6"
	if len(b) < 40 {
		d.Malformed = true
		return
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	next := b[6]
	d.TOS = b[0]<<4 | b[1]>>4
	d.TTL = b[7]
	d.Src = netip.AddrFrom16([16]byte(b[8:24]))
	d.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	if b[0]>>4 != 6 {
		d.Malformed = true
		return
	}
	rest := b[40:]
	if length == 0 && next != 59 {
		length = len(rest) // a jumbogram, or a segment that offloading has not cut yet
	}
	rest = clip(rest, length)
	for {
		size := 0
		switch next {
		case protoHopByHop, protoRouting, protoDestOpts:
			if len(rest) >= 2 {
				size = (int(rest[1]) + 1) * 8
			}
		case protoAuth:
			if len(rest) >= 2 {
				size = (int(rest[1]) + 2) * 4
			}
		case protoFragment:
			if len(rest) >= 8 {
				size = 8
				place := binary.BigEndian.Uint16(rest[2:])
				// An "atomic" fragment (RFC 6946) is a whole packet.
				d.Fragment = place&0xfff9 != 0
				d.FragmentOffset = int(place & 0xfff8)
				d.IPID = binary.BigEndian.Uint32(rest[4:])
			}
		default:
			d.transport(next, rest, length, quotes)
			return
		}
		if size == 0 || size > len(rest) {
			d.Malformed = true
			return
		}
		next, rest, length = rest[0], rest[size:], length-size
		if d.FragmentOffset > 0 {
			d.transport(next, rest, length, quotes)
			return
		}
	}
}

// transport decodes the content b of an IP packet, which had length bytes on the wire.
func (d *Decoded) transport(proto uint8, b []byte, length int, quotes bool) {
	later := d.FragmentOffset > 0
	switch proto {
	case protoTCP:
		d.Proto = "tcp"
		if !later {
			d.tcp(b, length)
		}
	case protoUDP:
		d.Proto = "udp"
		if !later {
			d.udp(b, length)
		}
	case protoICMP:
		d.Proto = "icmp"
		if !later && d.Family == "v4" {
			d.icmp4(b, quotes)
		}
	case protoICMPv6:
		d.Proto = "icmp"
		if !later && d.Family == "v6" {
			d.icmp6(b, quotes)
		}
	}
	if later {
		d.Payload, d.PayloadLen = b, length
	}
}

func (d *Decoded) udp(b []byte, length int) {
	if len(b) >= 4 {
		d.SPort, d.DPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	}
	if len(b) < 8 {
		d.Malformed = true
		return
	}
	told := int(binary.BigEndian.Uint16(b[4:]))
	if told == 0 || (d.Fragment && told > length) {
		told = length // the first fragment carries less than the whole datagram's length
	}
	if told < 8 || told > length {
		d.Malformed = true
		return
	}
	d.Payload, d.PayloadLen = clip(b[8:], told-8), told-8
}

// arp decodes ARP for IPv4 over Ethernet (RFC 826).
func (d *Decoded) arp(b []byte) {
	d.Family, d.Proto = "arp", "arp"
	if len(b) < 28 || b[4] != 6 || b[5] != 4 {
		d.Malformed = true
		return
	}
	d.Src = netip.AddrFrom4([4]byte(b[14:18]))
	d.Dst = netip.AddrFrom4([4]byte(b[24:28]))
	switch binary.BigEndian.Uint16(b[6:]) {
	case 1:
		d.ICMPType = "request"
	case 2:
		d.ICMPType = "reply"
	default:
		d.Malformed = true
	}
}

// clip returns the first n bytes of b, or all of b if it is shorter.
func clip(b []byte, n int) []byte { return b[:max(0, min(n, len(b)))] }
