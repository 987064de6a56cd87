package queue

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

var families = []language.Family{language.V4, language.V6}

// hosts are the hosts of the default lab.
var hosts = selector.Hosts{
	"client": addrs("198.18.1.2", "2001:2:0:1::2"),
	"server": addrs("198.18.2.2", "198.18.2.3", "2001:2:0:2::2", "2001:2:0:2::3"),
	"wire":   addrs("198.18.1.1", "198.18.2.1", "2001:2:0:1::1", "2001:2:0:2::1"),
}

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, a := range texts {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

// address returns a host's first address of a family.
func address(f language.Family, host string) netip.Addr {
	for _, a := range hosts[host] {
		if a.Is4() == (f == language.V4) {
			return a
		}
	}
	panic("no address of " + host)
}

var forward = Hook{Host: language.Wire, Chain: "FORWARD"}

// newTestEngine makes an engine of faults written in YAML, all in force, on IPv4 or IPv6.
func newTestEngine(t testing.TB, f language.Family, seed uint64, faults string) *Engine {
	t.Helper()
	file, err := language.Parse("test.yaml", fmt.Appendf(nil, `name: test
title: written in a test
ip: %s
hosts: {client: {}, server: {}}
faults: %s
actors: {client: [connect: "server:7", send: x]}
expect: [step: client.connect]
`, f, faults))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := file.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	var rules []*Rule
	for _, f := range runs[0].Faults {
		r := &Rule{
			Fault:   f.Name,
			Hooks:   []Hook{forward},
			Match:   f.Match,
			Trigger: Trigger{Nth: f.Nth, Skip: f.Skip, First: f.First, Every: f.Every, Chance: (*float64)(f.Chance)},
			Do:      f.Do,
		}
		if host, hook, ok := strings.Cut(f.At, "."); ok {
			r.Hooks = []Hook{{host, strings.ToUpper(hook)}}
		}
		rules = append(rules, r)
	}
	e, err := NewEngine(rules, hosts, seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		e.Set(r.Fault, true)
	}
	return e
}

// way is the direction of a packet.
type way struct{ from, to string }

var (
	toServer = way{"client", "server"}
	toClient = way{"server", "client"}
)

// build makes a packet with right lengths and checksums.
func build(f language.Family, w way, change func(*layers.IPv4, *layers.IPv6), proto layers.IPProtocol, upper ...gopacket.SerializableLayer) []byte {
	src, dst := net.IP(address(f, w.from).AsSlice()), net.IP(address(f, w.to).AsSlice())
	v4 := &layers.IPv4{Version: 4, TTL: 63, Id: 7, Flags: layers.IPv4DontFragment, Protocol: proto, SrcIP: src, DstIP: dst}
	v6 := &layers.IPv6{Version: 6, HopLimit: 63, NextHeader: proto, SrcIP: src, DstIP: dst}
	if change != nil {
		change(v4, v6)
	}
	var ip gopacket.SerializableLayer = v4
	var network gopacket.NetworkLayer = v4
	if f == language.V6 {
		ip, network = v6, v6
	}
	for _, l := range upper {
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := c.SetNetworkLayerForChecksum(network); err != nil {
				panic(err)
			}
		}
	}
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, append([]gopacket.SerializableLayer{ip}, upper...)...); err != nil {
		panic(err)
	}
	return buffer.Bytes()
}

// segment describes a TCP segment.
type segment struct {
	way
	// client is the client's port, 0 for 40001. The server's is 8080.
	client  uint16
	flags   string
	seq     uint32
	ack     uint32
	window  uint16
	options []layers.TCPOption
	payload string
	change  func(*layers.IPv4, *layers.IPv6)
}

func (s segment) bytes(f language.Family) []byte {
	if s.client == 0 {
		s.client = 40001
	}
	ports := [2]layers.TCPPort{layers.TCPPort(s.client), 8080}
	if s.from == "server" {
		ports[0], ports[1] = ports[1], ports[0]
	}
	h := &layers.TCP{SrcPort: ports[0], DstPort: ports[1], Seq: s.seq, Ack: s.ack, Window: s.window, Options: s.options}
	for _, flag := range strings.Fields(s.flags) {
		switch flag {
		case "SYN":
			h.SYN = true
		case "ACK":
			h.ACK = true
		case "FIN":
			h.FIN = true
		case "RST":
			h.RST = true
		case "PSH":
			h.PSH = true
		case "ECE":
			h.ECE = true
		default:
			panic(flag)
		}
	}
	return build(f, s.way, s.change, layers.IPProtocolTCP, h, gopacket.Payload(s.payload))
}

// datagram makes a UDP datagram between port 5000 of the client and port 7007 of the server.
func datagram(f language.Family, w way, payload string) []byte {
	ports := [2]layers.UDPPort{5000, 7007}
	if w.from == "server" {
		ports[0], ports[1] = ports[1], ports[0]
	}
	return build(f, w, nil, layers.IPProtocolUDP, &layers.UDP{SrcPort: ports[0], DstPort: ports[1]}, gopacket.Payload(payload))
}

func echo(f language.Family, w way) []byte {
	if f == language.V6 {
		return build(f, w, nil, layers.IPProtocolICMPv6,
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0)}, gopacket.Payload("\x00\x07\x00\x01ping"))
	}
	return build(f, w, nil, layers.IPProtocolICMPv4,
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: 7, Seq: 1}, gopacket.Payload("ping"))
}

// unreachable is an ICMP error about a datagram of the client.
func unreachable(f language.Family) []byte {
	quote := gopacket.Payload(datagram(f, toServer, "lost"))
	if f == language.V6 {
		return build(f, toClient, nil, layers.IPProtocolICMPv6,
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeDestinationUnreachable, 4)}, append(gopacket.Payload{0, 0, 0, 0}, quote...))
	}
	return build(f, toClient, nil, layers.IPProtocolICMPv4,
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, 3)}, quote)
}

// fragment is a piece of a UDP datagram.
func fragment(f language.Family, offset int, more bool, payload string) []byte {
	if f == language.V6 {
		header := []byte{17, 0, 0, 0, 0, 0, 0, 9}
		place := uint16(offset)
		if more {
			place |= 1
		}
		binary.BigEndian.PutUint16(header[2:], place)
		return build(f, toServer, nil, layers.IPProtocolIPv6Fragment, gopacket.Payload(append(header, payload...)))
	}
	return build(f, toServer, func(v4 *layers.IPv4, _ *layers.IPv6) {
		v4.Flags, v4.FragOffset = 0, uint16(offset/8)
		if more {
			v4.Flags = layers.IPv4MoreFragments
		}
	}, layers.IPProtocolUDP, gopacket.Payload(payload))
}

func option(kind layers.TCPOptionKind, data ...byte) layers.TCPOption {
	return layers.TCPOption{OptionType: kind, OptionLength: uint8(len(data) + 2), OptionData: data}
}

var nop = layers.TCPOption{OptionType: layers.TCPOptionKindNop}

// synOptions are those of a SYN of Linux.
func synOptions() []layers.TCPOption {
	return []layers.TCPOption{
		option(layers.TCPOptionKindMSS, 5, 180), option(layers.TCPOptionKindSACKPermitted),
		option(layers.TCPOptionKindTimestamps, 0, 0, 0, 1, 0, 0, 0, 0), nop, option(layers.TCPOptionKindWindowScale, 7),
	}
}

// parsed is a packet parsed by gopacket, independently of this package.
type parsed struct {
	gopacket.Packet
	src, dst netip.Addr
	tcp      *layers.TCP
	udp      *layers.UDP
	icmp4    *layers.ICMPv4
	icmp6    *layers.ICMPv6
	v4       *layers.IPv4
	v6       *layers.IPv6
}

// parse parses a packet, and fails the test if gopacket cannot.
func parse(t testing.TB, b []byte) *parsed {
	t.Helper()
	p := dissect(b)
	if l := p.ErrorLayer(); l != nil {
		t.Fatalf("gopacket cannot read % x: %v", b, l.Error())
	}
	return p
}

func dissect(b []byte) *parsed {
	first := layers.LayerTypeIPv4
	if len(b) > 0 && b[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	p := &parsed{Packet: gopacket.NewPacket(slices.Clone(b), first, gopacket.Default)}
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			p.v4 = l
			p.src, _ = netip.AddrFromSlice(l.SrcIP.To4())
			p.dst, _ = netip.AddrFromSlice(l.DstIP.To4())
		case *layers.IPv6:
			p.v6 = l
			p.src, _ = netip.AddrFromSlice(l.SrcIP)
			p.dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.TCP:
			p.tcp = l
		case *layers.UDP:
			p.udp = l
		case *layers.ICMPv4:
			p.icmp4 = l
		case *layers.ICMPv6:
			p.icmp6 = l
		}
	}
	return p
}

// wrongChecksums names the layers in which gopacket finds a wrong checksum.
func (p *parsed) wrongChecksums() []string {
	var wrong []string
	for _, l := range p.Layers() {
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok && p.NetworkLayer() != nil {
			// A layer that cannot be verified is reported next.
			_ = c.SetNetworkLayerForChecksum(p.NetworkLayer())
		}
	}
	if err, mismatches := p.VerifyChecksums(); err != nil {
		wrong = append(wrong, err.Error())
	} else {
		for _, m := range mismatches {
			wrong = append(wrong, m.Layer.LayerType().String())
		}
	}
	return wrong
}

// flags returns the TCP flags that are set, in the order of the header's bits.
func (p *parsed) flags() string {
	var set []string
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"FIN", p.tcp.FIN},
		{"SYN", p.tcp.SYN},
		{"RST", p.tcp.RST},
		{"PSH", p.tcp.PSH},
		{"ACK", p.tcp.ACK},
		{"URG", p.tcp.URG},
		{"ECE", p.tcp.ECE},
		{"CWR", p.tcp.CWR},
	} {
		if f.on {
			set = append(set, f.name)
		}
	}
	return strings.Join(set, " ")
}

// summary describes a packet in one line, wrong checksums included.
func summary(t testing.TB, b []byte) string {
	t.Helper()
	p := parse(t, b)
	name := func(a netip.Addr) string {
		for host, list := range hosts {
			if i := slices.Index(list, a); i >= 0 {
				if host == language.Wire {
					return fmt.Sprintf("wire.%d", i%2+1)
				}
				return host
			}
		}
		return a.String()
	}
	text := name(p.src) + " > " + name(p.dst)
	switch {
	case p.tcp != nil:
		text += fmt.Sprintf(" %d > %d %s seq %d", p.tcp.SrcPort, p.tcp.DstPort, p.flags(), p.tcp.Seq)
		if p.tcp.ACK {
			text += fmt.Sprintf(" ack %d", p.tcp.Ack)
		} else if p.tcp.Ack != 0 {
			text += " with an acknowledgement number"
		}
		if n := len(p.tcp.Payload); n > 0 {
			text += fmt.Sprintf(" len %d", n)
		}
	case p.udp != nil:
		text += fmt.Sprintf(" udp %q", p.udp.Payload)
	case p.icmp4 != nil:
		text += fmt.Sprintf(" icmp %s", p.icmp4.TypeCode)
	case p.icmp6 != nil:
		text += fmt.Sprintf(" icmp %s", p.icmp6.TypeCode)
	}
	if wrong := p.wrongChecksums(); len(wrong) > 0 {
		text += " wrong: " + strings.Join(wrong, ", ")
	}
	return text
}

// decide gives the engine one packet at the wire, at a time in milliseconds.
func decide(e *Engine, b []byte, ms int) Decision {
	return e.Decide(forward, b, time.Duration(ms)*time.Millisecond)
}

// effects are the effects of a decision's strikes, by fault.
func effects(d *Decision) []string {
	var list []string
	for _, s := range d.Strikes {
		list = append(list, fmt.Sprintf("%s %s %d", s.Fault, s.Effect, s.N))
	}
	for _, s := range d.IfOvertaken {
		list = append(list, fmt.Sprintf("%s %s if overtaken", s.Fault, s.Effect))
	}
	for _, x := range d.Extras {
		if x.IfSent != nil {
			list = append(list, fmt.Sprintf("%s %s if sent", x.IfSent.Fault, x.IfSent.Effect))
		}
	}
	return list
}
