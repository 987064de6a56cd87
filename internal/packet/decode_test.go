package packet

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// frame serializes layers after an Ethernet header of zeros, as on lo.
func frame(t testing.TB, etherType layers.EthernetType, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: etherType}
	buf := gopacket.NewSerializeBuffer()
	all := append([]gopacket.SerializableLayer{eth}, ls...)
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ip4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{
		Version: 4, IHL: 5, TTL: 64, Id: 7, Protocol: proto,
		SrcIP: net.IP{198, 18, 1, 2}, DstIP: net.IP{198, 18, 2, 2},
	}
}

func ip6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: net.ParseIP("2001:2::1"), DstIP: net.ParseIP("2001:2:0:2::2")}
}

func tcp(set func(*layers.TCP)) *layers.TCP {
	t := &layers.TCP{SrcPort: 41234, DstPort: 8080, Seq: 123, Window: 64240}
	set(t)
	return t
}

func syn(h *layers.TCP)     { h.SYN = true }
func ackOnly(h *layers.TCP) { h.ACK, h.Ack = true, 9 }

type bytesOf = gopacket.Payload

// quote returns the first n bytes of a packet from its IP header on.
func quote(t testing.TB, n int, ls ...gopacket.SerializableLayer) bytesOf {
	b := frame(t, layers.EthernetTypeIPv4, ls...)[14:]
	return bytesOf(b[:min(n, len(b))])
}

func frames(t testing.TB) map[string][]byte {
	firstFrag := ip4(layers.IPProtocolUDP)
	firstFrag.Flags = layers.IPv4MoreFragments
	laterFrag := ip4(layers.IPProtocolUDP)
	laterFrag.FragOffset = 185
	fragHeader := make([]byte, 8)
	fragHeader[0] = 17
	binary.BigEndian.PutUint16(fragHeader[2:], 1480)
	hop := append([]byte{6, 0, 1, 4, 0, 0, 0, 0}, make([]byte, 0)...)
	synBytes := frame(t, layers.EthernetTypeIPv6, ip6(6), tcp(syn))[54:]
	v4, v6 := layers.EthernetTypeIPv4, layers.EthernetTypeIPv6
	udp := &layers.UDP{SrcPort: 5000, DstPort: 9}
	longOption := frame(t, v4, ip4(6), tcp(func(h *layers.TCP) {
		syn(h)
		h.Options = []layers.TCPOption{{OptionType: 2, OptionLength: 4, OptionData: []byte{5, 180}}}
	}))
	longOption[14+20+20+1] = 40
	return map[string][]byte{
		"SYN":                                  frame(t, v4, ip4(6), tcp(syn)),
		"SYN-ACK":                              frame(t, v4, ip4(6), tcp(func(h *layers.TCP) { h.SYN, h.ACK, h.Ack = true, true, 1 })),
		"ACK":                                  frame(t, v4, ip4(6), tcp(ackOnly)),
		"DATA":                                 frame(t, v4, ip4(6), tcp(ackOnly), bytesOf("hello")),
		"FIN":                                  frame(t, v4, ip4(6), tcp(func(h *layers.TCP) { ackOnly(h); h.FIN = true }), bytesOf("bye")),
		"RST":                                  frame(t, v4, ip4(6), tcp(func(h *layers.TCP) { ackOnly(h); h.RST = true })),
		"nothing":                              frame(t, v4, ip4(6), tcp(func(*layers.TCP) {})),
		"SYN on IPv6":                          frame(t, v6, ip6(6), tcp(syn)),
		"SYN after a hop-by-hop header":        frame(t, v6, ip6(0), bytesOf(append(hop, synBytes...))),
		"UDP":                                  frame(t, v4, ip4(17), udp, bytesOf("ping")),
		"first fragment of UDP":                frame(t, v4, firstFrag, udp, bytesOf("ping")),
		"later fragment of UDP":                frame(t, v4, laterFrag, bytesOf("the rest")),
		"later fragment on IPv6":               frame(t, v6, ip6(44), bytesOf(append(fragHeader, "the rest"...))),
		"port-unreachable that quotes UDP":     frame(t, v4, ip4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, quote(t, 28, ip4(17), &layers.UDP{SrcPort: 5000, DstPort: 9})),
		"fragmentation-needed that quotes 8 B": frame(t, v4, ip4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4), Seq: 1400}, quote(t, 28, ip4(6), tcp(ackOnly))),
		"host-prohibited":                      frame(t, v4, ip4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 10)}),
		"echo-request":                         frame(t, v4, ip4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}),
		"neighbour solicitation":               frame(t, v6, ip6(58), bytesOf(append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, net.ParseIP("2001:2::9")...))),
		"ICMPv6 port-unreachable":              frame(t, v6, ip6(58), bytesOf(append([]byte{1, 4, 0, 0, 0, 0, 0, 0}, frame(t, v6, ip6(17), udp)[14:]...))),
		"ARP request":                          frame(t, layers.EthernetTypeARP, &layers.ARP{AddrType: 1, Protocol: 0x800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1, SourceHwAddress: make([]byte, 6), DstHwAddress: make([]byte, 6), SourceProtAddress: []byte{198, 18, 1, 1}, DstProtAddress: []byte{198, 18, 1, 2}}),
		"spanning tree":                        frame(t, layers.EthernetType(0x88cc), bytesOf("lldp")),
		"a frame shorter than a link header":   {1, 2, 3},
		"an IPv4 header cut short":             frame(t, v4, ip4(6), tcp(syn))[:20],
		"a TCP header cut short":               frame(t, v4, ip4(6), tcp(syn))[:44],
		"an option longer than the header":     longOption,
	}
}

func TestSummarize(t *testing.T) {
	want := map[string]string{
		"SYN":                                  "198.18.1.2:41234 > 198.18.2.2:8080 SYN seq 123 win 64240 len 0",
		"SYN-ACK":                              "198.18.1.2:41234 > 198.18.2.2:8080 SYN-ACK seq 123 ack 1 win 64240 len 0",
		"ACK":                                  "198.18.1.2:41234 > 198.18.2.2:8080 ACK seq 123 ack 9 win 64240 len 0",
		"DATA":                                 "198.18.1.2:41234 > 198.18.2.2:8080 DATA seq 123 ack 9 win 64240 len 5",
		"FIN":                                  "198.18.1.2:41234 > 198.18.2.2:8080 FIN seq 123 ack 9 win 64240 len 3",
		"RST":                                  "198.18.1.2:41234 > 198.18.2.2:8080 RST seq 123 ack 9 win 64240 len 0",
		"nothing":                              "198.18.1.2:41234 > 198.18.2.2:8080 no flags seq 123 win 64240 len 0",
		"SYN on IPv6":                          "[2001:2::1]:41234 > [2001:2:0:2::2]:8080 SYN seq 123 win 64240 len 0",
		"SYN after a hop-by-hop header":        "[2001:2::1]:41234 > [2001:2:0:2::2]:8080 SYN seq 123 win 64240 len 0",
		"UDP":                                  "198.18.1.2:5000 > 198.18.2.2:9 udp len 4",
		"first fragment of UDP":                "198.18.1.2:5000 > 198.18.2.2:9 udp len 4 fragment at 0",
		"later fragment of UDP":                "198.18.1.2 > 198.18.2.2 udp len 8 fragment at 1480",
		"later fragment on IPv6":               "2001:2::1 > 2001:2:0:2::2 udp len 8 fragment at 1480",
		"port-unreachable that quotes UDP":     "198.18.1.2 > 198.18.2.2 icmp port-unreachable for 198.18.2.2:9",
		"fragmentation-needed that quotes 8 B": "198.18.1.2 > 198.18.2.2 icmp fragmentation-needed mtu 1400 for 198.18.2.2:8080",
		"host-prohibited":                      "198.18.1.2 > 198.18.2.2 icmp host-prohibited",
		"echo-request":                         "198.18.1.2 > 198.18.2.2 icmp echo-request",
		"neighbour solicitation":               "2001:2::1 > 2001:2::9 ndp request",
		"ICMPv6 port-unreachable":              "2001:2::1 > 2001:2:0:2::2 icmp port-unreachable for [2001:2:0:2::2]:9",
		"ARP request":                          "198.18.1.1 > 198.18.1.2 arp request",
		"spanning tree":                        "not IP",
		"a frame shorter than a link header":   "not IP malformed",
		"an IPv4 header cut short":             "v4 malformed",
		"a TCP header cut short":               "198.18.1.2:41234 > 198.18.2.2:8080 no flags seq 123 win 0 len 0 malformed",
		"an option longer than the header":     "198.18.1.2:41234 > 198.18.2.2:8080 SYN seq 123 win 64240 len 0 malformed",
	}
	got := map[string]string{}
	for name, f := range frames(t) {
		d := Decode(f)
		got[name] = Summarize(&d)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summaries (-want +got):\n%s", diff)
	}
}

func TestDecodeReadsTCPOptions(t *testing.T) {
	opt := func(kind layers.TCPOptionKind, data ...byte) layers.TCPOption {
		return layers.TCPOption{OptionType: kind, OptionLength: uint8(len(data) + 2), OptionData: data}
	}
	d := Decode(frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(func(h *layers.TCP) {
		h.SYN = true
		h.Options = []layers.TCPOption{
			opt(2, 5, 180), opt(4), opt(8, 0, 0, 0, 1, 0, 0, 0, 2), {OptionType: 1}, opt(3, 7), opt(34, 1, 2, 3, 4), opt(5, 0, 0, 0, 3, 0, 0, 0, 4),
		}
	})))
	want := TCPOptions{MSS: 1460, WindowScale: 7, SACKPermitted: true, SACK: [][2]uint32{{3, 4}}, Timestamps: true, TSVal: 1, TSEcr: 2, FastOpen: true}
	if diff := cmp.Diff(want, d.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestDecodeCountsPayloadThatTheCaptureCut(t *testing.T) {
	whole := frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(ackOnly), make(bytesOf, 1000))
	d := Decode(whole[:14+20+20+96])
	if d.PayloadLen != 1000 || len(d.Payload) != 96 || d.Malformed {
		t.Errorf("payload of %d bytes, %d captured, malformed %t; want 1000, 96, false", d.PayloadLen, len(d.Payload), d.Malformed)
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range frames(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Decode(b)
		if len(d.Payload) > len(b) || d.PayloadLen < 0 || (d.Inner != nil && d.Inner.Inner != nil) {
			t.Errorf("payload %d of %d bytes, inner %v", len(d.Payload), d.PayloadLen, d.Inner)
		}
		if Summarize(&d) == "" {
			t.Error("no summary")
		}
		flows := NewFlows()
		if first, second := flows.Track(&d, "", "", false), flows.Track(&d, "", "", false); first.Conn != second.Conn {
			t.Errorf("the same packet belongs to connection %d, then to %d", first.Conn, second.Conn)
		}
	})
}
