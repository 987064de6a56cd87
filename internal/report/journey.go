package report

import (
	"cmp"
	"hash/maphash"
	"math"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Journey is the way of one packet through the lab, assembled from the captures at the link ends
// that it passed.
type Journey struct {
	// Events are the indexes in trace.Events of the captures of the packet, in order of time.
	Events []int
	// From is the host that sent it. Source and To are the hosts that its addresses belong to, ""
	// for an address of no host.
	From, Source, To string
	// Sent and Last are the times of its first and last capture.
	Sent, Last time.Duration
	// Arrived is true if To received it. Arrival is the packet as To received it.
	Arrived bool
	Arrival *packet.Decoded
	// Seen is the host that saw it last. A lost packet was lost there or on the link after it.
	Seen string
	// Struck is the fault that lost it, on the wire or, after the capture, at the receiving host's
	// input; "" if none is known.
	Struck string
	// Held is the fault that still kept it from its receiver when the run ended, "" if none did.
	Held string
	// Dropped is why a kernel discarded it, as [trace.Drop] names it; "" if none is known to have,
	// or a fault made it do so.
	Dropped string
	// Reset is why a kernel sent it of its own accord, if it is a RST, as [trace.Reset] names it;
	// "" if that is not known.
	Reset string
	// Marks are the other effects of faults on it, in order.
	Marks []Mark
	// Kept is how long several faults kept it, if that is longer than they were asked for by more
	// than what a quiet machine needs; else 0.
	Kept time.Duration
	// Forged is true if From is not Source: a forged packet, or a copy made on the way.
	Forged bool
	// Packet is the packet as it was first seen.
	Packet *packet.Decoded
	// Flow is the packet's place in its connection.
	Flow packet.Flow

	hops []hop
}

// Lost reports whether the packet never reached the sockets of a host.
func (j *Journey) Lost() bool {
	return !j.Arrived || j.Struck != "" || j.Held != "" || j.Dropped != ""
}

// loopback is the device by which a host talks to itself.
const loopback = "lo"

// onLoopback returns the owner of an address seen on the lo of a host: all of 127.0.0.0/8 and ::1
// are the host's, though it is not configured with each of them.
func onLoopback(a netip.Addr, owner, host string) string {
	if a.IsLoopback() {
		return host
	}
	return owner
}

// hop is a link end and a direction. No packet passes the same hop twice.
type hop struct {
	host, device string
	out          bool
}

// mostOpen bounds how many identical packets are followed at once. Usually there are one or two.
const mostOpen = 64

// packetKey identifies packets. A fault may rewrite a packet on its way, so the key of an IPv4
// packet with an identification has only fields that no fault changes. Other packets need more
// fields to be distinguished.
type packetKey struct {
	// host is set on lo: all hosts have the same addresses there.
	host         string
	src, dst     netip.Addr
	proto, icmp  string
	id           uint32
	sport, dport uint16
	seq          uint32
	length       int
	fragment     int
	// Only for packets without an identification (IPv6, and TCP without a socket or with DF on some
	// kernels).
	ack     uint32
	flags   packet.TCPFlags
	tsval   uint32
	payload uint64
}

// mostJourneys is how many packets a ladder may have. A journey takes a kilobyte of memory.
const mostJourneys = 50_000

// journeys assembles the journeys of the packets of a trace, in the order they were sent: of the
// first most of them. It returns when the first packet was sent that was left out, never if none was.
// The journey of a lost packet is incomplete; the journey of a copy begins where the copy was made.
func journeys(s *language.Scenario, t *trace.Trace, most int) (all []*Journey, leftOut time.Duration) {
	owners := addressOwners(t)
	hosts := t.Addresses()
	waits := holds(s, hosts)
	seed := maphash.MakeSeed()
	flows := packet.NewFlows()
	stopped := map[int]*Journey{}
	open := map[packetKey][]*Journey{}
	leftOut = never
	for i := range t.Events {
		if f := t.Events[i].Fault; f != nil && atOutput(s, f) && leftOut == never {
			d := packet.DecodeIP(f.Packet)
			stopped[i] = &Journey{
				From: f.Host, Source: owners[d.Src], To: owners[d.Dst], Sent: t.Events[i].T, Last: t.Events[i].T,
				Seen: f.Host, Packet: &d, Flow: flows.Track(&d, f.Host, "output", true),
			}
		}
		// On lo a packet is seen where it is sent, as expectations count it.
		if !t.Events[i].IsPacket() {
			continue
		}
		p := t.Events[i].Packet()
		if p.Device == loopback && !p.Out {
			continue
		}
		d := p.Decode()
		h := hop{p.Host, p.Device, p.Out}
		k := keyOf(d, seed)
		from, to := owners[d.Src], owners[d.Dst]
		if p.Device == loopback {
			k.host = p.Host
			from, to = onLoopback(d.Src, from, p.Host), onLoopback(d.Dst, to, p.Host)
		}
		j := follow(open[k], h, t.Events[i].T, patience(waits, d))
		if j == nil && len(all) >= most {
			leftOut = min(leftOut, t.Events[i].T)
		}
		if leftOut < never && j == nil {
			continue
		}
		flow := flows.Track(d, p.Host, p.Device, p.Out)
		if j == nil {
			j = &Journey{
				From: p.Host, Source: from, To: to, Sent: t.Events[i].T, Packet: d, Flow: flow,
			}
			if !p.Out && from != "" {
				j.From = from
			} else {
				j.Forged = from != j.From
			}
			// Bounded: if there are more identical packets than this, the oldest were lost.
			open[k] = append(open[k][max(0, len(open[k])-mostOpen+1):], j)
			all = append(all, j)
		}
		j.Events = append(j.Events, i)
		j.hops = append(j.hops, h)
		j.Last, j.Seen = t.Events[i].T, p.Host
		// lo has no way on which a packet can get lost: the capture is after the queueing discipline.
		if p.Host == j.To && (!p.Out || p.Device == loopback) {
			j.Arrived, j.Arrival = true, d
			open[k] = slices.DeleteFunc(open[k], func(o *Journey) bool { return o == j })
		}
	}
	bySent := func(a, b *Journey) int { return cmp.Compare(a.Sent, b.Sent) }
	slices.SortStableFunc(all, bySent)
	all = append(all, mark(s, t, all, stopped, seed, leftOut)...)
	slices.SortStableFunc(all, bySent)
	timeDelays(t, all)
	strike(s, t, hosts, all)
	holdToTheEnd(s, t, hosts, all)
	all = append(all, discard(s, t, hosts, all, seed, leftOut)...)
	explainResets(t, all)
	slices.SortStableFunc(all, bySent)
	return all, leftOut
}

// never is a time after every run.
const never = time.Duration(math.MaxInt64)

// atOutput reports whether an event is the hit of a packet at a host's output, before the capture.
func atOutput(s *language.Scenario, f *trace.Fault) bool {
	if s == nil || f.What != trace.FaultHit || len(f.Packet) == 0 {
		return false
	}
	fault := s.Fault(f.Name)
	return fault != nil && fault.At == f.Host+".output"
}

// follow returns the journey under way that a capture at h continues, or nil. Of several identical
// packets it is the first, because packets keep their order, unless that one has been missing for
// longer than a fault may hold it. The search is short: identical packets under way are rare, and
// their number is bounded in case a fault makes them common.
func follow(open []*Journey, h hop, at, patience time.Duration) *Journey {
	var latest *Journey
	for _, j := range open {
		if slices.Contains(j.hops, h) {
			continue
		}
		if at-j.Last <= patience {
			return j
		}
		latest = j
	}
	return latest
}

func keyOf(d *packet.Decoded, seed maphash.Seed) packetKey {
	k := packetKey{
		src: d.Src, dst: d.Dst, proto: d.Proto, icmp: d.ICMPType, id: d.IPID,
		sport: d.SPort, dport: d.DPort, seq: d.Seq, length: d.PayloadLen, fragment: d.FragmentOffset,
	}
	if d.IPID != 0 {
		return k
	}
	k.ack, k.flags = d.Ack, d.Flags
	if d.Options.Timestamps {
		k.tsval = d.Options.TSVal
	}
	if d.Proto != "tcp" {
		k.payload = maphash.Bytes(seed, d.Payload)
	}
	return k
}

// addressOwners maps addresses to the hosts that have them.
func addressOwners(t *trace.Trace) map[netip.Addr]string {
	owners := map[netip.Addr]string{}
	for _, h := range t.Hosts() {
		for _, text := range h.Addresses {
			if p, err := netip.ParsePrefix(text); err == nil {
				owners[p.Addr()] = h.Name
			} else if a, err := netip.ParseAddr(text); err == nil {
				owners[a] = h.Name
			}
		}
	}
	return owners
}

// usual is how long a packet that no fault holds may stay on the wire before it counts as lost.
const usual = 20 * time.Millisecond

// hold is how long a fault may hold the packets that it selects.
type hold struct {
	// match is nil if a single packet does not decide: such a fault may hold any packet.
	match *selector.Matcher
	by    time.Duration
}

// holds returns which packets faults may hold, and for how long.
func holds(s *language.Scenario, hosts selector.Hosts) []hold {
	if s == nil {
		return nil
	}
	var all []hold
	for i := range s.Faults {
		f := &s.Faults[i]
		by := f.Do.Effects().Holds
		if by == 0 {
			continue
		}
		h := hold{by: usual + by}
		if m, err := selector.New(&f.Match, hosts); err == nil && !selector.NeedsFlow(&f.Match) {
			h.match = m
		}
		all = append(all, h)
	}
	return all
}

// patience returns how long a packet may stay on the wire before it counts as lost: the longest
// time that a fault that matches it may hold it, at least usual.
func patience(all []hold, d *packet.Decoded) time.Duration {
	longest := usual
	for _, h := range all {
		if h.by > longest && (h.match == nil || h.match.Matches(d, &packet.Flow{})) {
			longest = h.by
		}
	}
	return longest
}
