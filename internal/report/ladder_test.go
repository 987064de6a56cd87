package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

func TestLadder(t *testing.T) {
	backoff, backoffTrace := synBackoff(t)
	v4, v4Trace := exchange(t, false)
	v6, v6Trace := exchange(t, true)
	icmp, icmpTrace := unreachable(t)
	bulk, bulkTrace := bulk(t, 100)
	for name, c := range map[string]struct {
		s *language.Scenario
		t *trace.Trace
		o LadderOptions
	}{
		"ladder-struck-at-the-server's-input": {backoff, backoffTrace, LadderOptions{}},
		"ladder-lost-on-the-wire-v4":          {v4, v4Trace, LadderOptions{}},
		"ladder-lost-on-the-wire-v6":          {v6, v6Trace, LadderOptions{}},
		"ladder-ascii-80-columns":             {v4, v4Trace, LadderOptions{ASCII: true, Width: 80}},
		"ladder-color":                        {backoff, backoffTrace, LadderOptions{Color: true}},
		"ladder-only-some-packets":            {v4, v4Trace, LadderOptions{Only: packetsOf(v4Trace, "DATA"), Indent: "    "}},
		"ladder-the-wire-answers":             {icmp, icmpTrace, LadderOptions{}},
		"ladder-loopback":                     {&language.Scenario{}, refusedOnLoopback(t), LadderOptions{}},
		"ladder-shortened":                    {bulk, bulkTrace, LadderOptions{MaxRows: 20}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Ladder(c.s, c.t, c.o)
			width := c.o.Width
			if width == 0 {
				width = 100
			}
			for _, l := range strings.Split(got, "\n") {
				if n := utf8.RuneCountInString(l); n > width && !c.o.Color {
					t.Errorf("%d columns, want at most %d: %q", n, width, l)
				}
				if c.o.ASCII && len(l) != utf8.RuneCountInString(l) {
					t.Errorf("not ASCII: %q", l)
				}
			}
			golden(t, name, got)
		})
	}
}

// refusedOnLoopback is a connection of a host to itself that is refused.
func refusedOnLoopback(t *testing.T) *trace.Trace {
	l := &lab{t: t, trace: &trace.Trace{}}
	l.add(0, trace.Event{Host: &trace.Host{Name: "host", Addresses: []string{"198.18.1.2", "198.18.2.2"}, Links: []trace.Link{{Device: "lo", MTU: 65536}}}})
	l.add(start, trace.Event{Start: &trace.Start{}})
	for i, s := range []seg{{from: "client", flags: "S", seq: 1, win: 65495}, {from: "server", flags: "RA", ack: 2, noID: true}} {
		f := l.tcp(s)
		l.see(time.Duration(20*i)*time.Microsecond, "host", "lo", true, f)
		l.see(time.Duration(20*i+1)*time.Microsecond, "host", "lo", false, f)
	}
	return l.end(10 * ms)
}

// On lo a packet is captured once, where it is sent: it has arrived unless something took it at the
// host's input.
func TestPacketsOnLoopbackArrive(t *testing.T) {
	for name, v6 := range map[string]bool{"127.0.0.1": false, "::1": true} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, v6)
			l.lo = true
			syn := l.tcp(seg{from: "client", flags: "S", seq: 9, win: 65495})
			again := l.tcp(seg{from: "client", flags: "S", seq: 9, win: 65495})
			l.see(0, "client", "lo", true, syn)
			l.see(10*time.Microsecond, "server", "lo", true, syn) // another host's 127.0.0.1
			l.add(start+ms/2, trace.Event{Fault: &trace.Fault{Name: "deaf", What: trace.FaultHit, Effect: "dropped", Packet: again[14:]}})
			l.see(ms/2, "client", "lo", true, again)
			var got []string
			for _, j := range allJourneys(&language.Scenario{}, l.end(time.Second)) {
				got = append(got, fmt.Sprintf("%s > %s arrived=%v forged=%v struck=%q", j.From, j.To, j.Arrived, j.Forged, j.Struck))
			}
			want := []string{
				`client > client arrived=true forged=false struck=""`,
				`server > server arrived=true forged=false struck=""`,
				`client > client arrived=true forged=false struck="deaf"`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("journeys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLadderDrawsAnything(t *testing.T) {
	l := newLab(t, false)
	syn := l.tcp(seg{from: "client", flags: "S"})
	for n := range syn {
		l.see(time.Duration(n)*ms, "client", "eth0", n%2 == 0, syn[:n])
		l.see(time.Duration(n)*ms, "unknown-host", "eth7", true, syn[n:])
	}
	for n := range 40 {
		l.see(0, strings.Repeat("h", n), "eth0", true, syn)
	}
	l.step(0, ms, trace.Step{Actor: "unknown", Op: "recv", Errno: "EINTR"})
	tr := l.end(time.Second)
	for _, o := range []LadderOptions{{}, {Width: 1}, {Width: 1000, ARP: true}, {MaxRows: 1}, {MaxRows: 2}, {Only: []int{-1, 1 << 30}}, {Only: []int{}}} {
		for _, s := range []*language.Scenario{nil, {}} {
			if got := Ladder(s, tr, o); !strings.HasSuffix(got, "\n") {
				t.Errorf("%+v: %q", o, got)
			}
		}
	}
	if got, want := Ladder(nil, &trace.Trace{}, LadderOptions{}), "no packets\n"; got != want {
		t.Errorf("an empty trace: %q, want %q", got, want)
	}
}

// packetsOf returns the indexes of the packets of a kind.
func packetsOf(t *trace.Trace, kind string) []int {
	var at []int
	for i := range t.Events {
		if e := &t.Events[i]; e.IsPacket() && e.Packet().Decode().Kind() == kind {
			at = append(at, i)
		}
	}
	return at
}

// seenBy returns the indexes of the packets captured at a host.
func seenBy(t *trace.Trace, host string) []int {
	var at []int
	for i := range t.Events {
		if e := &t.Events[i]; e.IsPacket() && e.Packet().Host == host {
			at = append(at, i)
		}
	}
	return at
}

// unreachable has a SYN to an address of no host, and the wire's answer.
func unreachable(t *testing.T) (*language.Scenario, *trace.Trace) {
	s, _ := synBackoff(t)
	s.Faults = nil
	l := newLab(t, false)
	syn := l.tcp(seg{from: "client", flags: "S", seq: 1, win: 64240})
	l.lose(0, "client", syn)
	icmp := l.frame("wire", "client", 77, layers.IPProtocolICMPv4,
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeHost)}, gopacket.Payload(syn[14:]))
	l.see(3100*ms, "wire", "client", true, icmp)
	l.see(3100*ms+10*time.Microsecond, "client", "eth0", false, icmp)
	l.step(0, 3101*ms, trace.Step{Actor: "client", Op: "connect", Errno: "EHOSTUNREACH", Result: -1, Local: l.addr("client") + ":40000", Remote: l.addr("server") + ":8080"})
	return s, l.end(3102 * ms)
}

// bulk has n data segments, each of them acknowledged.
func bulk(t *testing.T, n int) (*language.Scenario, *trace.Trace) {
	s, _ := exchange(t, false)
	s.Faults = nil
	l := newLab(t, false)
	l.pass(0, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 0, win: 64240}))
	l.pass(ms, 0, "server", l.tcp(seg{from: "server", flags: "SA", seq: 0, ack: 1, win: 65160, noID: true}))
	for i := range n {
		at := time.Duration(i+2) * ms
		l.pass(at, 0, "client", l.tcp(seg{from: "client", flags: "A", seq: uint32(1 + 100*i), ack: 1, win: 502, data: strings.Repeat("x", 100)}))
		l.pass(at+ms/2, 0, "server", l.tcp(seg{from: "server", flags: "A", seq: 1, ack: uint32(101 + 100*i), win: 502}))
	}
	l.pass(time.Duration(n+3)*ms, 0, "client", l.tcp(seg{from: "client", flags: "RA", seq: uint32(1 + 100*n), ack: 1}))
	return s, l.end(time.Duration(n+4) * ms)
}

func TestLadderOfTenThousandPacketsIsDrawnInTime(t *testing.T) {
	s, tr := bulk(t, 5000)
	begin := time.Now()
	got := Ladder(s, tr, LadderOptions{})
	took := time.Since(begin)
	if n := strings.Count(got, "\n"); n < 10000 {
		t.Errorf("drew %d lines, want one a packet", n)
	}
	// It takes 0.1 s, and with the race detector some ten times as long. Quadratic matching takes
	// minutes.
	if took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestJourneysTellIdenticalPacketsApart(t *testing.T) {
	l := newLab(t, false)
	synack := l.tcp(seg{from: "server", flags: "SA", seq: 9, ack: 1, win: 65160, noID: true})
	l.lose(0, "server", synack)
	l.pass(1000*ms, 0, "server", synack)
	got := allJourneys(&language.Scenario{}, l.end(2000*ms))
	if len(got) != 2 || got[0].Arrived || !got[1].Arrived {
		t.Fatalf("want one lost and one arrived SYN-ACK, got %+v", got)
	}
}

func TestJourneysOfACopyMadeOnTheWire(t *testing.T) {
	l := newLab(t, false)
	syn := l.tcp(seg{from: "client", flags: "S", seq: 9})
	l.pass(0, 0, "client", syn)
	l.see(500*ms, "wire", "server", true, syn)
	l.see(501*ms, "server", "eth0", false, syn)
	got := allJourneys(&language.Scenario{}, l.end(time.Second))
	if len(got) != 2 || got[1].From != "wire" || !got[1].Forged || !got[1].Arrived || got[1].To != "server" {
		t.Fatalf("want the packet and its copy from the wire, got %+v", got)
	}
}

// Two identical packets are held at once, and each gets the mark of its hit.
func TestHitsOfIdenticalPackets(t *testing.T) {
	l := newLab(t, false)
	synack := l.tcp(seg{from: "server", flags: "SA", seq: 9, ack: 1, win: 65160, noID: true})
	s := &language.Scenario{Faults: []language.Fault{
		{Name: "slow", Do: language.Action{Delay: &language.Delay{By: language.Duration(200 * ms)}}},
		{Name: "copies", Do: language.Action{Duplicate: &language.Duplicate{Copies: 4}}},
	}}
	hit := func(at time.Duration, name string, effect trace.Effect, by time.Duration) {
		l.add(start+at, trace.Event{Fault: &trace.Fault{Name: name, What: "hit", Effect: effect, By: by, Packet: synack[14:]}})
	}
	l.pass(0, 200*ms, "server", synack)
	l.pass(ms, 200*ms, "server", synack)
	hit(2*ms, "slow", "delayed", 200*ms)
	hit(3*ms, "slow", "delayed", 200*ms)
	hit(4*ms, "copies", "duplicated", 0)
	hit(5*ms, "again", "to be replayed", 500*ms)
	all := allJourneys(s, l.end(time.Second))
	var got []string
	for _, j := range all {
		got = append(got, j.marks())
	}
	want := []string{"→200ms slow", "→200ms slow, ×5 copies, ↻500ms again"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestARewrittenSegmentIsToldAsSentAndArrived(t *testing.T) {
	l := newLab(t, false)
	sent := l.tcp(seg{from: "client", flags: "A", seq: 9, ack: 1, win: 510})
	came := l.tcp(seg{from: "client", flags: "RA", seq: 9, ack: 1, win: 0})
	copy(came[14+4:14+6], sent[14+4:14+6]) // the IP identification
	l.see(0, "client", "eth0", true, sent)
	l.see(10*time.Microsecond, "wire", "client", false, sent)
	l.see(30*time.Microsecond, "wire", "server", true, came)
	l.see(40*time.Microsecond, "server", "eth0", false, came)
	l.add(start+20*time.Microsecond, trace.Event{Fault: &trace.Fault{Name: "shut", What: "hit", Effect: "rewritten", Packet: sent[14:]}})
	s := &language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}
	got := Ladder(s, l.end(time.Second), LadderOptions{Width: 120})
	if want := "ACK flags=ACK→RST+ACK win=510→0 ack=1 (≠ shut) "; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func TestAnOptionThatAFaultTookOutIsNone(t *testing.T) {
	full, bare := &packet.Decoded{}, &packet.Decoded{}
	full.Options.MSS, full.Options.WindowScale = 1460, 7
	bare.Options.WindowScale = -1
	for _, tt := range []struct {
		name       string
		sent, came *packet.Decoded
		want       string
	}{
		{"taken out", full, bare, "SYN mss=1460→none wscale=7→none"},
		{"as it was", full, full, "SYN"},
	} {
		j := &Journey{Packet: tt.sent, Arrival: tt.came, Marks: []Mark{{Effect: packet.EffectRewritten}}}
		if got := strings.Join(j.rewritten([]string{"SYN"}), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLabelSaysThatWordsAreMissing(t *testing.T) {
	words := []string{"DATA", "seq=1", "len=100"}
	for width, want := range map[int]string{4: "DATA …", 11: "DATA …", 12: "DATA seq=1 …", 17: "DATA seq=1 …", 18: "DATA seq=1 len=100"} {
		if got := label(words, width, "…"); got != want {
			t.Errorf("in %d columns: %q, want %q", width, got, want)
		}
	}
}

func TestFaultIsNotCreditedWithMoreThanItsHits(t *testing.T) {
	s, tr := synBackoff(t)
	for i := range tr.Events {
		if f := tr.Events[i].Fault; f != nil && f.What == "hits" {
			f.Hits = 1
		}
	}
	for _, j := range allJourneys(s, tr) {
		if j.Struck != "" {
			t.Errorf("the packet sent at %v has the mark of %s, but 2 packets match and the fault hit 1", j.Sent, j.Struck)
		}
	}
}

func TestRoleOfAHost(t *testing.T) {
	step := func(op language.Op) []language.Step { return []language.Step{{Op: op}} }
	s := &language.Scenario{Actors: []language.Actor{
		{Name: "a", Host: "a", Steps: step(language.Op{Connect: &language.Connect{}})},
		{Name: "b", Host: "b", Steps: step(language.Op{Listen: &language.Listen{}})},
		{Name: "c", Host: "c", Steps: step(language.Op{Exec: &language.Exec{}})},
	}}
	packet := func(from, to, proto string) row {
		return row{journey: &Journey{From: from, To: to, Packet: &trace.Decoded{Proto: proto}}}
	}
	rows := []row{{}, packet("server", "c", "arp"), packet("c", "server", "udp"), packet("server", "c", "udp"), packet("b", "a", "tcp")}
	for host, want := range map[string]string{
		"a": "opens", "b": "listens", "c": "opens", "server": "listens", "silent": "",
	} {
		if got := role(s, rows, host); got != want {
			t.Errorf("%s %q, want %q", host, got, want)
		}
	}
}

// A flood has millions of packets. The ladder has the first ones, each to its end, and says so.
func TestJourneysBeyondABoundAreLeftOut(t *testing.T) {
	for _, tt := range []struct {
		name    string
		most    int
		arrived []bool
		leftOut time.Duration
	}{
		{"as many as there are", 3, []bool{true, true, false}, never},
		{"the second arrives after the third was sent", 2, []bool{true, true}, start + 2*ms},
		{"one", 1, []bool{true}, start + ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, false)
			frame := func(seq int) []byte { return l.tcp(seg{from: "client", flags: "S", seq: uint32(seq), noID: true}) }
			l.pass(0, 0, "client", frame(1))
			l.pass(ms, 50*ms, "client", frame(2))
			l.lose(2*ms, "client", frame(3))
			l.add(start+3*ms, trace.Event{Drop: &trace.Drop{
				TCPSocket: trace.TCPSocket{Host: "client"}, Reason: "NO_SOCKET", Packet: frame(4)[14:],
			}})
			end := l.end(time.Second)
			all, leftOut := journeys(&language.Scenario{}, end, tt.most)
			var arrived []bool
			for _, j := range all {
				arrived = append(arrived, j.Arrived)
			}
			want := tt.arrived
			if leftOut == never {
				want = append(want, false) // the packet of which only the drop was seen
			}
			if diff := cmp.Diff(want, arrived); diff != "" || leftOut != tt.leftOut {
				t.Errorf("left out from %s, want %s; arrived (-want +got):\n%s", leftOut, tt.leftOut, diff)
			}
			said := slices.ContainsFunc(ladderRows(&language.Scenario{}, end, all, leftOut, &LadderOptions{}),
				func(r row) bool { return strings.Contains(r.text, "those after this are left out") })
			if said != (leftOut < never) {
				t.Errorf("the ladder says that packets are left out: %t", said)
			}
		})
	}
}
