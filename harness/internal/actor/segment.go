package actor

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/scenarios/language"
)

const (
	// craftedPort is the source port of a packet whose scenario sets none.
	craftedPort = 40000
	// craftedWindow is the window of a segment that belongs to no socket.
	craftedWindow = 64240
	maxPacket     = 65535
)

// stream holds the sequence numbers of a socket's connection. The zero value stands for no socket:
// the numbers of a step are then used as given.
type stream struct {
	// initial is the socket's initial sequence number, next the first number not sent yet.
	initial, next uint32
	// peerInitial is the peer's initial sequence number, expected the first number not received
	// yet.
	peerInitial, expected uint32
	// clock is the current value for timestamps.
	clock uint32
	// window is the window field of a segment without SYN.
	window uint16
}

// packet is the packet that a segment step sends.
type packet struct {
	from, to netip.AddrPort
	proto    layers.IPProtocol
	payload  []byte
	step     *language.Segment
	// socket is nil if the packet belongs to no socket.
	socket *stream
}

// number32 returns a number of a header. n counts from word if it names one, such as next or now,
// else from base.
func number32(n language.Number, base, word uint32) (uint32, error) {
	name, offset, err := n.Parse()
	if err != nil {
		return 0, err
	}
	if name != "" {
		base = word
	}
	return base + uint32(offset), nil
}

// write returns the packet with its IP header, lengths and checksums.
func (p *packet) write() ([]byte, error) {
	var network interface {
		gopacket.NetworkLayer
		gopacket.SerializableLayer
	}
	ttl := uint8(hopLimit)
	if p.step.TTL != 0 {
		ttl = uint8(p.step.TTL)
	}
	src, dst := net.IP(p.from.Addr().AsSlice()), net.IP(p.to.Addr().AsSlice())
	if p.to.Addr().Is4() {
		network = &layers.IPv4{
			Version: 4, TTL: ttl, Protocol: p.proto, SrcIP: src, DstIP: dst, Flags: layers.IPv4DontFragment,
		}
	} else {
		network = &layers.IPv6{Version: 6, HopLimit: ttl, NextHeader: p.proto, SrcIP: src, DstIP: dst}
	}
	transport, err := p.transport()
	if err != nil {
		return nil, err
	}
	all := []gopacket.SerializableLayer{network}
	for _, l := range transport {
		if l, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := l.SetNetworkLayerForChecksum(network); err != nil {
				return nil, err
			}
		}
		all = append(all, l)
	}
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options,
		append(all, gopacket.Payload(p.payload))...); err != nil {
		return nil, fmt.Errorf("making the packet: %w", err)
	}
	return buffer.Bytes(), nil
}

// transport returns the headers after the IP header.
func (p *packet) transport() ([]gopacket.SerializableLayer, error) {
	switch p.proto {
	case layers.IPProtocolUDP:
		return []gopacket.SerializableLayer{
			&layers.UDP{SrcPort: layers.UDPPort(p.from.Port()), DstPort: layers.UDPPort(p.to.Port())},
		}, nil
	case layers.IPProtocolICMPv4:
		kind := uint8(layers.ICMPv4TypeEchoRequest)
		if p.step.ICMP == "echo-reply" {
			kind = layers.ICMPv4TypeEchoReply
		}
		return []gopacket.SerializableLayer{
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, 0), Id: 1, Seq: 1},
		}, nil
	case layers.IPProtocolICMPv6:
		kind := uint8(layers.ICMPv6TypeEchoRequest)
		if p.step.ICMP == "echo-reply" {
			kind = layers.ICMPv6TypeEchoReply
		}
		return []gopacket.SerializableLayer{
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)},
			&layers.ICMPv6Echo{Identifier: 1, SeqNumber: 1},
		}, nil
	}
	tcp, err := p.tcp()
	return []gopacket.SerializableLayer{tcp}, err
}

func (p *packet) tcp() (*layers.TCP, error) {
	s, own := p.step, p.socket
	if own == nil {
		own = &stream{}
	}
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(p.from.Port()), DstPort: layers.TCPPort(p.to.Port()),
		Window: craftedWindow,
	}
	if p.socket != nil {
		tcp.Window = own.window
	}
	if s.Window != nil {
		tcp.Window = uint16(*s.Window)
	}
	bits := map[string]*bool{
		"FIN": &tcp.FIN, "SYN": &tcp.SYN, "RST": &tcp.RST, "PSH": &tcp.PSH, "ACK": &tcp.ACK,
		"URG": &tcp.URG, "ECE": &tcp.ECE, "CWR": &tcp.CWR,
	}
	for _, flag := range s.Flags {
		bit, ok := bits[flag]
		if !ok {
			return nil, fmt.Errorf("unknown TCP flag %q", flag)
		}
		*bit = true
	}
	if p.socket != nil && s.Flags == nil {
		tcp.ACK, tcp.PSH = true, len(p.payload) > 0
	}
	var err error
	tcp.Seq = own.next
	if s.Seq != "" {
		if tcp.Seq, err = number32(s.Seq, own.initial, own.next); err != nil {
			return nil, err
		}
	}
	switch {
	case s.Ack != "":
		if tcp.Ack, err = number32(s.Ack, own.peerInitial, own.expected); err != nil {
			return nil, err
		}
	case tcp.ACK:
		tcp.Ack = own.expected
	}
	tcp.Options, err = p.options(own)
	return tcp, err
}

// options returns the TCP options in the order in which Linux sends them.
func (p *packet) options(own *stream) ([]layers.TCPOption, error) {
	var list []layers.TCPOption
	o := p.step.Options
	if o == nil {
		return nil, nil
	}
	add := func(kind layers.TCPOptionKind, data ...byte) {
		list = append(list, layers.TCPOption{
			OptionType: kind, OptionLength: uint8(2 + len(data)), OptionData: data,
		})
	}
	if o.MSS != nil {
		add(layers.TCPOptionKindMSS, byte(*o.MSS>>8), byte(*o.MSS))
	}
	if o.SACKPermitted {
		add(layers.TCPOptionKindSACKPermitted)
	}
	if ts := o.Timestamps; ts != nil {
		value, err := number32(ts.Value, 0, own.clock)
		if err != nil {
			return nil, err
		}
		echo := uint32(0)
		if ts.Echo != "" {
			if echo, err = number32(ts.Echo, 0, 0); err != nil {
				return nil, err
			}
		}
		add(layers.TCPOptionKindTimestamps,
			binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, value), echo)...)
	}
	if o.WindowScale != nil {
		add(layers.TCPOptionKindWindowScale, byte(*o.WindowScale))
	}
	return list, nil
}
