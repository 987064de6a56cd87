package fault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/scenarios/language"
)

// The bits of a TCP header's flags.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
	urg
	ece
	cwr
)

// sample is a packet described by its fields. The model of faults changes the fields and has
// gopacket build the packet again, so that it shares nothing with the queue's way of changing
// bytes.
type sample struct {
	// number is in the identification of IPv4 or the flow label of IPv6, plus one.
	number   int
	side     int // of the sender: 0 is the client
	from, to netip.Addr
	proto    string // tcp or udp
	flags    uint8
	sport    uint16
	dport    uint16
	seq      uint32
	window   uint16
	// options are TCP options, each with its kind and length.
	options [][]byte
	payload []byte
	ttl     uint8
	ecn     uint8

	// broken is set if the checksum must be wrong; kept, if set, is the exact checksum.
	broken bool
	kept   *uint16
}

// kind is the segment kind of the language.
func (s *sample) kind() language.SegmentKind {
	switch {
	case s.flags&rst != 0:
		return language.RST
	case s.flags&(syn|ack) == syn|ack:
		return language.SYNACK
	case s.flags&syn != 0:
		return language.SYN
	case s.flags&fin != 0:
		return language.FIN
	case len(s.payload) > 0:
		return language.DATA
	}
	return language.ACK
}

func (s *sample) hasOption(kind byte) bool {
	return slices.ContainsFunc(s.options, func(o []byte) bool { return o[0] == kind })
}

// bytes builds the packet, with a right checksum.
func (s *sample) bytes() []byte {
	var upper gopacket.SerializableLayer
	proto := layers.IPProtocolUDP
	v4 := &layers.IPv4{Version: 4, Id: uint16(s.number + 1), TTL: s.ttl, TOS: s.ecn, SrcIP: s.from.AsSlice(), DstIP: s.to.AsSlice()}
	v6 := &layers.IPv6{Version: 6, FlowLabel: uint32(s.number + 1), HopLimit: s.ttl, TrafficClass: s.ecn, SrcIP: s.from.AsSlice(), DstIP: s.to.AsSlice()}
	var network gopacket.NetworkLayer = v4
	if s.from.Is6() {
		network = v6
	}
	if s.proto == "tcp" {
		h := &layers.TCP{
			SrcPort: layers.TCPPort(s.sport), DstPort: layers.TCPPort(s.dport), Seq: s.seq, Ack: 7, Window: s.window,
			FIN: s.flags&fin != 0, SYN: s.flags&syn != 0, RST: s.flags&rst != 0, PSH: s.flags&psh != 0,
			ACK: s.flags&ack != 0, URG: s.flags&urg != 0, ECE: s.flags&ece != 0, CWR: s.flags&cwr != 0,
		}
		for _, o := range s.options {
			option := layers.TCPOption{OptionType: layers.TCPOptionKind(o[0])}
			if o[0] > 1 {
				option.OptionLength, option.OptionData = o[1], o[2:]
			}
			h.Options = append(h.Options, option)
		}
		must(h.SetNetworkLayerForChecksum(network))
		upper, proto = h, layers.IPProtocolTCP
	} else {
		h := &layers.UDP{SrcPort: layers.UDPPort(s.sport), DstPort: layers.UDPPort(s.dport)}
		must(h.SetNetworkLayerForChecksum(network))
		upper = h
	}
	v4.Protocol, v6.NextHeader = proto, proto
	buffer := gopacket.NewSerializeBuffer()
	must(gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		network.(gopacket.SerializableLayer), upper, gopacket.Payload(s.payload)))
	b := buffer.Bytes()
	if at := s.checksumAt(); s.proto == "udp" && b[at] == 0 && b[at+1] == 0 {
		b[at], b[at+1] = 0xff, 0xff // 0 means no checksum (RFC 768)
	}
	return b
}

// must unwraps a result that fails only if the test has a mistake.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (s *sample) checksumAt() int {
	at := 20
	if s.from.Is6() {
		at = 40
	}
	if s.proto == "tcp" {
		return at + 16
	}
	return at + 6
}

// checksum is the packet's checksum if it is right.
func (s *sample) checksum() uint16 { return binary.BigEndian.Uint16(s.bytes()[s.checksumAt():]) }

// differs describes how a packet differs from the sample, or returns "".
func (s *sample) differs(got []byte) string {
	want, at := s.bytes(), s.checksumAt()
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	right, sum := binary.BigEndian.Uint16(want[at:]), binary.BigEndian.Uint16(got[at:])
	switch {
	case !s.broken && sum != right:
		return fmt.Sprintf("its checksum is %#04x, want %#04x", sum, right)
	case s.broken && sum == right:
		return "its checksum is right, and must not be"
	case s.kept != nil && sum != *s.kept:
		return fmt.Sprintf("its checksum is %#04x, want the %#04x it had", sum, *s.kept)
	}
	copy(want[at:], got[at:at+2])
	if !bytes.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				return fmt.Sprintf("byte %d is %#02x, want %#02x\ngot  %x\nwant %x", i, got[i], want[i], got, want)
			}
		}
	}
	return ""
}

func (s *sample) String() string {
	return fmt.Sprintf("packet %d, side %d, %s %s flags %08b %d > %d, window %d, %d options, payload %d, ttl %d, ecn %d",
		s.number, s.side, s.proto, s.kind(), s.flags, s.sport, s.dport, s.window, len(s.options), len(s.payload), s.ttl, s.ecn)
}

var (
	samplePorts   = []uint16{7, 53, 80, 443}
	sampleOptions = [][]byte{
		{2, 4, 5, 180},
		{3, 3, 7},
		{4, 2},
		{5, 10, 0, 0, 0, 1, 0, 0, 0, 9},
		{8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
	}
)

// randomSample makes a packet between the hosts, with few values of each field, so that many
// packets match faults.
func randomSample(r *rand.Rand, number int, ends [2]netip.Addr) *sample {
	side := r.IntN(2)
	s := &sample{
		number: number, side: side, from: ends[side], to: ends[1-side], proto: "udp", ttl: []uint8{5, 64, 65}[r.IntN(3)], ecn: uint8(r.IntN(4)),
		sport: samplePorts[r.IntN(len(samplePorts))], dport: samplePorts[r.IntN(len(samplePorts))],
		payload: make([]byte, []int{0, 1, 2, 3, 20, 100, 1200, 1300}[r.IntN(8)]),
	}
	for i := range s.payload {
		s.payload[i] = "\x00\xffabcd"[r.IntN(6)]
	}
	if r.IntN(3) > 0 {
		s.proto = "tcp"
		s.flags = []uint8{syn, syn | ack, ack, ack, psh | ack, fin | ack, rst, rst | ack}[r.IntN(8)]
		s.seq, s.window = r.Uint32(), []uint16{0, 500, 65535}[r.IntN(3)]
		for _, o := range sampleOptions {
			if r.IntN(4) == 0 {
				s.options = append(s.options, o)
			}
		}
	}
	return s
}
