package assertions

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/say"
	"halfopen/internal/selector"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// judgeDrops judges the packets that the kernel of one host discarded. Where this run could not see
// them, or this kernel does not have the reason, the expectation is skipped. If drops were lost and
// the verdict depends on them, it does not pass.
//
// Without a reason, each drop counts that proves a loss, apart from those of netfilter, queueing
// disciplines and their filters: in a lab these are the work of faults.
func judgeDrops(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Drops
	reasons, ok := ev.dropReasons(x.Drops.Reason, v)
	if !ok {
		return
	}
	since := time.Duration(0)
	if x.Since != "" {
		var err error
		if since, err = ev.moment(x.Since); err != nil {
			v.fail(NoSuchEvent, "drops since "+string(x.Since), "no such event", err.Error())
			return
		}
	}
	m, err := selector.New(&x.Drops.Selector, ev.hosts)
	if err != nil {
		v.fail(CannotJudge, x.Drops.String(), "drops that were not judged", err.Error())
		return
	}
	matched, hidden, early := ev.dropsOf(x, m, reasons, since)
	lost := ev.lostOf(x.Drops.Host, trace.Drops)
	want := language.Count{}
	switch {
	case x.Count != nil:
		want = *x.Count
	case !x.None:
		want = language.Count{Min: int64(len(x.At)), Max: int64(len(x.At))}
	}
	v.noteAny(&want, "drop")
	n := int64(len(matched))
	open := func(unseen uint64) bool {
		most := n + int64(min(unseen, 1<<62))
		return len(x.At) > 0 && most > n || !want.All(n, most) && want.Any(n, most)
	}
	unseen := uint64(hidden + early)
	if lost.byKernel() && open(unseen+lost.N) && !open(unseen) {
		v.lost(LostReports, x.String(), couldNotBeSeen, notSeenHowMany+lost.text(), lost.text())
	} else if open(unseen + lost.N) {
		ev.unseenDrops(x, &lost, hidden, v)
	} else if x.None {
		v.saw(TooManyDrops, n == 0, "none", noneOr(n, "drop"))
	} else if x.Count != nil || n != int64(len(x.At)) {
		v.saw(fewer(n, &want, TooFewDrops, TooManyDrops), want.Contains(n), want.Of("drop"), say.Count(n, "drop"))
	}
	if len(x.At) > 0 && !v.Unseen && (n > 0 || v.Status == Pass) {
		ev.dropTimes(x, matched, since, v)
	}
	if n == 0 {
		ev.noteNoOccasion(
			&language.PacketsExpectation{Packets: x.Drops.Selector}, ev.packets, "seen", v)
	}
	if v.Status == Fail {
		ev.listDrops(x, matched, v)
	}
}

func noneOr(n int64, noun string) string {
	if n == 0 {
		return "none"
	}
	return say.Count(n, noun)
}

// dropReasons returns the reasons that count: those of the list that this kernel has. ok is false
// if the expectation cannot be judged for them; the verdict then says so.
func (ev *evidence) dropReasons(
	listed language.DropReasons, v *draft,
) (reasons language.DropReasons, ok bool) {
	var watched *trace.Tracepoints
	for i := range ev.t.Events {
		if p := ev.t.Events[i].Tracepoints; p != nil {
			watched = p
		}
	}
	switch {
	case watched == nil:
		v.skip(CannotObserve, "the trace was recorded without the kernel's tracepoints, which show drops")
		return nil, false
	case watched.Off != "":
		remedy := "use --warp, or see halfopen doctor"
		if watched.Off == trace.LeftAlone {
			remedy = "leave that out"
		}
		v.skip(CannotObserve, "the kernel's tracepoints, which show drops, were not watched (%s); %s", watched.Off,
			remedy)
		return nil, false
	}
	for _, gap := range watched.Gaps {
		if gap.Events == trace.Drops && !gap.Partial {
			v.skip(CannotObserve, "this kernel does not show drops: %s", gap.Text)
			return nil, false
		}
	}
	var lacking []string
	for _, r := range listed {
		name := string(r)
		switch {
		case slices.Contains(watched.DropReasons, name):
			reasons = append(reasons, r)
		case r.Known():
			lacking = append(lacking, name)
		default:
			v.fail(NoSuchReason, name, "no such reason", fmt.Sprintf(
				"neither this kernel nor any known to halfopen has the drop reason %s%s", name,
				spell.DidYouMean(name, watched.DropReasons)))
			return nil, false
		}
	}
	switch {
	case len(lacking) > 0 && len(reasons) == 0:
		v.skip(OtherKernel, "this kernel does not have the drop reason %s", strings.Join(lacking, " or "))
		return nil, false
	case len(lacking) > 0:
		v.note("this kernel does not have the drop reason %s", strings.Join(lacking, " or "))
	}
	return reasons, true
}

// dropsOf returns the drops since a moment that match, and how many may match in addition: hidden
// are those of which the kernel shows only the socket, which does not answer every key; early are
// those of which it is not known whether they came before that moment.
func (ev *evidence) dropsOf(
	x *language.DropsExpectation, m *selector.Matcher, reasons language.DropReasons,
	since time.Duration,
) (matched []int, hidden, early int) {
	earliest := since
	if x.Since != "" {
		earliest = ev.earliest(x.Since, since)
	}
	for i := range ev.t.Events {
		d := ev.t.Events[i].Drop
		if d == nil || d.Host != x.Drops.Host || ev.t.Events[i].T < earliest ||
			!dropCounts(d, reasons) {
			continue
		}
		fits, known := ev.dropFits(&x.Drops.Selector, m, d)
		switch {
		case !fits:
		case !known:
			hidden++
		case ev.t.Events[i].T < since:
			early++
		default:
			matched = append(matched, i)
		}
	}
	return matched, hidden, early
}

// dropCounts reports whether a drop is for one of the reasons; without any, whether it proves a
// loss that is not the work of a fault.
func dropCounts(d *trace.Drop, reasons language.DropReasons) bool {
	reason := language.DropReason(d.Reason)
	if len(reasons) == 0 {
		return d.Loss() && !reason.OfFaults()
	}
	return slices.Contains(reasons, reason)
}

// socketKeys are the keys that the addresses of a packet's socket answer.
var socketKeys = []language.Key{
	language.KeyFrom, language.KeyTo, language.KeyUDP, language.KeyICMP, language.KeyPort,
	language.KeySPort, language.KeyDPort,
}

// dropFits reports whether a drop is of a packet that the selector takes. Of a packet without an IP
// header, only the sending TCP socket is known: it fits as far as that shows, and known is false if
// the selector asks for more.
func (ev *evidence) dropFits(
	s *language.Selector, m *selector.Matcher, drop *trace.Drop,
) (fits, known bool) {
	if len(drop.Packet) > 0 {
		d := packet.DecodeIP(drop.Packet)
		return m.Matches(&d, &packet.Flow{}), true
	}
	if len(s.Keys()) == 0 {
		return true, true
	}
	shown := language.Selector{
		From: s.From, To: s.To, UDP: s.UDP, ICMP: s.ICMP, Port: s.Port, SPort: s.SPort, DPort: s.DPort,
	}
	if len(s.TCP) > 0 {
		shown.TCP = language.Kinds{language.AnySegment}
	}
	ofSocket, err := selector.New(&shown, ev.hosts)
	local, remote := addrPort(drop.Local), addrPort(drop.Remote)
	if err != nil || !local.IsValid() || !remote.IsValid() {
		return true, false
	}
	d := packet.Decoded{
		Family: "v4", Proto: "tcp", Src: local.Addr(), Dst: remote.Addr(), SPort: local.Port(),
		DPort: remote.Port(),
	}
	if d.Src.Is6() {
		d.Family = "v6"
	}
	all := s.Beyond(append([]language.Key{language.KeyTCP}, socketKeys...)...) == "" &&
		!slices.ContainsFunc(s.TCP, func(k language.SegmentKind) bool {
			return k != language.AnySegment
		})
	return ofSocket.Matches(&d, &packet.Flow{}), all
}

func addrPort(text string) netip.AddrPort {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

const notSeenHowMany = "it could not be seen how many there were: "

// unseenDrops fails a verdict that depends on drops of which too little was seen.
func (ev *evidence) unseenDrops(
	x *language.DropsExpectation, lost *losses, hidden int, v *draft,
) {
	var why string
	switch {
	case lost.N > lost.Kernel:
		why = lost.text() + "; let it drop fewer"
	case hidden > 0:
		why = fmt.Sprintf("of %s the kernel shows only the socket; select by from, to and ports",
			say.Count(hidden, "drop"))
	default:
		why = fmt.Sprintf("the moment of %s is known only from two readings, and there were drops "+
			"between them; with via: nfqueue the fault reports each hit", x.Since)
	}
	v.unseen(x.String(), couldNotBeSeen, notSeenHowMany+why)
}

// dropTimes judges the times of drops, counted from since or, without it, from the first drop. Times
// without any drop fail, even where count allows none: there is nothing to judge.
func (ev *evidence) dropTimes(
	x *language.DropsExpectation, matched []int, since time.Duration, v *draft,
) {
	there := len(matched)
	if there == 0 || there > len(x.At) && x.Count != nil {
		v.saw(fewer(int64(there), &language.Count{Min: int64(len(x.At))}, TooFewDrops, TooManyDrops), false, say.Count(len(x.At), "drop")+", one for each time", noneOr(int64(there), "drop"))
	}
	base := since
	if x.Since == "" && there > 0 {
		base = ev.t.Events[matched[0]].T
	}
	if x.Count != nil {
		v.noteLonger("at", len(x.At), there, there)
	}
	for i := range min(there, len(x.At)) {
		v.sawSpan("drops at", fmt.Sprintf("drop %d at", i+1), &x.At[i], base, ev.t.Events[matched[i]].T)
	}
}

// listDrops lists the drops that matched, or if none did, all of the host.
func (ev *evidence) listDrops(x *language.DropsExpectation, matched []int, v *draft) {
	head := x.Drops.String() + ":"
	if len(matched) == 0 {
		for i := range ev.t.Events {
			if d := ev.t.Events[i].Drop; d != nil && d.Host == x.Drops.Host && d.Loss() {
				matched = append(matched, i)
			}
		}
		if len(matched) == 0 {
			v.list("the kernel of " + x.Drops.Host + " reported no drop")
			return
		}
		head = "other drops on " + x.Drops.Host + ":"
	}
	v.list(head)
	texts := ev.droppedPackets(matched)
	for _, i := range matched {
		d := ev.t.Events[i].Drop
		text := texts[i]
		if text == "" {
			text = strings.TrimSpace(d.Local + " > " + d.Remote)
		}
		v.list(fmt.Sprintf("  %s %s: %s in %s", ev.when(ev.t.Events[i].T), text, d.Reason, d.Location))
	}
}

// droppedPackets sums up the packets of drops, with the numbers that they have in their connections.
func (ev *evidence) droppedPackets(drops []int) map[int]string {
	of := map[int]bool{}
	for _, i := range drops {
		of[i] = true
	}
	texts := map[int]string{}
	flows := packet.NewFlows()
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		switch {
		case e.IsPacket():
			p := e.Packet()
			flows.Track(p.Decode(), p.Host, p.Device, p.Out)
		case e.Drop != nil && len(e.Drop.Packet) > 0 && of[i]:
			d := packet.DecodeIP(e.Drop.Packet)
			texts[i] = packet.SummarizeIn(&d, flows.Track(&d, e.Drop.Host, "drop", false))
		}
	}
	return texts
}
