package queue

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// If several faults strike one packet, each does its part, in the order of the file.
func TestFaultsCombined(t *testing.T) {
	for _, c := range []struct {
		name, faults string
		effects      []string
		// check describes the mistakes of the decision about a segment of 5 bytes that came after
		// 10 ms.
		check func(t *testing.T, f language.Family, b []byte, d *Decision)
	}{
		{
			"delays add up", `{a: {do: {delay: 20ms}}, b: {do: {delay: 30ms}}}`,
			[]string{"a delayed 1", "b delayed 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if d.At != 60*ms {
					t.Errorf("released at %v", d.At)
				}
			},
		},
		{
			"a delay and an event: both", `{a: {do: {delay: 20ms}}, b: {do: {hold: client.send}}}`,
			[]string{"a delayed 1", "b held 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if d.At != 30*ms || !slices.Equal(d.Until, []language.EventRef{"client.send"}) {
					t.Errorf("%+v", d)
				}
			},
		},
		{
			"two events: both", `{a: {do: {hold: client.send}}, b: {do: {hold: client.connect}}, c: {do: {hold: "client.send[1]"}}}`,
			[]string{"a held 1", "b held 1", "c held 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if !slices.Equal(d.Until, []language.EventRef{"client.send", "client.connect"}) {
					t.Errorf("%+v", d)
				}
			},
		},
		{
			"delayed and reordered", `{a: {do: {delay: 20ms}}, b: {do: {reorder: 2}}, c: {do: {reorder: 1}}}`,
			[]string{"a delayed 1", "b reordered if overtaken", "c reordered if overtaken"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if d.At != 30*ms || d.Behind != 2 || d.Patience != time.Second {
					t.Errorf("%+v", d)
				}
			},
		},
		{
			"a lost packet neither waits nor is copied", `{a: {do: {delay: 20ms}}, b: {do: {hold: client.send}}, c: {do: {duplicate: 2}},
				d: {do: {replay: 1s}}, e: {do: {reorder: 1}}, f: {do: {rewrite: {ttl: 9}}}, g: {via: nfqueue, do: drop}}`,
			[]string{"g dropped 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				d.Strikes, d.Direction = nil, Direction{}
				if diff := cmp.Diff(Decision{Drop: true, Extras: []Extra{}}, *d, cmp.Comparer(func(a, b Direction) bool { return a == b })); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			},
		},
		{
			"a forged packet is sent although the packet is lost", `{a: {match: {tcp: any}, do: {reset: sender}}, b: {via: nfqueue, do: drop}}`,
			[]string{"a reset 1", "b dropped 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if got := forged(t, d); !d.Drop || len(got) != 1 || got[0] != "server > client 8080 > 40001 RST seq 5001" {
					t.Errorf("dropped %t, sent %q", d.Drop, got)
				}
			},
		},
		{
			"nothing comes after a loss", `{a: {via: nfqueue, do: drop}, b: {via: nfqueue, do: drop}, c: {do: {duplicate: {}}}}`,
			[]string{"a dropped 1"},
			func(*testing.T, language.Family, []byte, *Decision) {},
		},
		{
			"a copy is of the packet as it leaves", `{a: {do: {duplicate: {}}}, b: {do: {replay: 1s}}, c: {do: {rewrite: {ttl: 9}}}, d: {do: {corrupt: {checksum: fix}}}}`,
			[]string{"a duplicated 1", "c rewritten 1", "d corrupted 1", "b to be replayed if sent"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				p := parse(t, d.Data)
				if string(p.tcp.Payload) != "\x97ello" || f == language.V4 && p.v4.TTL != 9 || len(p.wrongChecksums()) > 0 {
					t.Errorf("the packet became %s", p)
				}
				for _, x := range d.Extras {
					if string(x.Data) != string(d.Data) {
						t.Errorf("the copy differs: %s", parse(t, x.Data))
					}
					if &x.Data[0] == &d.Data[0] {
						t.Error("the copy is the packet's own memory")
					}
				}
			},
		},
		{
			"selectors see packets as they arrived", `{a: {match: {ttl: 63}, do: {rewrite: {ttl: 9}}}, b: {match: {ttl: 9}, via: nfqueue, do: drop},
				c: {match: {ttl: 63}, do: {delay: 1ms}}, d: {match: {tcp: DATA}, do: {rewrite: {set: [FIN]}}}, e: {match: {tcp: FIN}, via: nfqueue, do: drop}}`,
			[]string{"a rewritten 1", "c delayed 1", "d rewritten 1"},
			func(*testing.T, language.Family, []byte, *Decision) {},
		},
		{
			"actions see packets as changed so far", `{a: {do: {rewrite: {ttl: 9}}}, b: {do: {rewrite: {ttl: 9}}}, c: {do: {rewrite: {ttl: 8}}}}`,
			[]string{"a rewritten 1", "c rewritten 1"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				if at := map[language.Family]int{language.V4: 8, language.V6: 7}[f]; d.Data[at] != 8 {
					t.Errorf("the TTL is %d", d.Data[at])
				}
			},
		},
		{
			"a checksum made wrong stays wrong", `{a: {do: {corrupt: 1}}, b: {do: {rewrite: {ttl: 9, window: 77}}}, c: {do: {rewrite: {window: 78}}}}`,
			[]string{"a corrupted 1", "b rewritten 1", "c rewritten 1"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				if wrong := parse(t, d.Data).wrongChecksums(); !slices.Equal(wrong, []string{"TCP"}) {
					t.Errorf("wrong checksums of %q", wrong)
				}
			},
		},
		{
			"corrupt with fix repairs a checksum made wrong before", `{a: {do: {corrupt: 1}}, b: {do: {corrupt: {offset: 1, checksum: fix}}}}`,
			[]string{"a corrupted 1", "b corrupted 1"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				if wrong := parse(t, d.Data).wrongChecksums(); len(wrong) > 0 {
					t.Errorf("wrong checksums of %q", wrong)
				}
			},
		},
		{
			"what is changed back is unchanged", `{a: {do: {rewrite: {ttl: 9}}}, b: {do: {delay: 20ms}}, c: {do: {rewrite: {ttl: 63}}}}`,
			[]string{"b delayed 1"},
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if d.Data != nil || d.At != 30*ms {
					t.Errorf("%+v", d)
				}
			},
		},
		{
			"corrupt changes a packet back, and its checksum too", `{a: {do: {corrupt: {checksum: fix}}}, b: {do: {corrupt: {checksum: fix}}}}`,
			nil,
			func(t *testing.T, _ language.Family, _ []byte, d *Decision) {
				if d.Data != nil {
					t.Errorf("% x", d.Data)
				}
			},
		},
		{
			"corrupt changes a packet back, but not its checksum", `{a: {do: {corrupt: {checksum: fix}}}, b: {do: {corrupt: 1}}}`,
			[]string{"a corrupted 1", "b corrupted 1"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				if wrong := parse(t, d.Data).wrongChecksums(); !slices.Equal(wrong, []string{"TCP"}) {
					t.Errorf("wrong checksums of %q", wrong)
				}
				if !bytes.HasSuffix(d.Data, []byte("hello")) {
					t.Errorf("the payload changed: % x", d.Data)
				}
			},
		},
		{
			"corrupting twice does not cancel out", `{a: {do: {corrupt: 1}}, b: {do: {corrupt: 1}}}`,
			[]string{"a corrupted 1", "b corrupted 1"},
			func(t *testing.T, f language.Family, b []byte, d *Decision) {
				if wrong := parse(t, d.Data).wrongChecksums(); !slices.Equal(wrong, []string{"TCP"}) {
					t.Errorf("wrong checksums of %q", wrong)
				}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range families {
				b := segment{way: toServer, flags: "PSH ACK", seq: 1001, ack: 5001, payload: "hello"}.bytes(f)
				e := newTestEngine(t, f, 1, c.faults)
				d := decide(e, b, 10)
				if diff := cmp.Diff(c.effects, effects(&d)); diff != "" {
					t.Fatalf("IP%s: strikes (-want +got):\n%s", f, diff)
				}
				for _, s := range d.Strikes {
					if string(s.Packet) != string(b) {
						t.Errorf("IP%s: %s reports another packet than the one that arrived: % x", f, s.Fault, s.Packet)
					}
				}
				c.check(t, f, b, &d)
			}
		})
	}
}

// Each of two faults keeps the order of the packets that come to it, whether or not the other has
// delayed them.
func TestOrderIsKeptByFaultsCombined(t *testing.T) {
	b := datagram(language.V4, toServer, string(make([]byte, 972)))
	for _, before := range []string{`{delay: {by: 50ms, jitter: 50ms}}`, `{rate: {to: 8mbit, queue: 1MB}}`, `{delay: 70ms}`} {
		e := newTestEngine(t, language.V4, 1, `{a: {via: nfqueue, do: `+before+`}, b: {do: {delay: {by: 50ms, jitter: 50ms}}}}`)
		var last time.Duration
		for i := range 1000 {
			d := decide(e, b, i)
			if d.At < last {
				t.Fatalf("after %s packet %d is released at %v, one before it at %v", before, i, d.At, last)
			}
			last = d.At
		}
	}
	// A fixed delay does not change the order of packets, even after another fault has changed it.
	e := newTestEngine(t, language.V4, 1, `{a: {do: {delay: {by: 50ms, jitter: 50ms, order: free}}}, b: {do: {delay: 50ms}}}`)
	overtakes := 0
	var last time.Duration
	for i := range 1000 {
		d := decide(e, b, i)
		if d.At < last {
			overtakes++
		}
		last = d.At
	}
	if overtakes < 100 {
		t.Errorf("of 1000 packets with free jitter, %d overtake once a fixed delay comes after it", overtakes)
	}
}

// A strike holds the packet's headers, and not more.
func TestStrikesTellHeaders(t *testing.T) {
	b := datagram(language.V4, toServer, string(make([]byte, 1000)))
	e := newTestEngine(t, language.V4, 1, `{f: {via: nfqueue, do: drop}}`)
	d := decide(e, b, 0)
	if got := d.Strikes[0].Packet; string(got) != string(b[:StrikeBytes]) || &got[0] == &b[0] {
		t.Errorf("a strike holds %d bytes", len(got))
	}
}

// random are faults with every kind of random decision, each used as a separate file below.
const random = `
  loss: {match: {udp: any}, chance: 30%, via: nfqueue, do: drop}
  burst: {do: {loss: {good-to-bad: 10%, bad-to-good: 30%, in-bad: 80%, in-good: 1%}}}
  uniform: {do: {delay: {by: 10ms, jitter: 10ms}}}
  normal: {chance: 50%, do: {delay: {by: 10ms, jitter: 3ms, distribution: normal, order: free}}}
  twice: {chance: 10%, do: {duplicate: {}}}`

func strikes(t *testing.T, seed uint64, faults string) (all []Strike) {
	e := newTestEngine(t, language.V4, seed, faults)
	for i := range 400 {
		b := datagram(language.V4, toServer, "x")
		if i%4 == 3 {
			b = segment{way: toClient, flags: "ACK", payload: "x"}.bytes(language.V4)
		}
		d := decide(e, b, i)
		all = append(all, d.Strikes...)
	}
	return all
}

func TestTheSameSeedStrikesTheSame(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(strikes(t, seed, random), strikes(t, seed, random)); diff != "" {
				t.Errorf("two runs:\n%s", diff)
			}
		})
	}
	if cmp.Equal(strikes(t, 1, random), strikes(t, 2, random)) {
		t.Error("another seed strikes the same")
	}
}

// The random decisions of one fault do not depend on which other faults there are.
func TestFaultsHaveTheirOwnChance(t *testing.T) {
	of := func(all []Strike, fault string) (by []time.Duration) {
		for _, s := range all {
			if s.Fault == fault {
				by = append(by, s.By)
			}
		}
		return by
	}
	const alone = `
  before: {chance: 50%, do: {rewrite: {ttl: 3}}}
  normal: {chance: 50%, do: {delay: {by: 10ms, jitter: 3ms, distribution: normal, order: free}}}`
	const other = `
  normal: {chance: 50%, do: {delay: {by: 10ms, jitter: 3ms, distribution: normal, order: free}}}`
	if a, b := of(strikes(t, 5, alone), "normal"), of(strikes(t, 5, other), "normal"); len(a) < 100 || !slices.Equal(a, b) {
		t.Errorf("%d and %d strikes of the same fault, beside another and alone:\n%v\n%v", len(a), len(b), a, b)
	}
}
