package fault

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// Filter is a u32 filter of tc (tc-u32(8)). It selects the packets that match all of its keys.
type Filter struct {
	// Protocol is ip or ipv6.
	Protocol string
	// Matches are the keys as typed in a command, Keys as the kernel stores them.
	Matches []string
	Keys    []Key
}

// Key compares four bytes of a packet, from its IP header on, in network order.
type Key struct {
	Offset      int
	Value, Mask uint32
}

// String returns the filter's matches as typed in a command.
func (f Filter) String() string { return strings.Join(f.Matches, " ") }

// match adds a match: its text, and the keys it compares. Keys at the same offset are merged, as tc
// does.
func (f *Filter) match(text string, keys ...Key) {
	f.Matches = append(f.Matches, "match "+text)
	for _, k := range keys {
		at := slices.IndexFunc(f.Keys, func(have Key) bool { return have.Offset == k.Offset })
		if at < 0 {
			f.Keys = append(f.Keys, k)
			continue
		}
		f.Keys[at].Value |= k.Value
		f.Keys[at].Mask |= k.Mask
	}
}

// keyAt returns the key for 1 or 2 bytes at an offset.
func keyAt(offset, size int, value, mask uint32) Key {
	shift := 8 * (4 - offset%4 - size)
	return Key{offset &^ 3, value << shift, mask << shift}
}

// filters returns the alternatives of a selector, each as a filter. Its error says what tc cannot
// match.
func (c *compilation) filters() ([]Filter, error) {
	m := &c.fault.Match
	if k := m.Beyond(
		language.KeyFrom, language.KeyTo, language.KeyTCP, language.KeyUDP, language.KeyICMP,
		language.KeyPort, language.KeySPort, language.KeyDPort,
	); k != "" {
		return nil, c.beyond(k)
	}
	if what := beyondU32(m); what != "" {
		return nil, c.needsQueue(what)
	}
	protocol, numbers := c.protocolNumbers()
	if len(m.Port)+len(m.SPort)+len(m.DPort) > 0 && protocol == "" {
		return nil, c.errorf(code.MissingKey,
			"ports and lengths need a protocol: add tcp or udp to match")
	}
	base := Filter{Protocol: "ip"}
	if c.topology.Family == language.V6 {
		base.Protocol = "ipv6"
	}
	list := []Filter{base}
	// each replaces every filter by one filter for each alternative.
	each := func(count int, add func(f *Filter, i int)) {
		if count == 0 {
			return
		}
		var all []Filter
		for _, f := range list {
			for i := range count {
				one := Filter{f.Protocol, slices.Clone(f.Matches), slices.Clone(f.Keys)}
				add(&one, i)
				all = append(all, one)
			}
		}
		list = all
	}
	for _, side := range []struct{ name, host string }{{"src", m.From}, {"dst", m.To}} {
		if side.host == "" {
			continue
		}
		h := c.topology.Host(side.host)
		if h == nil {
			return nil, c.errorf(code.UnknownName, "unknown host %q", side.host)
		}
		each(len(h.Addrs), func(f *Filter, i int) { f.address(side.name, h.Addrs[i]) })
	}
	if protocol != "" {
		each(1, func(f *Filter, _ int) { f.protocol(numbers[protocol]) })
	}
	if len(m.Port)+len(m.SPort)+len(m.DPort) > 0 ||
		slices.ContainsFunc(m.TCP, func(k language.SegmentKind) bool {
			return k != language.AnySegment
		}) {
		each(1, func(f *Filter, _ int) { f.plainHeader() })
	}
	either, source, destination := blocks(m.Port), blocks(m.SPort), blocks(m.DPort)
	if max(1, 2*len(either))*max(1, len(source))*max(1, len(destination))*len(list)*
		max(1, len(m.TCP)) > mostFilters {
		return nil, c.needsQueue(fmt.Sprintf("match ports that take more than %d u32 filters", mostFilters))
	}
	each(len(m.TCP), func(f *Filter, i int) { f.kind(m.TCP[i]) })
	each(2*len(either), func(f *Filter, i int) {
		f.port([]string{"sport", "dport"}[i%2], either[i/2])
	})
	each(len(source), func(f *Filter, i int) { f.port("sport", source[i]) })
	each(len(destination), func(f *Filter, i int) { f.port("dport", destination[i]) })
	for i := range list {
		if len(list[i].Keys) == 0 {
			list[i].match("u32 0 0 at 0", Key{})
		}
	}
	return list, nil
}

// kindBits are the flags of the segment kinds that flags alone identify: the mask, and the flags
// set.
var kindBits = map[language.SegmentKind][2]uint32{
	language.SYN:    {0x16, 0x02},
	language.SYNACK: {0x16, 0x12},
	language.FIN:    {0x07, 0x01},
	language.RST:    {0x04, 0x04},
}

// beyondU32 returns what u32 filters cannot match although they know its key, or "".
func beyondU32(m *language.Selector) string {
	for _, k := range m.TCP {
		if _, ok := kindBits[k]; !ok && k != language.AnySegment {
			return "match the segment kind " + string(k) + " (u32 cannot match lengths)"
		}
	}
	switch {
	case m.Port != nil && (m.SPort != nil || m.DPort != nil):
		return "match port together with sport or dport"
	case m.ICMP != "" && m.ICMP != "any":
		return "match kinds of ICMP messages"
	}
	return ""
}

// protocolNumbers returns the selector's protocol, "" for all, and the protocol numbers by name
// (IANA).
func (c *compilation) protocolNumbers() (string, map[string]int) {
	numbers := map[string]int{"tcp": 6, "udp": 17, "icmp": 1}
	if c.topology.Family == language.V6 {
		numbers["icmp"] = 58
	}
	m := &c.fault.Match
	switch {
	case len(m.TCP) > 0:
		return "tcp", numbers
	case m.UDP != "":
		return "udp", numbers
	case m.ICMP != "":
		return "icmp", numbers
	}
	return "", numbers
}

// word returns tc's name for the family in matches.
func (f *Filter) word() string {
	if f.Protocol == "ipv6" {
		return "ip6"
	}
	return "ip"
}

func (f *Filter) address(side string, a netip.Addr) {
	offset := map[string]int{
		"ip src": 12, "ip dst": 16, "ip6 src": 8, "ip6 dst": 24,
	}[f.word()+" "+side]
	var keys []Key
	for part := range slices.Chunk(a.AsSlice(), 4) {
		value := uint32(part[0])<<24 | uint32(part[1])<<16 | uint32(part[2])<<8 | uint32(part[3])
		keys = append(keys, Key{offset, value, 0xffffffff})
		offset += 4
	}
	f.match(fmt.Sprintf("%s %s %s/%d", f.word(), side, a, a.BitLen()), keys...)
}

func (f *Filter) protocol(number int) {
	offset := 9
	if f.Protocol == "ipv6" {
		offset = 6
	}
	f.match(fmt.Sprintf("%s protocol %d 0xff", f.word(), number),
		keyAt(offset, 1, uint32(number), 0xff))
}

// plainHeader makes sure that the transport header is where the filter looks for it: after an IPv4
// header without options, and in this fragment. On IPv6 the protocol match already ensures this.
func (f *Filter) plainHeader() {
	if f.Protocol == "ip" {
		f.match("ip ihl 5 0xf", keyAt(0, 1, 5, 0xf))
		f.match("u16 0 0x1fff at 6", keyAt(6, 2, 0, 0x1fff))
	}
}

// transport returns where the TCP or UDP header begins.
func (f *Filter) transport() int {
	if f.Protocol == "ipv6" {
		return 40
	}
	return 20
}

func (f *Filter) kind(k language.SegmentKind) {
	bits, ok := kindBits[k]
	if !ok {
		return // any
	}
	at := f.transport() + 13
	f.match(fmt.Sprintf("u8 %#x %#x at %d", bits[1], bits[0], at), keyAt(at, 1, bits[1], bits[0]))
}

func (f *Filter) port(side string, b block) {
	at := f.transport()
	if side == "dport" {
		at += 2
	}
	f.match(fmt.Sprintf("%s %s %d %#x", f.word(), side, b.value, b.mask), keyAt(at, 2, b.value, b.mask))
}

// mostFilters bounds the filters of a fault: a table of u32 filters has room for 4094.
const mostFilters = 1000

// block is a block of ports that one comparison of bits can match: a power of two of them.
type block struct{ value, mask uint32 }

// blocks returns the fewest blocks that together are the given ports: 40000..40010 are 40000 to
// 40007, 40008 to 40009, and 40010.
func blocks(ports language.Ports) []block {
	var all []block
	for _, p := range ports {
		for first := p.First; first <= p.Last; {
			size := 1
			for first%(2*size) == 0 && first+2*size-1 <= p.Last {
				size *= 2
			}
			all = append(all, block{uint32(first), uint32(0x10000-size) & 0xffff})
			first += size
		}
	}
	return all
}
