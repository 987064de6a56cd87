package assertions

import (
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// TestSelect selects packets of a short conversation, given by their indexes.
func TestSelect(t *testing.T) {
	p := newTape()
	second := func(s seen) seen { s.sport = 41235; return s }
	quoted := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(quoted, gopacket.SerializeOptions{FixLengths: true},
		&layers.IPv4{Version: 4, IHL: 5, Protocol: layers.IPProtocolUDP, SrcIP: []byte{198, 18, 1, 2}, DstIP: []byte{198, 18, 2, 2}},
		&layers.UDP{SrcPort: 5000, DstPort: 9}); err != nil {
		t.Fatal(err)
	}
	const (
		syn = iota
		synSecond
		synAgain
		data
		dataSecond
		fin
		rst
		udp
		icmp
		arp
		packets
	)
	p.packet(syn, toServer("S", 1000, 0, ""))
	p.packet(synSecond, second(toServer("S", 7000, 0, "")))
	p.packet(synAgain, toServer("S", 1000, 0, ""))
	p.packet(data, toServer("A", 1001, 1, "hello"))
	p.packet(dataSecond, second(toServer("A", 7001, 1, "world!")))
	p.packet(fin, toServer("FA", 1006, 1, ""))
	p.packet(rst, toClient("R", 1, 0, ""))
	p.packet(udp, seen{host: "client", src: clientAddr, dst: serverAddr, sport: 5000, dport: 9, data: "ping"})
	p.frame(icmp, seen{host: "server"},
		&layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: []byte{198, 18, 2, 2}, DstIP: []byte{198, 18, 1, 2}},
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(quoted.Bytes()))
	p.frame(arp, seen{host: "client"}, &layers.ARP{
		AddrType: 1, Protocol: 0x800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
		SourceHwAddress: make([]byte, 6), DstHwAddress: make([]byte, 6), SourceProtAddress: []byte{198, 18, 1, 2}, DstProtAddress: []byte{198, 18, 1, 1},
	})
	p.changeLast(func(k *trace.Packet) { k.Frame[12], k.Frame[13] = 0x08, 0x06 })
	tr := p.tr
	var indexes []int
	for i := range tr.Events {
		if tr.Events[i].IsPacket() {
			indexes = append(indexes, i)
		}
	}
	if len(indexes) != packets {
		t.Fatalf("%d packets, want %d", len(indexes), packets)
	}
	count := func(low, high int64) *language.Count { return &language.Count{Min: low, Max: high} }
	yes, no := true, false
	tests := []struct {
		name string
		s    language.Selector
		want []int
	}{
		{"everything that is IP", language.Selector{}, []int{syn, synSecond, synAgain, data, dataSecond, fin, rst, udp, icmp}},
		{"from the server", language.Selector{From: "server"}, []int{rst, icmp}},
		{"to the server", language.Selector{To: "server", TCP: language.Kinds{language.AnySegment}}, []int{syn, synSecond, synAgain, data, dataSecond, fin}},
		{"one of two kinds", language.Selector{TCP: language.Kinds{language.FIN, language.RST}}, []int{fin, rst}},
		{"the second connection", language.Selector{TCP: language.Kinds{language.AnySegment}, Conn: 2}, []int{synSecond, dataSecond}},
		{"a connection without a packet that fits", language.Selector{Payload: &language.Payload{Contains: "world"}, Conn: 1}, nil},
		{"the second connection, which has the first packet that fits", language.Selector{Payload: &language.Payload{Contains: "world"}, Conn: 2}, []int{dataSecond}},
		{"the first connection of UDP, which is the third of all", language.Selector{UDP: "any", Conn: 1}, []int{udp}},
		{"a connection that does not exist", language.Selector{Conn: 9}, nil},
		{"retransmissions", language.Selector{Retransmission: &yes}, []int{synAgain}},
		{"SYNs sent for the first time", language.Selector{TCP: language.Kinds{language.SYN}, Retransmission: &no}, []int{syn, synSecond}},
		{"a source port", language.Selector{SPort: language.PortList(41235, 8080)}, []int{synSecond, dataSecond, rst}},
		{"a destination port", language.Selector{DPort: language.PortList(9)}, []int{udp}},
		{"either port", language.Selector{Port: language.PortList(41235)}, []int{synSecond, dataSecond}},
		{"a range of source ports", language.Selector{SPort: language.Ports{{First: 41235, Last: 50000}}}, []int{synSecond, dataSecond}},
		{"one of two ranges", language.Selector{Port: language.Ports{{First: 1, Last: 9}, {First: 41235, Last: 41235}}}, []int{synSecond, dataSecond, udp}},
		{"a range of ports that nobody uses", language.Selector{Port: language.Ports{{First: 10, Last: 4999}}}, nil},
		{"a payload by its bytes", language.Selector{Payload: &language.Payload{Hex: "70 69"}}, []int{udp}},
		{"a payload by its length", language.Selector{Payload: &language.Payload{Length: count(5, 5)}}, []int{data}},
		{"a payload by its place in the stream", language.Selector{Payload: &language.Payload{Offset: count(5, 9)}}, []int{dataSecond}},
		{"relative sequence numbers", language.Selector{Seq: count(1, 6), From: "client"}, []int{data, dataSecond, fin}},
		{"acknowledgements of the SYN", language.Selector{Ack: count(1, 1)}, []int{data, dataSecond, fin}},
		{"any acknowledgement number, which segments without the flag ACK lack", language.Selector{Ack: count(0, 1<<32)}, []int{data, dataSecond, fin}},
		{"a TTL that no packet has", language.Selector{TTL: count(1, 1)}, nil},
		{"segments without timestamps", language.Selector{TCP: language.Kinds{language.SYN}, Options: map[string]bool{"timestamps": false}}, []int{syn, synSecond, synAgain}},
		{"segments with timestamps", language.Selector{Options: map[string]bool{"timestamps": true}}, nil},
		{"UDP", language.Selector{UDP: "any"}, []int{udp}},
		{"ICMP of one sort", language.Selector{ICMP: "port-unreachable"}, []int{icmp}},
		{"ICMP of another sort", language.Selector{ICMP: "host-unreachable"}, nil},
		{"ARP", language.Selector{ARP: "request", From: "client"}, []int{arp}},
		{"ARP answers", language.Selector{ARP: "reply"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := selector.New(&test.s, tr.Addresses())
			if err != nil {
				t.Fatal(err)
			}
			got := selectPackets(m, tr, tr.Flows(), indexes)
			for i := range got {
				got[i] -= indexes[0]
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("packets %v, want %v", got, test.want)
			}
		})
	}
}
