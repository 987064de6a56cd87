// Package selector matches packets against selectors. Faults and expectations use the same code, so
// both mean the same packets.
package selector

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// Hosts maps the names of a lab's hosts, including the wire, to their addresses.
type Hosts map[string][]netip.Addr

// Has reports whether the address belongs to the host.
func (h Hosts) Has(host string, a netip.Addr) bool {
	return slices.Contains(h[host], a.Unmap())
}

// Matcher matches packets against one selector.
type Matcher struct {
	selector language.Selector
	tests    []test
	hosts    Hosts
	conn     int

	// text, bytes and options are what payloads and TCP headers must have, read once: packets are
	// matched in the path of a queue.
	text, bytes []byte
	options     []option
}

// option is a TCP option that must be there, or must not.
type option struct {
	kind uint8
	want bool
}

// test checks one key of a selector, or several keys that belong together.
type test func(m *Matcher, d *packet.Decoded, f *packet.Flow) bool

// need is what the check of a key needs in addition to the packet's headers.
type need int

const (
	// ofFlow needs the packet's place in its connection.
	ofFlow need = 1 << iota
	// ofPayload needs the bytes of the payload.
	ofPayload
)

// tests has the test of each key. Keys that share a test are checked together.
var tests = map[language.Key]struct {
	holds test
	needs need
}{
	language.KeyFrom: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool { return m.hosts.Has(m.selector.From, d.Src) }},
	language.KeyTo:   {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool { return m.hosts.Has(m.selector.To, d.Dst) }},
	// The protocols are alternatives and are checked for every selector: see New.
	language.KeyTCP:  {},
	language.KeyUDP:  {},
	language.KeyICMP: {},
	language.KeyARP:  {},
	language.KeyPort: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return hasPorts(d) && (m.selector.Port.Contain(int(d.SPort)) || m.selector.Port.Contain(int(d.DPort)))
	}},
	language.KeySPort: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return hasPorts(d) && m.selector.SPort.Contain(int(d.SPort))
	}},
	language.KeyDPort: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return hasPorts(d) && m.selector.DPort.Contain(int(d.DPort))
	}},
	// Which connection is the nth follows only from a sequence of packets: see Conns.
	language.KeyConn:            {needs: ofFlow},
	language.KeyPayloadContains: {contains, ofPayload},
	language.KeyPayloadHex:      {containsHex, ofPayload},
	language.KeyPayloadLength: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return hasPayload(d) && m.selector.Payload.Length.Contains(int64(d.PayloadLen))
	}},
	language.KeyPayloadOffset: {covers, ofFlow},
	language.KeyRetransmission: {func(m *Matcher, d *packet.Decoded, f *packet.Flow) bool {
		return isSegment(d) && *m.selector.Retransmission == f.Retransmission
	}, ofFlow},
	language.KeyOptions: {holds: hasOptions},
	language.KeySeq: {func(m *Matcher, d *packet.Decoded, f *packet.Flow) bool {
		return isSegment(d) && m.selector.Seq.Contains(f.Seq)
	}, ofFlow},
	language.KeyAck: {func(m *Matcher, d *packet.Decoded, f *packet.Flow) bool {
		return isSegment(d) && d.Flags&packet.ACK != 0 && m.selector.Ack.Contains(f.Ack)
	}, ofFlow},
	language.KeyWindow: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return isSegment(d) && m.selector.Window.Contains(int64(d.Window))
	}},
	language.KeyTTL: {holds: func(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
		return d.Proto != "arp" && m.selector.TTL.Contains(int64(d.TTL))
	}},
}

// New returns the matcher of a selector. A key that it cannot check is an error.
//
// A selector without a protocol matches IP packets except neighbour and multicast listener
// discovery. IPv4 does that without IP, so an expectation means the same on both. With ports the
// selector matches TCP and UDP. Several protocols in one selector are alternatives. Sequence
// numbers, windows and TCP options match only TCP segments, an acknowledgement number only those
// with the ACK flag, a payload only TCP and UDP.
func New(s *language.Selector, hosts Hosts) (*Matcher, error) {
	m := &Matcher{selector: *s, tests: []test{protocolMatches}, hosts: hosts, conn: s.Conn}
	for _, k := range s.Keys() {
		t, known := tests[k]
		if !known {
			return nil, fmt.Errorf("cannot match packets by the key %s", k)
		}
		if t.holds != nil {
			m.tests = append(m.tests, t.holds)
		}
	}
	if p := s.Payload; p != nil {
		m.text = []byte(p.Contains)
		var err error
		if m.bytes, err = language.DecodeHex(p.Hex); err != nil {
			return nil, fmt.Errorf("reading the payload's bytes %q: %w", p.Hex, err)
		}
	}
	for name, want := range s.Options {
		kind, known := language.TCPOptionKind(name)
		if !known {
			return nil, fmt.Errorf("cannot match packets by the TCP option %q", name)
		}
		m.options = append(m.options, option{kind, want})
	}
	return m, nil
}

// NeedsFlow reports whether the check of a selector needs the packet's place in its connection.
func NeedsFlow(s *language.Selector) bool { return needs(s, ofFlow) }

// NeedsPayload reports whether the check of a selector needs the bytes of payloads.
func NeedsPayload(s *language.Selector) bool { return needs(s, ofPayload) }

func needs(s *language.Selector, n need) bool {
	return slices.ContainsFunc(s.Keys(), func(k language.Key) bool { return tests[k].needs&n != 0 })
}

// Matches reports whether a packet matches the selector, apart from the connection that it belongs
// to: see [Conns].
func (m *Matcher) Matches(d *packet.Decoded, f *packet.Flow) bool {
	for _, holds := range m.tests {
		if !holds(m, d, f) {
			return false
		}
	}
	return true
}

// Conns picks the packets of the connection that a selector asks for: the nth in the order in which
// the connections of its protocol were first seen, whatever else it selects. A selector that names
// neither TCP nor UDP counts the connections of both. The zero value has seen no connection.
type Conns struct{ seen []int }

// See counts the connection of a packet. All packets must be seen, in order of time, also those
// that the selector does not match.
func (c *Conns) See(m *Matcher, d *packet.Decoded, f *packet.Flow) {
	s := &m.selector
	counted := len(s.TCP) == 0 && s.UDP == "" ||
		len(s.TCP) > 0 && d.Proto == "tcp" || s.UDP != "" && d.Proto == "udp"
	if f.Conn > 0 && counted && len(c.seen) < m.conn && !slices.Contains(c.seen, f.Conn) {
		c.seen = append(c.seen, f.Conn)
	}
}

// Takes reports whether a packet that the rest of the selector matches belongs to the connection
// that the selector asks for. It is true if the selector asks for no connection.
func (c *Conns) Takes(m *Matcher, f *packet.Flow) bool {
	return m.conn == 0 || len(c.seen) == m.conn && c.seen[m.conn-1] == f.Conn
}

// Complete reports whether the connection that the selector asks for was seen, or that it asks for
// none.
func (c *Conns) Complete(m *Matcher) bool { return len(c.seen) == m.conn }

// Seen returns the number of connections seen so far, at most that of the one asked for.
func (c *Conns) Seen() int { return len(c.seen) }

func protocolMatches(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
	s := &m.selector
	if len(s.TCP) == 0 && s.UDP == "" && s.ICMP == "" && s.ARP == "" {
		return (d.Family == "v4" || d.Family == "v6") && d.Proto != "ndp"
	}
	if d.Proto == "tcp" && slices.ContainsFunc(s.TCP, func(k language.SegmentKind) bool {
		return k == language.AnySegment || string(k) == d.Kind()
	}) {
		return true
	}
	if d.Proto == "udp" && s.UDP != "" {
		return true
	}
	if d.Proto == "icmp" && s.ICMP == "any" || s.ICMP != "" && d.IsICMP(s.ICMP) {
		return true
	}
	neighbours := (d.Proto == "arp" || d.Proto == "ndp") && (d.ICMPType == "request" || d.ICMPType == "reply")
	return neighbours && (s.ARP == "any" || s.ARP == d.ICMPType)
}

// hasPorts reports whether the packet has ports: later fragments have none.
func hasPorts(d *packet.Decoded) bool {
	return (d.Proto == "tcp" || d.Proto == "udp") && d.FragmentOffset == 0
}

// isSegment reports whether the packet has a TCP header.
func isSegment(d *packet.Decoded) bool { return d.Proto == "tcp" && d.FragmentOffset == 0 }

// hasPayload reports whether the packet may carry a payload.
func hasPayload(d *packet.Decoded) bool { return d.Proto == "tcp" || d.Proto == "udp" }

func contains(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
	return hasPayload(d) && bytes.Contains(d.Payload, m.text)
}

func containsHex(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
	return hasPayload(d) && bytes.Contains(d.Payload, m.bytes)
}

// covers reports whether a payload byte of a segment has one of the wanted offsets in its stream.
func covers(m *Matcher, d *packet.Decoded, f *packet.Flow) bool {
	want, first, last := m.selector.Payload.Offset, f.Offset, f.Offset+int64(d.PayloadLen)-1
	return d.Proto == "tcp" && d.PayloadLen > 0 && first <= want.Max && want.Min <= last
}

func hasOptions(m *Matcher, d *packet.Decoded, _ *packet.Flow) bool {
	return isSegment(d) && !slices.ContainsFunc(m.options, func(o option) bool { return d.Options.Has(o.kind) != o.want })
}
