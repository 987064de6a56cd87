package queue

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// A watch finds the nth packet of its selector at its place, once, also if a fault drops the packet, and
// changes nothing.
func TestWatches(t *testing.T) {
	for _, tt := range []struct {
		name, event string
		// want is the index of the packet of the event, -1 for none; seen is how many were seen.
		want int
		seen uint64
	}{
		{"the first packet", `{packet: {}}`, 0, 1},
		{"the first data of the server", `{packet: {from: server, tcp: DATA}}`, 5, 1},
		{"the second of some kinds", `{packet: {tcp: [SYN, RST]}, nth: 2}`, 8, 2},
		{"a retransmission", `{packet: {retransmission: true}}`, 6, 1},
		{"a text", `{packet: {payload: {contains: client}}}`, 5, 1},
		{"data of a later connection", `{packet: {conn: 2, tcp: DATA}}`, 16, 1},
		{"a datagram", `{packet: {udp: any, to: client}}`, 13, 1},
		{"too few packets", `{packet: {tcp: SYN}, nth: 3}`, -1, 2},
		{"a packet at another place", `{packet: {}, at: server.input}`, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			event, err := language.EventRef(tt.event).Parse()
			if err != nil {
				t.Fatal(err)
			}
			e := newTestEngine(t, language.V4, 1, `{gone: {match: {tcp: DATA}, do: drop}, slow: {do: {delay: 1ms}}}`)
			without := newTestEngine(t, language.V4, 1, `{gone: {match: {tcp: DATA}, do: drop}, slow: {do: {delay: 1ms}}}`)
			w := &Watch{Event: event.Ref(), Hooks: []Hook{forward}, Match: event.Packet.Packet, Nth: uint64(event.N)}
			if event.Packet.At != "" {
				w.Hooks = []Hook{{Host: "server", Chain: "INPUT"}}
			}
			if err := e.Watch(w); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			if tt.want >= 0 {
				want = []string{fmt.Sprintf("packet %d: %s", tt.want, event.Ref())}
			}
			for i, b := range conversation(language.V4) {
				d, plain := decide(e, b, i), decide(without, b, i)
				for _, s := range d.Seen {
					got = append(got, fmt.Sprintf("packet %d: %s", i, s.Event))
					if s.N != uint64(event.N) || string(s.Packet) != string(b) {
						t.Errorf("the event has packet %d, %x; want %d, %x", s.N, s.Packet, event.N, b)
					}
				}
				d.Seen = nil
				if !reflect.DeepEqual(plain, d) {
					t.Errorf("packet %d: %+v with the watch, want %+v", i, d, plain)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if n, happened := e.Seen(event.Ref()); n != tt.seen || happened != (tt.want >= 0) {
				t.Errorf("%d packets seen, happened %v; want %d, %v", n, happened, tt.seen, tt.want >= 0)
			}
		})
	}
}

// Connections are followed only as long as something needs that.
func TestConnectionsAreFollowedUntilTheLastEvent(t *testing.T) {
	e := newTestEngine(t, language.V4, 1, `{slow: {do: {delay: 1ms}}}`)
	if e.flows != nil {
		t.Error("connections are followed for a fault that does not need it")
	}
	for _, w := range []*Watch{
		{Event: "one", Hooks: []Hook{forward}, Match: language.Selector{Conn: 1}, Nth: 2},
		{Event: "two", Hooks: []Hook{forward}, Match: language.Selector{From: "server"}, Nth: 5},
	} {
		if err := e.Watch(w); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range conversation(language.V4)[:5] {
		if followed, want := e.flows != nil, i < 2; followed != want {
			t.Errorf("before packet %d connections are followed: %v, want %v", i, followed, want)
		}
		decide(e, b, i)
	}
}
