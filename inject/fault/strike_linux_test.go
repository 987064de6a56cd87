package fault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// A fault strikes exactly the packets it names, whichever mechanism carries it out. Each fault of
// the golden plans that iptables can carry out meets many packets of all sorts. The packets that
// come through must be exactly those that its selector does not match in expectations either.
func TestFaultsStrikeThePacketsTheyName(t *testing.T) {
	for _, path := range planFiles(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		for _, s := range load(t, path) {
			if s.Network.Shape != "" && s.Network.Shape != language.ShapeWire {
				continue
			}
			for _, via := range []Mechanism{IPTables, NFQueue} {
				faults := shootable(t, s, name, via)
				if len(faults) == 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s-%s-%s", name, s.Family, via), func(t *testing.T) {
					if !testlab.InLabBeside(t) {
						return
					}
					s.Faults = faults
					r := newRange(t, s)
					for _, f := range faults {
						r.shoot(f.Name)
					}
				})
			}
		}
	}
}

// shootable returns the scenario's faults that the mechanism can carry out at a place where packets
// between the first two hosts meet them.
func shootable(t *testing.T, s *language.Scenario, name string, via Mechanism) []language.Fault {
	t.Helper()
	_, p := compile(t, s, Features{Netem: true})
	var faults []language.Fault
	for _, f := range s.Faults {
		elsewhere := func(h language.Host) bool { return h.Name == f.Match.From || h.Name == f.Match.To }
		if p.Fault(f.Name).Mechanism != IPTables || strings.HasSuffix(f.At, ".input") || slices.ContainsFunc(s.Hosts[2:], elsewhere) {
			continue
		}
		f.Via = string(via)
		faults = append(faults, f)
	}
	return faults
}

// shots is how many packets each fault meets.
const shots = 1300

// shootingRange sends packets between the first two hosts of a lab.
type shootingRange struct {
	*lab
	hosts    [2]string
	raw      [2]int
	captures [2]int
	scenario *language.Scenario
	packets  []shot
}

func newRange(t *testing.T, s *language.Scenario) *shootingRange {
	t.Helper()
	r := &shootingRange{lab: newLab(t, s, Features{Netem: true}), scenario: s}
	for i := range r.hosts {
		host := r.topology.Hosts[i].Name
		r.hosts[i] = host
		r.mute(host, s.Family)
		r.raw[i], r.captures[i] = r.lab.raw(host, s.Family), r.packetSocket(host)
	}
	r.packets = r.load()
	return r
}

// shoot puts the fault in force and sends all packets.
func (r *shootingRange) shoot(fault string) {
	r.t.Helper()
	f := r.scenario.Fault(fault)
	packets := r.packets
	hops := uint8(1)
	if f.At != "" {
		hops = 0
	}
	means := meant(r.t, f, packets, r.addrs, hops)
	struck := 0
	for _, m := range means {
		if m {
			struck++
		}
	}
	if struck < 3 {
		r.t.Errorf("%s: only %d packets are meant: the test shows nothing", fault, struck)
	}
	before := r.hits(fault)
	r.on(fault)
	// A few at a time, so that queues do not overflow.
	for chunk := range slices.Chunk(packets, 40) {
		for _, p := range chunk {
			r.send(p)
		}
		r.await(fault, packets, chunk, means)
	}
	// A queue may still hold the last ones, if they are struck.
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.hits(fault)-before < uint64(struck) {
		select {
		case <-tick.C:
			continue
		case <-deadline:
		}
		break
	}
	r.off(fault)
	if got := r.hits(fault) - before; got != uint64(struck) {
		r.t.Errorf("%s: %d hits, want %d", fault, got, struck)
	}
}

// meant reports which packets a fault should strike, by the judgement of expectations on its
// selector, given how many routers a packet has passed before the fault sees it.
func meant(t *testing.T, f *language.Fault, packets []shot, hosts selector.Hosts, hops uint8) []bool {
	t.Helper()
	m, err := selector.New(&f.Match, hosts)
	if err != nil {
		t.Fatal(err)
	}
	means := make([]bool, len(packets))
	matching := 0
	for i, p := range packets {
		d := packet.DecodeIP(p.bytes)
		d.TTL -= hops
		match := m.Matches(&d, &packet.Flow{})
		if k := f.Do.Partition; k != nil {
			match = k.Direction != "in" && hosts.Has(k.Host, d.Src) || k.Direction != "out" && hosts.Has(k.Host, d.Dst)
		}
		if f.At != "" && !hosts.Has(strings.TrimSuffix(f.At, ".output"), d.Src) {
			match = false
		}
		if !match {
			continue
		}
		if matching++; f.Every == 0 || matching%f.Every == 0 {
			means[i] = true
		}
	}
	return means
}

func (r *shootingRange) send(p shot) {
	r.t.Helper()
	sa, _ := sockaddr(netip.AddrPortFrom(p.to, 0))
	// EPERM is the error of a host's own OUTPUT chain.
	if err := unix.Sendto(r.raw[p.side], p.bytes, 0, sa); err != nil && err != unix.EPERM {
		r.t.Fatalf("sending %s: %v", p, err)
	}
}

// await waits until all sent packets that the fault should not strike have come through.
func (r *shootingRange) await(fault string, all, sent []shot, means []bool) {
	r.t.Helper()
	waiting := map[int]shot{}
	for _, p := range sent {
		if !means[p.number] {
			waiting[p.number] = p
		}
	}
	deadline := time.Now().Add(patience)
	buffer := make([]byte, 2048)
	for {
		for _, fd := range r.captures {
			for {
				size, from, err := unix.Recvfrom(fd, buffer, 0)
				if err == unix.EAGAIN {
					break
				}
				if err != nil {
					r.t.Fatal(err)
				}
				link, ok := from.(*unix.SockaddrLinklayer)
				number := numberOf(buffer[:size])
				if !ok || link.Pkttype == unix.PACKET_OUTGOING || number < 0 || number >= len(all) || !all[number].is(buffer[:size]) {
					continue
				}
				if means[number] {
					r.t.Errorf("%s let pass %s", fault, all[number])
				}
				delete(waiting, number)
			}
		}
		if len(waiting) == 0 {
			return
		}
		left := time.Until(deadline)
		if left <= 0 {
			for _, p := range waiting {
				r.t.Errorf("%s struck %s", fault, p)
			}
			return
		}
		fds := []unix.PollFd{{Fd: int32(r.captures[0]), Events: unix.POLLIN}, {Fd: int32(r.captures[1]), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, int(left.Milliseconds())+1); err != nil && err != unix.EINTR {
			r.t.Fatal(err)
		}
	}
}

// shot is an IP packet that one of the two hosts sends. Its number is in the identification of IPv4
// or the flow label of IPv6, plus one, because other packets have 0.
type shot struct {
	number int
	side   int
	to     netip.Addr
	bytes  []byte
}

func (p shot) String() string {
	d := packet.DecodeIP(p.bytes)
	return fmt.Sprintf("packet %d: %s -> %s %s %s %s %d -> %d, %d bytes, options %+v, ttl %d",
		p.number, d.Src, d.Dst, d.Proto, d.ICMPType, flagText(d.Flags), d.SPort, d.DPort, d.PayloadLen, d.Options, d.TTL)
}

// is reports whether a packet is this one, after routers have changed its TTL. Answers of the
// kernel may have its number.
func (p shot) is(packet []byte) bool {
	unchanged := 12 // the addresses and all that follows
	if p.to.Is6() {
		unchanged = 8
	}
	return len(packet) >= unchanged && bytes.Equal(packet[unchanged:], p.bytes[unchanged:])
}

// flagText has a letter for each TCP flag.
func flagText(f packet.TCPFlags) string {
	text := ""
	for i, letter := range "FSRPAU" {
		if f>>i&1 != 0 {
			text += string(letter)
		}
	}
	return text
}

func numberOf(packet []byte) int {
	if len(packet) < 40 && packet[0]>>4 == 6 || len(packet) < 20 {
		return -1
	}
	if packet[0]>>4 == 6 {
		return int(binary.BigEndian.Uint32(packet)&0xfffff) - 1
	}
	return int(binary.BigEndian.Uint16(packet[4:])) - 1
}

// load makes the packets, the same in each run.
func (r *shootingRange) load() []shot {
	random := rand.New(rand.NewPCG(7, 7))
	one := func(n int) bool { return random.IntN(n) == 0 }
	ports := []uint16{80, 443, 53, 7, 8, 9, 10, 15, 16, 4321}
	lengths := []int{0, 0, 0, 1, 2, 5, 6, 9, 10, 99, 100, 101, 511, 512, 1000, 1001}
	ttls := []uint8{2, 4, 5, 6, 62, 63, 64, 65, 66, 200}
	pick := func(addrs []netip.Addr) netip.Addr { return addrs[random.IntN(len(addrs))] }
	var list []shot
	for number := range shots {
		side := random.IntN(2)
		from, to := pick(r.addrs[r.hosts[side]]), pick(r.addrs[r.hosts[1-side]])
		payload := gopacket.Payload(make([]byte, lengths[random.IntN(len(lengths))]))
		ttl := ttls[random.IntN(len(ttls))]
		var upper []gopacket.SerializableLayer
		var protocol layers.IPProtocol
		var network gopacket.NetworkLayer
		v4 := &layers.IPv4{Version: 4, Id: uint16(number + 1), TTL: ttl, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		v6 := &layers.IPv6{Version: 6, FlowLabel: uint32(number + 1), HopLimit: ttl, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		if network = v4; from.Is6() {
			network = v6
		} else if one(8) {
			v4.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 0}}
		}
		switch kind := random.IntN(12); {
		case kind < 7:
			flags := random.IntN(64)
			if one(2) {
				// The usual combinations more often than chance would draw them.
				flags = []int{0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14}[random.IntN(7)]
			}
			tcp := &layers.TCP{
				SrcPort: layers.TCPPort(ports[random.IntN(len(ports))]), DstPort: layers.TCPPort(ports[random.IntN(len(ports))]),
				Seq: random.Uint32(), Window: 1000,
				FIN: flags&1 != 0, SYN: flags&2 != 0, RST: flags&4 != 0, PSH: flags&8 != 0, ACK: flags&16 != 0, URG: flags&32 != 0,
			}
			for _, o := range []layers.TCPOption{
				{OptionType: 2, OptionLength: 4, OptionData: []byte{2, 24}},
				{OptionType: 3, OptionLength: 3, OptionData: []byte{7}},
				{OptionType: 4, OptionLength: 2},
				{OptionType: 5, OptionLength: 10, OptionData: make([]byte, 8)},
				{OptionType: 8, OptionLength: 10, OptionData: make([]byte, 8)},
				{OptionType: 34, OptionLength: 6, OptionData: make([]byte, 4)},
			} {
				if one(4) {
					tcp.Options = append(tcp.Options, o)
				}
			}
			upper, protocol = []gopacket.SerializableLayer{tcp, payload}, layers.IPProtocolTCP
		case kind < 9:
			udp := &layers.UDP{SrcPort: layers.UDPPort(ports[random.IntN(len(ports))]), DstPort: layers.UDPPort(ports[random.IntN(len(ports))])}
			upper, protocol = []gopacket.SerializableLayer{udp, payload}, layers.IPProtocolUDP
		case from.Is4():
			types := []layers.ICMPv4TypeCode{0x0800, 0x0000, 0x0b00, 0x0b01, 0x0c00, 0x0c01}
			for code := range layers.ICMPv4TypeCode(17) { // the last has no name
				types = append(types, 0x0300+code)
			}
			icmp := &layers.ICMPv4{TypeCode: types[random.IntN(len(types))]}
			upper, protocol = []gopacket.SerializableLayer{icmp, gopacket.Payload(make([]byte, 28))}, layers.IPProtocolICMPv4
		default:
			types := []layers.ICMPv6TypeCode{0x0200, 0x0300, 0x0301, 0x0400, 0x0401, 0x0402, 0x8000, 0x8100}
			for code := range layers.ICMPv6TypeCode(8) {
				types = append(types, 0x0100+code)
			}
			icmp := &layers.ICMPv6{TypeCode: types[random.IntN(len(types))]}
			upper, protocol = []gopacket.SerializableLayer{icmp, gopacket.Payload(make([]byte, 52))}, layers.IPProtocolICMPv6
		}
		v4.Protocol, v6.NextHeader = protocol, protocol
		for _, l := range upper {
			if c, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				r.try(c.SetNetworkLayerForChecksum(network))
			}
		}
		all := append([]gopacket.SerializableLayer{network.(gopacket.SerializableLayer)}, upper...)
		buffer := gopacket.NewSerializeBuffer()
		r.try(gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...))
		list = append(list, shot{number: number, side: side, to: to, bytes: buffer.Bytes()})
	}
	return list
}
