package assertions

import (
	"net/netip"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// vantage returns the packets as one observer sees them, and who that is: "seen by client".
//
// A host sees the packets that leave and enter at its link ends; on lo, where each would be seen
// twice, only those that leave. The wire sees the packets that leave it, so after its faults, and
// those addressed to itself. Without a host each packet is seen once, where it is sent, see
// [evidence.sentOnce].
func (ev *evidence) vantage(p *language.PacketsExpectation) (packets []int, by string) {
	host := p.SeenBy
	if host == "" {
		host = p.Packets.From
	}
	if host == "" {
		host = p.Packets.To
	}
	if host == "" {
		return ev.sentOnce(), "seen where sent"
	}
	for _, i := range ev.packets {
		q := ev.t.Events[i].Packet
		switch {
		case q.Host != host,
			q.Device == "lo" && !q.Out,
			host == language.Wire && !q.Out && !ev.hosts.Has(host, q.Decode().Dst):
		default:
			packets = append(packets, i)
		}
	}
	return packets, "seen by " + host
}

// fingerprint is the part of a packet that no fault rewrites. It shows whether the wire forwarded a
// packet or made it.
type fingerprint struct {
	proto        string
	src, dst     netip.Addr
	sport, dport uint16
	seq          uint32
	length       int
	rst          bool
}

// sentOnce returns each packet where it was sent: at the host it left first, or at the wire if the
// wire made it: its ICMP errors, and the RSTs it forged in another host's name.
func (ev *evidence) sentOnce() []int {
	if ev.sent != nil {
		return ev.sent
	}
	mark := func(d *packet.Decoded) fingerprint {
		return fingerprint{d.Proto, d.Src, d.Dst, d.SPort, d.DPort, d.Seq, d.PayloadLen, d.Flags&packet.RST != 0}
	}
	// First collect everything that came in: two link ends can disagree by microseconds on which
	// packet came first.
	passed := map[fingerprint]bool{}
	for _, i := range ev.packets {
		if p := ev.t.Events[i].Packet; p.Host == language.Wire && !p.Out {
			passed[mark(p.Decode())] = true
		}
	}
	ev.sent = []int{}
	for _, i := range ev.packets {
		p := ev.t.Events[i].Packet
		if p.Out && (p.Host != language.Wire || !passed[mark(p.Decode())]) {
			ev.sent = append(ev.sent, i)
		}
	}
	return ev.sent
}
