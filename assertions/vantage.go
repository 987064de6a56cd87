package assertions

import (
	"net/netip"
	"slices"
	"time"

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
		q := ev.t.Events[i].Packet()
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
	passed := map[fingerprint][]int{}
	for _, i := range ev.packets {
		if p := ev.t.Events[i].Packet(); p.Host == language.Wire && !p.Out {
			m := mark(p.Decode())
			passed[m] = append(passed[m], i)
		}
	}
	holds, copies := ev.mayHoldAndCopy()
	ev.sent = []int{}
	for _, i := range ev.packets {
		p := ev.t.Events[i].Packet()
		if !p.Out {
			continue
		}
		if p.Host == language.Wire {
			m := mark(p.Decode())
			came := passed[m]
			if !m.rst || copies {
				if len(came) > 0 {
					continue
				}
			} else if k := slices.IndexFunc(came, func(in int) bool {
				waited := ev.t.Events[i].T - ev.t.Events[in].T
				return -disagreeing <= waited && waited <= holds
			}); k >= 0 {
				came[k] = came[0] // the order of the others does not matter
				passed[m] = came[1:]
				continue
			}
		}
		ev.sent = append(ev.sent, i)
	}
	return ev.sent
}

// disagreeing is how far two link ends can disagree about what came first. forwarding is how long a
// packet that no fault holds may take to pass the wire.
const (
	disagreeing = time.Millisecond
	forwarding  = 100 * time.Millisecond
)

// mayHoldAndCopy returns how long a packet may take to pass the wire, and whether a fault may make
// copies. If none does, the wire made each RST for which none had come in, even if it looks the same
// as another: a RST that refuses a connection has always the same numbers.
func (ev *evidence) mayHoldAndCopy() (holds time.Duration, copies bool) {
	holds = forwarding
	for i := range ev.s.Faults {
		do := &ev.s.Faults[i].Do
		holds = max(holds, forwarding+do.Effects().Holds)
		copies = copies || do.Effects().Copies > 0 || do.Replay != nil
	}
	return holds, copies
}
