package queue

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/layers"

	"halfopen/scenarios/language"
)

// conversation is a list of packets of all sorts. Tests name them by index.
func conversation(f language.Family) [][]byte {
	const c, s = 1000, 5000 // initial sequence numbers of client and server
	near := func(v4 *layers.IPv4, v6 *layers.IPv6) { v4.TTL, v6.HopLimit = 3, 3 }
	return [][]byte{
		/*  0 */ segment{way: toServer, flags: "SYN", seq: c, window: 64240, options: synOptions()}.bytes(f),
		/*  1 */ segment{way: toClient, flags: "SYN ACK", seq: s, ack: c + 1, window: 65160, options: synOptions()}.bytes(f),
		/*  2 */ segment{way: toServer, flags: "ACK", seq: c + 1, ack: s + 1, window: 502}.bytes(f),
		/*  3 */ segment{way: toServer, flags: "PSH ACK", seq: c + 1, ack: s + 1, window: 502, payload: "hello"}.bytes(f),
		/*  4 */ segment{way: toClient, flags: "ACK", seq: s + 1, ack: c + 6, window: 0}.bytes(f),
		/*  5 */ segment{way: toClient, flags: "ACK", seq: s + 1, ack: c + 6, window: 509, payload: "hello, client"}.bytes(f),
		/*  6 */ segment{way: toServer, flags: "PSH ACK", seq: c + 1, ack: s + 1, window: 502, payload: "hello"}.bytes(f),
		/*  7 */ segment{way: toServer, flags: "ACK", seq: c + 6, ack: s + 14, window: 500, payload: "world!\x00\xff"}.bytes(f),
		/*  8 */ segment{way: toServer, client: 40002, flags: "SYN", seq: 77, window: 64240}.bytes(f),
		/*  9 */ datagram(f, toServer, "query"),
		/* 10 */ echo(f, toServer),
		/* 11 */ segment{way: toServer, flags: "FIN ACK", seq: c + 14, ack: s + 14, window: 500}.bytes(f),
		/* 12 */ segment{way: toClient, flags: "RST ACK", seq: s + 14, ack: c + 15}.bytes(f),
		/* 13 */ datagram(f, toClient, "answer"),
		/* 14 */ segment{way: toClient, client: 40002, flags: "SYN ACK", seq: 99, ack: 78, window: 65160, change: near}.bytes(f),
		/* 15 */ unreachable(f),
		/* 16 */ segment{way: toServer, client: 40002, flags: "PSH ACK", seq: 78, ack: 100, window: 502, payload: "hello again"}.bytes(f),
	}
}

// struck returns the indexes of the packets that an engine strikes.
func struck(e *Engine, packets [][]byte) []int {
	list := []int{}
	for i, b := range packets {
		if d := decide(e, b, i); len(d.Strikes) > 0 {
			list = append(list, i)
		}
	}
	return list
}

func TestSelectors(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for _, c := range []struct {
		name string
		// match is the fault's selector.
		match string
		want  []int
	}{
		{"everything", `{}`, all},
		{"a sender", `{from: server}`, []int{1, 4, 5, 12, 13, 14, 15}},
		{"a receiver", `{to: server}`, []int{0, 2, 3, 6, 7, 8, 9, 10, 11, 16}},
		{"TCP", `{tcp: any}`, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 16}},
		{"a kind", `{tcp: SYN}`, []int{0, 8}},
		{"two kinds", `{tcp: [SYN-ACK, ACK]}`, []int{1, 2, 4, 14}},
		{"data", `{tcp: DATA}`, []int{3, 5, 6, 7, 16}},
		{"ends", `{tcp: [FIN, RST]}`, []int{11, 12}},
		{"UDP", `{udp: any}`, []int{9, 13}},
		{"ICMP", `{icmp: any}`, []int{10, 15}},
		{"an ICMP message", `{icmp: port-unreachable}`, []int{15}},
		{"a port", `{udp: any, port: 7007}`, []int{9, 13}},
		{"a source port", `{tcp: any, sport: [8080, 40002]}`, []int{1, 4, 5, 8, 12, 14, 16}},
		{"a destination port", `{udp: any, dport: 7007}`, []int{9}},
		{"ports without a protocol", `{dport: [7007, 40002]}`, []int{9, 14}},

		{"the first connection", `{tcp: any, conn: 1}`, []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 12}},
		{"the second connection", `{tcp: any, conn: 2}`, []int{8, 14, 16}},
		{"the third connection, which is UDP", `{conn: 3}`, []int{9, 13}},
		{"a connection without a fitting packet", `{tcp: DATA, payload: again, conn: 1}`, []int{}},
		{"the second connection, which has the first fitting packet", `{tcp: DATA, payload: again, conn: 2}`, []int{16}},
		{"the first connection of UDP", `{udp: any, conn: 1}`, []int{9, 13}},
		{"the second connection, from the other end", `{from: server, tcp: any, conn: 2}`, []int{14}},
		{"a connection that never is", `{tcp: any, conn: 3}`, []int{}},

		{"retransmissions", `{tcp: any, retransmission: true}`, []int{6}},
		{"first transmissions", `{tcp: DATA, retransmission: false}`, []int{3, 5, 7, 16}},

		{"text", `{payload: hello}`, []int{3, 5, 6, 16}},
		{"text of UDP", `{udp: any, payload: {contains: uer}}`, []int{9}},
		{"bytes", `{tcp: any, payload: {hex: 21 00 ff}}`, []int{7}},
		{"bytes that are nowhere", `{payload: {hex: 00ff00}}`, []int{}},
		{"a length", `{tcp: any, payload: {length: 5}}`, []int{3, 6}},
		{"a length at least", `{tcp: any, payload: {length: ">= 8"}}`, []int{5, 7, 16}},
		{"no payload", `{tcp: any, payload: {length: 0}}`, []int{0, 1, 2, 4, 8, 11, 12, 14}},
		{"a length and text", `{payload: {contains: hello, length: "> 5"}}`, []int{5, 16}},
		{"an offset in the stream", `{tcp: any, payload: {offset: 5}}`, []int{5, 7, 16}},
		{"offsets in the stream", `{tcp: any, to: server, payload: {offset: 4..5}}`, []int{3, 6, 7, 16}},
		{"an offset beyond all data", `{tcp: any, payload: {offset: 13}}`, []int{}},

		{"an option", `{tcp: any, options: {mss: true}}`, []int{0, 1}},
		{"no option", `{tcp: SYN, options: {sack-permitted: false}}`, []int{8}},
		{"options", `{tcp: any, options: {timestamps: true, window-scale: true, fast-open: false, sack: false}}`, []int{0, 1}},

		{"a sequence number", `{tcp: any, seq: 6}`, []int{7}},
		{"initial sequence numbers", `{tcp: any, seq: 0}`, []int{0, 1, 8, 14}},
		{"an acknowledgement number", `{tcp: any, ack: 14}`, []int{7, 11}},
		{"small acknowledgement numbers", `{tcp: any, ack: "<= 1"}`, []int{1, 2, 3, 6, 14, 16}},
		{"a window", `{tcp: ACK, window: 0}`, []int{4}},
		{"windows", `{tcp: any, window: 500..502}`, []int{2, 3, 6, 7, 11, 16}},
		{"a TTL", `{ttl: 3}`, []int{14}},
		{"TTLs", `{tcp: SYN-ACK, ttl: 4..255}`, []int{1}},

		{"all at once", `{from: client, to: server, tcp: DATA, sport: 40001, dport: 8080, conn: 1, payload: {contains: ell, length: 5, offset: 0},
			retransmission: true, options: {mss: false}, seq: 1, ack: 1, window: 502, ttl: 63}`, []int{6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range families {
				e := newTestEngine(t, f, 1, `{f: {match: `+c.match+`, do: drop}}`)
				if diff := cmp.Diff(c.want, struck(e, conversation(f))); diff != "" {
					t.Errorf("IP%s: struck (-want +got):\n%s", f, diff)
				}
				if got := e.Hits("f"); got != uint64(len(c.want)) {
					t.Errorf("IP%s: %d hits, want %d", f, got, len(c.want))
				}
			}
		})
	}
}

// Connections are distinguished even with only the headers, and lengths and offsets are those of
// the whole segment.
func TestSelectorsOfPacketsCutShort(t *testing.T) {
	for _, f := range families {
		long := segment{way: toServer, flags: "ACK", seq: 1001, ack: 5001, payload: string(make([]byte, 1000))}.bytes(f)
		next := segment{way: toServer, flags: "ACK", seq: 2001, ack: 5001, payload: string(make([]byte, 1000))}.bytes(f)
		e := newTestEngine(t, f, 1, `{
			length: {match: {tcp: any, payload: {length: 1000}}, do: {delay: 1s}},
			offset: {match: {tcp: any, payload: {offset: 1999}}, do: {delay: 1s}},
			later: {match: {tcp: any, seq: 1001, conn: 1, retransmission: false}, do: {delay: 1s}}}`)
		first, second := decide(e, long[:headers], 0), decide(e, next[:headers], 0)
		if diff := cmp.Diff([]string{"length delayed 1"}, effects(&first)); diff != "" {
			t.Errorf("IP%s: the first segment (-want +got):\n%s", f, diff)
		}
		if diff := cmp.Diff([]string{"length delayed 2", "offset delayed 1", "later delayed 1"}, effects(&second)); diff != "" {
			t.Errorf("IP%s: the second segment (-want +got):\n%s", f, diff)
		}
	}
}

// twenty are packets that all match.
func twenty() [][]byte {
	return slices.Repeat([][]byte{datagram(language.V4, toServer, "x")}, 20)
}

func TestTriggers(t *testing.T) {
	for _, c := range []struct {
		name, trigger string
		want          []int // from 1
	}{
		{"none", ``, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{"nth", `nth: 2`, []int{2}},
		{"some", `nth: [15, 1, 3]`, []int{1, 3, 15}},
		{"one that does not come", `nth: 21`, []int{}},
		{"first", `first: 3`, []int{1, 2, 3}},
		{"skip", `skip: 17`, []int{18, 19, 20}},
		{"skip all", `skip: 20`, []int{}},
		{"every", `every: 6`, []int{6, 12, 18}},
		{"every one", `every: 1, first: 2`, []int{1, 2}},
		{"skip and first", `skip: 4, first: 2`, []int{5, 6}},
		{"skip and every", `skip: 3, every: 5`, []int{8, 13, 18}},
		{"first and every", `first: 9, every: 4`, []int{4, 8}},
		{"skip, first and every", `skip: 2, first: 9, every: 4`, []int{6, 10}},
		{"a chance of none", `chance: 0%`, []int{}},
		{"a chance of all", `chance: 100%`, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{"skip, first, every, and a chance of all", `skip: 2, first: 9, every: 4, chance: 100%`, []int{6, 10}},
		{"skip, first, every, and a chance of none", `skip: 2, first: 9, every: 4, chance: 0%`, []int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fault := `{f: {do: drop}}`
			if c.trigger != "" {
				fault = `{f: {` + c.trigger + `, do: drop}}`
			}
			e := newTestEngine(t, language.V4, 1, fault)
			got := struck(e, twenty())
			for i := range got {
				got[i]++
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("struck (-want +got):\n%s", diff)
			}
		})
	}
}

// A trigger counts only packets that match while the fault is in force.
func TestTriggersCountWhileInForce(t *testing.T) {
	e := newTestEngine(t, language.V4, 1, `{f: {match: {udp: any}, nth: [2, 4], do: drop}}`)
	ping, other := datagram(language.V4, toServer, "x"), echo(language.V4, toServer)
	var got []bool
	give := func(packets ...[]byte) {
		for _, b := range packets {
			d := decide(e, b, 0)
			got = append(got, d.Drop)
		}
	}
	give(ping, other, ping) // 1st, none, 2nd
	e.Set("f", false)
	give(ping, ping, ping)
	e.Set("f", true)
	give(ping, other, ping) // 3rd, none, 4th
	if diff := cmp.Diff([]bool{false, false, true, false, false, false, false, false, true}, got); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// A rule strikes only at its own places.
func TestPlaces(t *testing.T) {
	e := newTestEngine(t, language.V4, 1, `{in: {at: server.input, do: drop}, out: {at: client.output, do: drop}, wire: {do: drop}}`)
	b := datagram(language.V4, toServer, "x")
	for at, want := range map[Hook]string{
		{"server", "INPUT"}:  "in",
		{"client", "OUTPUT"}: "out",
		{"client", "INPUT"}:  "",
		{"wire", "FORWARD"}:  "wire",
		{"wire", "INPUT"}:    "",
		{"", ""}:             "",
	} {
		got := ""
		if d := e.Decide(at, b, 0); len(d.Strikes) > 0 {
			got = d.Strikes[0].Fault
		}
		if got != want {
			t.Errorf("at %v strikes %q, want %q", at, got, want)
		}
	}
}

func TestChanceStrikesItsShare(t *testing.T) {
	e := newTestEngine(t, language.V4, 7, `{f: {chance: 20%, do: drop}}`)
	b := datagram(language.V4, toServer, "x")
	const n = 10_000
	hits := 0
	for range n {
		if d := decide(e, b, 0); d.Drop {
			hits++
		}
	}
	// Five standard deviations of 40. One seed in two million is beyond that; this one is not.
	if hits < 1800 || hits > 2200 {
		t.Errorf("20%% of %d packets were %d", n, hits)
	}
}
