package trace

import (
	"net/netip"
)

// Decoded is what a frame says: the fields selectors, sequences and ladders speak of. A frame too short for a header
// leaves the rest zero and sets Malformed.
type Decoded struct {
	// Family is "v4", "v6" or "arp"; "" for anything else.
	Family   string
	Src, Dst netip.Addr
	TTL      uint8
	// Proto is tcp, udp, icmp (ICMPv6 too), ndp (neighbour discovery) or arp; "" for anything else.
	Proto        string
	SPort, DPort uint16

	// TCP
	Seq, Ack uint32
	Window   uint16
	Flags    TCPFlags
	Options  TCPOptions

	// ICMPType names the message as selectors do: port-unreachable, echo-request, ...; for arp and ndp: request, reply.
	ICMPType string
	// Payload is what TCP or UDP carries, cut where the capture was; PayloadLen is its length on the wire.
	Payload    []byte
	PayloadLen int
	// ID identifies the packet between link ends: IPv4's identification and addresses do not change on the way.
	IPID      uint16
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
	WindowScale   int // -1: none
	SACKPermitted bool
	SACK          [][2]uint32
	Timestamps    bool
	TSVal, TSEcr  uint32
	FastOpen      bool
}
