package queue

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/layers"

	"halfopen/scenarios/language"
)

// forged returns the summaries of the additional packets that a decision sends.
func forged(t *testing.T, d *Decision) []string {
	t.Helper()
	var list []string
	for _, x := range d.Extras {
		if x.After != 0 || x.Until != "" {
			t.Errorf("an answer waits for %v, %q", x.After, x.Until)
		}
		list = append(list, summary(t, x.Data))
	}
	return list
}

// The sequence number of a forged RST is the next one that its receiver expects, as RFC 5961,
// section 3.2, requires.
func TestReset(t *testing.T) {
	const (
		fromClient = "client > server 40001 > 8080 RST"
		fromServer = "server > client 8080 > 40001 RST"
	)
	for _, c := range []struct {
		name string
		segment
		// receiver and sender are the packets that each of them gets.
		receiver, sender string
	}{
		{
			"SYN",
			segment{way: toServer, flags: "SYN", seq: 1000},
			fromClient + " seq 1001", fromServer + " ACK seq 0 ack 1001",
		},
		{
			"SYN with data",
			segment{way: toServer, flags: "SYN", seq: 1000, payload: "fast"},
			fromClient + " seq 1005", fromServer + " ACK seq 0 ack 1005",
		},
		{
			"SYN-ACK",
			segment{way: toClient, flags: "SYN ACK", seq: 5000, ack: 1001},
			fromServer + " ACK seq 5001 ack 1001", fromClient + " seq 1001",
		},
		{
			"ACK",
			segment{way: toServer, flags: "ACK", seq: 1001, ack: 5001},
			fromClient + " ACK seq 1001 ack 5001", fromServer + " seq 5001",
		},
		{
			"DATA",
			segment{way: toServer, flags: "PSH ACK", seq: 1001, ack: 5001, payload: "hello"},
			fromClient + " ACK seq 1006 ack 5001", fromServer + " seq 5001",
		},
		{
			"DATA past the end of the numbers",
			segment{way: toServer, flags: "ACK", seq: 0xfffffffe, ack: 0, payload: "hello"},
			fromClient + " ACK seq 3 ack 0", fromServer + " seq 0",
		},
		{
			"FIN",
			segment{way: toClient, flags: "FIN ACK", seq: 5001, ack: 1006},
			fromServer + " ACK seq 5002 ack 1006", fromClient + " seq 1006",
		},
		{
			"FIN with data",
			segment{way: toClient, flags: "FIN ACK", seq: 5001, ack: 1006, payload: "bye"},
			fromServer + " ACK seq 5005 ack 1006", fromClient + " seq 1006",
		},
		{"RST", segment{way: toServer, flags: "RST ACK", seq: 1001, ack: 5001}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range families {
				for to, want := range map[string][]string{
					"receiver": {c.receiver}, "sender": {c.sender}, "both": {c.receiver, c.sender},
				} {
					hits := uint64(1)
					if c.receiver == "" {
						want, hits = nil, 0
					}
					e := newTestEngine(t, f, 1, `{f: {match: {tcp: any}, do: {reset: `+to+`}}}`)
					d := decide(e, c.bytes(f), 0)
					if diff := cmp.Diff(want, forged(t, &d)); diff != "" {
						t.Errorf("IP%s to %s (-want +got):\n%s", f, to, diff)
					}
					if d.Drop || d.Data != nil || d.At != 0 {
						t.Errorf("IP%s to %s: the packet itself does not pass unchanged: %+v", f, to, d)
					}
					if e.Hits("f") != hits {
						t.Errorf("IP%s to %s: %d hits, want %d", f, to, e.Hits("f"), hits)
					}
				}
			}
		})
	}
}

func TestRejectByReset(t *testing.T) {
	for _, f := range families {
		e := newTestEngine(t, f, 1, `{f: {match: {tcp: any}, do: {reject: tcp-reset}}}`)
		for _, c := range []struct {
			segment
			want []string
		}{
			{segment{way: toServer, flags: "SYN", seq: 1000}, []string{"server > client 8080 > 40001 RST ACK seq 0 ack 1001"}},
			{segment{way: toServer, flags: "ACK", seq: 1001, ack: 5001, payload: "x"}, []string{"server > client 8080 > 40001 RST seq 5001"}},
			{segment{way: toClient, flags: "SYN ACK", seq: 5000, ack: 1001}, []string{"client > server 40001 > 8080 RST seq 1001"}},
			// It is lost, as any other segment, but not answered.
			{segment{way: toClient, flags: "RST", seq: 5000}, nil},
		} {
			d := decide(e, c.bytes(f), 0)
			if diff := cmp.Diff(c.want, forged(t, &d)); diff != "" || !d.Drop {
				t.Errorf("IP%s: %s: dropped %t (-want +got):\n%s", f, c.flags, d.Drop, diff)
			}
		}
	}
}

// The codes are those of RFC 792 and RFC 1812, and of RFC 4443.
func TestRejectByICMP(t *testing.T) {
	for with, want := range map[string][2]string{
		"":                      {"DestinationUnreachable(Port)", "DestinationUnreachable(PortUnreachable)"},
		"icmp-port-unreachable": {"DestinationUnreachable(Port)", "DestinationUnreachable(PortUnreachable)"},
		"icmp-host-unreachable": {"DestinationUnreachable(Host)", "DestinationUnreachable(AddressUnreachable)"},
		"icmp-net-unreachable":  {"DestinationUnreachable(Net)", "DestinationUnreachable(NoRouteToDst)"},
		// IPv6 uses a parameter problem instead.
		"icmp-proto-unreachable": {"DestinationUnreachable(Protocol)", "ParameterProblem(UnrecognizedNextHeader)"},
		"icmp-host-prohibited":   {"DestinationUnreachable(HostAdminProhibited)", "DestinationUnreachable(AdminProhibited)"},
		"icmp-net-prohibited":    {"DestinationUnreachable(NetAdminProhibited)", "DestinationUnreachable(AdminProhibited)"},
		"icmp-admin-prohibited":  {"DestinationUnreachable(CommAdminProhibited)", "DestinationUnreachable(AdminProhibited)"},
		"icmp-time-exceeded":     {"TimeExceeded(TTLExceeded)", "TimeExceeded(HopLimitExceeded)"},
		// Only one of the two has these.
		"icmp-source-route-failed":  {"DestinationUnreachable(SourceRoutingFailed)", ""},
		"icmp-net-unknown":          {"DestinationUnreachable(NetUnknown)", ""},
		"icmp-host-unknown":         {"DestinationUnreachable(HostUnknown)", ""},
		"icmp-host-isolated":        {"DestinationUnreachable(SourceIsolated)", ""},
		"icmp-tos-net-unreachable":  {"DestinationUnreachable(NetTOS)", ""},
		"icmp-tos-host-unreachable": {"DestinationUnreachable(HostTOS)", ""},
		"icmp-precedence-violation": {"DestinationUnreachable(HostPrecedence)", ""},
		"icmp-precedence-cutoff":    {"DestinationUnreachable(PrecedenceCutoff)", ""},
		"icmp-beyond-scope":         {"", "DestinationUnreachable(BeyondScopeOfSrc)"},
		"icmp-policy-failed":        {"", "DestinationUnreachable(SrcAddressFailedPolicy)"},
		"icmp-route-rejected":       {"", "DestinationUnreachable(RejectRouteToDst)"},
	} {
		for i, f := range families {
			if want[i] == "" {
				continue
			}
			do := "{}"
			if with != "" {
				do = with
			}
			e := newTestEngine(t, f, 1, `{f: {via: nfqueue, do: {reject: `+do+`}}}`)
			long := segment{way: toClient, flags: "ACK", seq: 1, ack: 1, payload: strings.Repeat("x", 1400)}.bytes(f)
			for _, b := range [][]byte{datagram(f, toClient, "lost"), long} {
				d := decide(e, b, 0)
				got := forged(t, &d)
				if !d.Drop || len(got) != 1 || got[0] != "wire.2 > server icmp "+want[i] {
					t.Fatalf("IP%s with %q: dropped %t, sent %q, want %s", f, with, d.Drop, got, want[i])
				}
				most := 576
				if f == language.V6 {
					most = 1280
				}
				if n := len(d.Extras[0].Data); n > most {
					t.Errorf("IP%s: an error of %d bytes", f, n)
				}
				p := parse(t, d.Extras[0].Data)
				quote, head := []byte(nil), 8
				if f == language.V4 {
					quote, head = p.icmp4.Payload, 28
				} else {
					quote, head = p.icmp6.Payload[4:], 48
				}
				if n := min(len(b), most-head); string(quote) != string(b[:n]) {
					t.Errorf("IP%s: it quotes %d bytes of %d, want the first %d", f, len(quote), len(b), n)
				}
				if f == language.V6 {
					pointer := [4]byte(p.icmp6.Payload[:4])
					if want := with == "icmp-proto-unreachable"; (pointer == [4]byte{0, 0, 0, 6}) != want || !want && pointer != [4]byte{} {
						t.Errorf("with %q: the pointer is % x", with, pointer)
					}
				}
			}
		}
	}
}

// Errors that RFC 1122, section 3.2.2, and RFC 4443, section 2.4, forbid: about errors, fragments
// and groups.
func TestNobodyIsToldOf(t *testing.T) {
	group := func(v4 *layers.IPv4, v6 *layers.IPv6) {
		v4.DstIP, v6.DstIP = []byte{224, 0, 0, 5}, []byte{0xff, 2, 15: 5}
	}
	nobody := func(v4 *layers.IPv4, v6 *layers.IPv6) { v4.SrcIP, v6.SrcIP = make([]byte, 4), make([]byte, 16) }
	for _, f := range families {
		for name, b := range map[string][]byte{
			"an error":                          unreachable(f),
			"an error cut short":                unreachable(f)[:len(build(f, toClient, nil, 59))+6],
			"a fragment but the first":          fragment(f, 1480, false, "the rest"),
			"a packet to a group":               segment{way: toServer, flags: "SYN", change: group}.bytes(f),
			"a packet from nobody":              segment{way: toServer, flags: "SYN", change: nobody}.bytes(f),
			"no packet at all":                  {},
			"an IP header cut short":            datagram(f, toServer, "x")[:18],
			"something that is not even IP":     {0x55, 1, 2, 3},
			"a segment from nobody, by a reset": segment{way: toServer, flags: "SYN", change: nobody}.bytes(f),
		} {
			do := "{}"
			if strings.Contains(name, "reset") {
				do = "tcp-reset"
			}
			e := newTestEngine(t, f, 1, `{f: {via: nfqueue, match: {tcp: any}, do: {reject: `+do+`}}}`)
			if do == "{}" {
				e = newTestEngine(t, f, 1, `{f: {via: nfqueue, do: {reject: {}}}}`)
			}
			d := decide(e, b, 0)
			if len(d.Extras) > 0 {
				t.Errorf("IP%s: %s is answered by % x", f, name, d.Extras[0].Data)
			}
		}
		// The first fragment shows its sender and content, so the sender gets an error.
		e := newTestEngine(t, f, 1, `{f: {via: nfqueue, do: {reject: {}}}}`)
		first := decide(e, fragment(f, 0, true, string(make([]byte, 64))), 0)
		if len(first.Extras) != 1 {
			t.Errorf("IP%s: the first fragment has %d answers", f, len(first.Extras))
		}
	}
}

// At a host's own hooks, its own addresses answer.
func TestWhoReports(t *testing.T) {
	for _, f := range families {
		for at, want := range map[string]string{"server.input": "server", "client.output": "server", "wire": "wire.1"} {
			e := newTestEngine(t, f, 1, `{f: {via: nfqueue, at: `+at+`, match: {udp: any}, do: {reject: {}}}}`)
			place := forward
			switch at {
			case "server.input":
				place = Hook{"server", "INPUT"}
			case "client.output":
				place = Hook{"client", "OUTPUT"}
			}
			d := e.Decide(place, datagram(f, toServer, "x"), 0)
			if got := forged(t, &d); len(got) != 1 || !strings.HasPrefix(got[0], want+" > client icmp") {
				t.Errorf("IP%s at %s: %q, want it from %s", f, at, got, want)
			}
		}
	}
}

func TestMTU(t *testing.T) {
	for i, f := range families {
		big := [2]string{"DestinationUnreachable(FragmentationNeeded)", "PacketTooBig"}[i]
		header := [2]int{20, 40}[i] + 8
		for _, icmp := range []string{"send", "drop"} {
			e := newTestEngine(t, f, 1, `{f: {do: {mtu: {size: 1400, icmp: `+icmp+`}}}}`)
			fits, long := datagram(f, toServer, string(make([]byte, 1400-header))), datagram(f, toServer, string(make([]byte, 1401-header)))
			if d := decide(e, fits, 0); d.Drop || len(d.Strikes) > 0 {
				t.Errorf("IP%s: a packet of 1400 bytes is struck", f)
			}
			d := decide(e, long, 0)
			got := forged(t, &d)
			if icmp == "drop" {
				if !d.Drop || got != nil || effects(&d)[0] != "f dropped 1" {
					t.Errorf("IP%s: a black hole: dropped %t, %q, %q", f, d.Drop, got, effects(&d))
				}
				continue
			}
			if !d.Drop || len(got) != 1 || !strings.HasPrefix(got[0], "wire.1 > client icmp "+big) || strings.Contains(got[0], "wrong") {
				t.Fatalf("IP%s: dropped %t, %q", f, d.Drop, got)
			}
			p := parse(t, d.Extras[0].Data)
			if f == language.V4 && p.icmp4.Seq != 1400 || f == language.V6 && string(p.icmp6.Payload[:4]) != "\x00\x00\x05\x78" {
				t.Errorf("IP%s: the reported MTU is not 1400: %s", f, p)
			}
			if e.Hits("f") != 1 {
				t.Errorf("IP%s: %d hits", f, e.Hits("f"))
			}
			// Only the headers are here; the length is that of the whole packet.
			if d := decide(e, long[:headers], 0); !d.Drop {
				t.Errorf("IP%s: a packet cut to its headers passes", f)
			}
		}
	}
}
