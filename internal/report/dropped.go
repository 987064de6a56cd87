package report

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// clocks is how far the time of a capture may be off that of a tracepoint: the kernel's timestamps
// of packets are of another clock.
const clocks = time.Millisecond

// discard finds the packets that kernels discarded, by their tracepoints, and says why. What a fault
// lost or held is explained by it, and has no other reason. It returns the journeys of packets that
// were discarded where they were sent, before the capture. Drops after leftOut may be of packets that
// are left out.
func discard(
	s *language.Scenario, t *trace.Trace, hosts selector.Hosts, all []*Journey, seed maphash.Seed,
	leftOut time.Duration,
) []*Journey {
	var drops []int
	for i := range t.Events {
		if t.Events[i].T > leftOut {
			break
		}
		if d := t.Events[i].Drop; d != nil && d.Loss() && len(d.Packet) > 0 {
			drops = append(drops, i)
		}
	}
	if len(drops) == 0 {
		return nil
	}
	like := map[packetKey][]*Journey{}
	for _, j := range all {
		k := keyOf(j.Packet, seed)
		k.payload = 0 // a drop has the headers only
		like[k] = append(like[k], j)
	}
	owners := addressOwners(t)
	taken := map[*Journey]bool{}
	unseen := map[int]*Journey{}
	var more []*Journey
	for _, i := range drops {
		drop, at := t.Events[i].Drop, t.Events[i].T
		d := packet.DecodeIP(drop.Packet)
		k := keyOf(&d, seed)
		k.payload = 0
		j := passedBy(like[k], drop.Host, at, taken)
		if j == nil {
			if owners[d.Src] != drop.Host && !d.Src.IsLoopback() {
				continue // seen by no link end, and not sent here: nothing is known of its way
			}
			j = &Journey{
				From: drop.Host, Source: drop.Host, To: owners[d.Dst], Sent: at, Last: at, Seen: drop.Host,
				Packet: &d,
			}
			unseen[i] = j
			more = append(more, j)
		}
		taken[j] = true
		if j.Struck != "" || j.Held != "" {
			continue
		}
		if j.Struck = culprit(s, t, hosts, j, drop, at); j.Struck == "" {
			j.Dropped = drop.Reason
		}
	}
	placeInFlows(t, unseen)
	return more
}

// passedBy returns the last of these journeys that had come by the host at that time, or just after
// it, and of which no drop is known; nil if there is none.
func passedBy(like []*Journey, host string, at time.Duration, taken map[*Journey]bool) *Journey {
	var found *Journey
	for _, j := range like {
		here := slices.ContainsFunc(j.hops, func(h hop) bool { return h.host == host })
		if !here || taken[j] || j.Sent > at && found != nil {
			continue
		}
		if j.Sent <= at+clocks {
			found = j
		}
	}
	return found
}

// culprit returns the fault that made the kernel drop the packet there, if only one can have: by a
// rule of netfilter or a queueing discipline.
func culprit(
	s *language.Scenario, t *trace.Trace, hosts selector.Hosts, j *Journey, drop *trace.Drop,
	at time.Duration,
) string {
	if s == nil || drop.Reason != "NETFILTER_DROP" && !strings.HasPrefix(drop.Reason, "QDISC_") {
		return ""
	}
	name, others := "", false
	for i := range s.Faults {
		f := &s.Faults[i]
		place, _, _ := strings.Cut(f.At, ".")
		if place == "" {
			place = language.Wire
		}
		if place != drop.Host || !loses(f) && f.Do.Rate == nil {
			continue
		}
		_, windows := faultRecord(t, f.Name)
		match, err := selector.New(&f.Match, hosts)
		if err != nil || !inWindow(windows, at) ||
			!selector.NeedsFlow(&f.Match) && !match.Matches(j.at(f), &j.Flow) {
			continue
		}
		others = name != ""
		name = f.Name
	}
	if others {
		return ""
	}
	return name
}

// placeInFlows finds the places in their connections of packets that no link end saw, by their
// drops.
func placeInFlows(t *trace.Trace, unseen map[int]*Journey) {
	if len(unseen) == 0 {
		return
	}
	flows := packet.NewFlows()
	for i := range t.Events {
		if t.Events[i].IsPacket() {
			p := t.Events[i].Packet()
			flows.Track(p.Decode(), p.Host, p.Device, p.Out)
		} else if j := unseen[i]; j != nil {
			j.Flow = flows.Track(j.Packet, j.From, "output", true)
		}
	}
}

// kernelSays is a reason of the kernel's in the ladder.
func kernelSays(reason string) string { return "kernel: " + reason }

// explainResets adds to RSTs the reasons for which kernels sent them. The reason of an answer is not
// added: the row of the segment that it answers has it.
func explainResets(t *trace.Trace, all []*Journey) {
	type ends struct{ host, local, remote string }
	sent := map[ends][]*Journey{}
	for _, j := range all {
		if d := j.Packet; !j.Forged && d.Kind() == "RST" {
			e := ends{
				j.From, netip.AddrPortFrom(d.Src, d.SPort).String(),
				netip.AddrPortFrom(d.Dst, d.DPort).String(),
			}
			sent[e] = append(sent[e], j)
		}
	}
	for i := range t.Events {
		r := t.Events[i].Reset
		if r == nil || r.Received || r.Answers || r.Reason == "" || r.Reason == "NOT_SPECIFIED" {
			continue
		}
		for _, j := range sent[ends{r.Host, r.Local, r.Remote}] {
			if j.Reset == "" && (j.Sent-t.Events[i].T).Abs() <= clocks {
				j.Reset = r.Reason
				break
			}
		}
	}
}

// dropRows has the drops of packets of which only the socket is known: the kernel found no way for
// them before they had an IP header.
func dropRows(t *trace.Trace) []row {
	var rows []row
	for i := range t.Events {
		if d := t.Events[i].Drop; d != nil && d.Loss() && len(d.Packet) == 0 {
			text := "✗ kernel: " + d.Reason
			if d.Local != "" {
				text += " " + portsOf(d.Local, d.Remote)
			}
			rows = append(rows, row{at: t.Events[i].T, host: d.Host, text: text, style: bad})
		}
	}
	return rows
}
