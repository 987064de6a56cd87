// Package selector holds packets against selectors. Faults and expectations use the one same function, so that both mean
// the same packets.
package selector

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// Hosts are the addresses of a lab's hosts by name, the wire's too.
type Hosts map[string][]netip.Addr

// HostsOf returns the addresses of a trace's hosts.
func HostsOf(t *trace.Trace) Hosts {
	hosts := Hosts{}
	for _, h := range t.Hosts() {
		for _, text := range h.Addresses {
			text, _, _ = strings.Cut(text, "/")
			if a, err := netip.ParseAddr(text); err == nil {
				hosts[h.Name] = append(hosts[h.Name], a)
			}
		}
	}
	return hosts
}

// Has reports whether the address is one of the host's.
func (h Hosts) Has(host string, a netip.Addr) bool {
	return slices.Contains(h[host], a.Unmap())
}

// Matches reports whether a packet is one the selector means, leaving Conn out: which connection is the nth is known only
// of a list of packets, see [Select].
//
// A selector that names no protocol takes IP packets but not neighbour and multicast listener discovery, which IPv4 does
// without IP: so an expectation means the same on both. With ports it takes TCP and UDP. Several protocols in one selector
// are alternatives. Sequence numbers, windows and TCP options are of TCP segments only, an acknowledgement number of those
// with the ACK flag, a payload of TCP and UDP.
func Matches(s *language.Selector, d *packet.Decoded, f packet.Flow, hosts Hosts) bool {
	if s.From != "" && !hosts.Has(s.From, d.Src) || s.To != "" && !hosts.Has(s.To, d.Dst) {
		return false
	}
	if !protocolMatches(s, d) || !portsMatch(s, d) {
		return false
	}
	if s.Payload != nil && !payloadMatches(s.Payload, d, f) {
		return false
	}
	if s.TTL != nil && (d.Proto == "arp" || !s.TTL.Contains(int64(d.TTL))) {
		return false
	}
	if s.Seq == nil && s.Ack == nil && s.Window == nil && s.Retransmission == nil && len(s.Options) == 0 {
		return true
	}
	if d.Proto != "tcp" || d.FragmentOffset > 0 {
		return false
	}
	if s.Seq != nil && !s.Seq.Contains(f.Seq) ||
		s.Ack != nil && (d.Flags&packet.ACK == 0 || !s.Ack.Contains(f.Ack)) ||
		s.Window != nil && !s.Window.Contains(int64(d.Window)) ||
		s.Retransmission != nil && *s.Retransmission != f.Retransmission {
		return false
	}
	for name, want := range s.Options {
		if there, known := hasOption(&d.Options, name); !known || there != want {
			return false
		}
	}
	return true
}

func protocolMatches(s *language.Selector, d *packet.Decoded) bool {
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
	if d.Proto == "icmp" && (s.ICMP == "any" || s.ICMP != "" && s.ICMP == d.ICMPType) {
		return true
	}
	neighbours := (d.Proto == "arp" || d.Proto == "ndp") && (d.ICMPType == "request" || d.ICMPType == "reply")
	return neighbours && (s.ARP == "any" || s.ARP == d.ICMPType)
}

func portsMatch(s *language.Selector, d *packet.Decoded) bool {
	if len(s.Port) == 0 && len(s.SPort) == 0 && len(s.DPort) == 0 {
		return true
	}
	if (d.Proto != "tcp" && d.Proto != "udp") || d.FragmentOffset > 0 {
		return false
	}
	src, dst := int(d.SPort), int(d.DPort)
	return (len(s.Port) == 0 || slices.Contains(s.Port, src) || slices.Contains(s.Port, dst)) &&
		(len(s.SPort) == 0 || slices.Contains(s.SPort, src)) &&
		(len(s.DPort) == 0 || slices.Contains(s.DPort, dst))
}

func payloadMatches(p *language.Payload, d *packet.Decoded, f packet.Flow) bool {
	if d.Proto != "tcp" && d.Proto != "udp" {
		return false
	}
	if p.Contains != "" && !bytes.Contains(d.Payload, []byte(p.Contains)) {
		return false
	}
	if p.Hex != "" {
		want, err := hex.DecodeString(strings.Join(strings.Fields(p.Hex), ""))
		if err != nil || !bytes.Contains(d.Payload, want) {
			return false
		}
	}
	if p.Length != nil && !p.Length.Contains(int64(d.PayloadLen)) {
		return false
	}
	if p.Offset != nil {
		first, last := f.Offset, f.Offset+int64(d.PayloadLen)-1
		return d.Proto == "tcp" && d.PayloadLen > 0 && first <= p.Offset.Max && p.Offset.Min <= last
	}
	return true
}

func hasOption(o *packet.TCPOptions, name string) (there, known bool) {
	switch name {
	case "mss":
		return o.MSS != 0, true
	case "window-scale":
		return o.WindowScale >= 0, true
	case "sack-permitted":
		return o.SACKPermitted, true
	case "sack":
		return len(o.SACK) > 0, true
	case "timestamps":
		return o.Timestamps, true
	case "fast-open":
		return o.FastOpen, true
	}
	return false, false
}

// Select returns those of the packets that the selector means, Conn included: the nth connection in the order in which the
// rest of the selector first matches one of its packets. packets are indexes into the trace's events, flows is
// [trace.Trace.Flows].
func Select(s *language.Selector, t *trace.Trace, flows []packet.Flow, hosts Hosts, packets []int) []int {
	var chosen []int
	var conns []int
	for _, i := range packets {
		if !Matches(s, t.Events[i].Packet.Decode(), flows[i], hosts) {
			continue
		}
		if s.Conn > 0 {
			n := flows[i].Conn
			if n == 0 {
				continue
			}
			if !slices.Contains(conns, n) {
				conns = append(conns, n)
			}
			if len(conns) < s.Conn || conns[s.Conn-1] != n {
				continue
			}
		}
		chosen = append(chosen, i)
	}
	return chosen
}
