package queue

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

const ms = time.Millisecond

func TestDropAndPartition(t *testing.T) {
	for _, f := range families {
		for _, do := range []string{`drop`, `{partition: server}`} {
			e := newTestEngine(t, f, 1, `{f: {do: `+do+`}}`)
			d := decide(e, datagram(f, toServer, "x"), 5)
			if !d.Drop || d.Data != nil || len(d.Extras) > 0 || d.At != 0 {
				t.Errorf("IP%s: %s: %+v", f, do, d)
			}
			if diff := cmp.Diff([]string{"f dropped 1"}, effects(&d)); diff != "" {
				t.Errorf("IP%s: %s (-want +got):\n%s", f, do, diff)
			}
		}
	}
}

func TestDelay(t *testing.T) {
	b := datagram(language.V4, toServer, "x")
	t.Run("fixed", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{f: {do: {delay: 200ms}}}`)
		for _, now := range []int{0, 7, 7, 1000} {
			d := decide(e, b, now)
			if want := time.Duration(now+200) * ms; d.At != want || d.Drop || d.Data != nil || d.Strikes[0].By != 200*ms {
				t.Errorf("at %d ms: released at %v by %v, want %v", now, d.At, d.Strikes[0].By, want)
			}
		}
	})
	for _, c := range []struct {
		name, do string
		low      time.Duration
		high     time.Duration
		// mean and deviation of the delay.
		mean, deviation time.Duration
	}{
		{"uniform", `{by: 100ms, jitter: 50ms, order: free}`, 50 * ms, 150 * ms, 100 * ms, 28_868 * time.Microsecond},
		{"uniform by name", `{by: 100ms, jitter: 100ms, distribution: uniform, order: free}`, 0, 200 * ms, 100 * ms, 57_735 * time.Microsecond},
		{"normal", `{by: 100ms, jitter: 10ms, distribution: normal, order: free}`, 0, 200 * ms, 100 * ms, 10 * ms},
		{"normal, cut at 0", `{by: 0ms, jitter: 10ms, distribution: normal, order: free}`, 0, 100 * ms, 3_989 * time.Microsecond, 5_838 * time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newTestEngine(t, language.V4, 1, `{f: {do: {delay: `+c.do+`}}}`)
			const n = 20_000
			var all []float64
			overtakes := 0
			var last time.Duration
			for i := range n {
				now := time.Duration(i) * ms
				d := e.Decide(forward, b, now)
				by, reported := max(d.At, now)-now, time.Duration(0)
				for _, s := range d.Strikes {
					if reported = s.By; reported == 0 {
						t.Fatal("a packet that was not delayed is a hit")
					}
				}
				if by < c.low || by > c.high || by != reported {
					t.Fatalf("a delay of %v (reported: %v), want one from %v to %v", by, reported, c.low, c.high)
				}
				if now+by < last {
					overtakes++
				}
				last = now + by
				all = append(all, float64(by))
			}
			mean, deviation := moments(all)
			if off := math.Abs(mean - float64(c.mean)); off > 0.03*float64(c.mean) {
				t.Errorf("the mean is %v, want %v", time.Duration(mean), c.mean)
			}
			if off := math.Abs(deviation - float64(c.deviation)); off > 0.03*float64(c.deviation) {
				t.Errorf("the standard deviation is %v, want %v", time.Duration(deviation), c.deviation)
			}
			if overtakes == 0 {
				t.Error("order: free, and no packet overtakes another")
			}
		})
	}
	t.Run("order is kept between two hosts one way, by default", func(t *testing.T) {
		for _, order := range []string{"", ", order: keep"} {
			e := newTestEngine(t, language.V4, 1, `{f: {do: {delay: {by: 100ms, jitter: 100ms`+order+`}}}}`)
			ways := [][]byte{b, segment{way: toServer, flags: "SYN"}.bytes(language.V4), datagram(language.V4, toClient, "x")}
			var last [2]time.Duration
			apart := false
			for i := range 3000 {
				one := i % 3 / 2
				d := decide(e, ways[i%3], i)
				if d.At < last[one] {
					t.Fatalf("packet %d is released at %v, one before it at %v", i, d.At, last[one])
				}
				if d.At < time.Duration(i)*ms || d.At > time.Duration(i+200)*ms {
					t.Fatalf("packet %d is released at %v", i, d.At)
				}
				last[one] = d.At
				apart = apart || last[0] > last[1]+10*ms || last[1] > last[0]+10*ms
			}
			if !apart {
				t.Error("one way waits for the other")
			}
		}
	})
	t.Run("memory is bounded", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{f: {do: {delay: {by: 1ms, jitter: 1ms}}}}`)
		for i := range 100_000 {
			other := slices.Clone(b)
			other[13], other[14], other[15] = byte(i>>16), byte(i>>8), byte(i)
			decide(e, other, i)
		}
		if n := len(e.rules[0].action.(*delay).last); n > mostPairs {
			t.Errorf("%d pairs are remembered", n)
		}
	})
}

func moments(all []float64) (mean, deviation float64) {
	for _, x := range all {
		mean += x / float64(len(all))
	}
	for _, x := range all {
		deviation += (x - mean) * (x - mean) / float64(len(all))
	}
	return mean, math.Sqrt(deviation)
}

func TestHold(t *testing.T) {
	b := datagram(language.V4, toServer, "x")
	e := newTestEngine(t, language.V4, 1, `{f: {match: {udp: any}, do: {hold: "client.send[1]"}}}`)
	d := decide(e, b, 0)
	if diff := cmp.Diff([]language.EventRef{"client.send"}, d.Until); diff != "" || d.At != 0 || d.Drop {
		t.Errorf("held: %+v (-want +got):\n%s", d, diff)
	}
	e.Happened("client.connect") // nobody waits for it
	if d := decide(e, b, 1); len(d.Until) != 1 {
		t.Errorf("after another event: %+v", d)
	}
	if len(e.happened) != 1 {
		t.Errorf("%d events are remembered, want the one that is waited for", len(e.happened))
	}
	e.Happened("client.send")
	if d := decide(e, b, 2); len(d.Until) != 0 || len(d.Strikes) != 0 {
		t.Errorf("after the event: %+v", d)
	}
	if e.Hits("f") != 2 {
		t.Errorf("%d hits, want the 2 that were held", e.Hits("f"))
	}
}

func TestDuplicate(t *testing.T) {
	for _, f := range families {
		for do, want := range map[string]int{`{duplicate: {}}`: 1, `{duplicate: 3}`: 3} {
			e := newTestEngine(t, f, 1, `{f: {match: {udp: any}, do: `+do+`}}`)
			b := datagram(f, toServer, "x")
			d := decide(e, b, 0)
			if len(d.Extras) != want || d.Drop || d.Data != nil || d.At != 0 {
				t.Fatalf("IP%s: %s: %+v", f, do, d)
			}
			for _, x := range d.Extras {
				if string(x.Data) != string(b) || x.After != 0 || x.Until != "" {
					t.Errorf("IP%s: %s: not a copy: %+v", f, do, x)
				}
				if &x.Data[0] == &b[0] {
					t.Errorf("IP%s: the copy is the packet's own memory", f)
				}
			}
			if d := decide(e, b[:len(b)-1], 0); len(d.Extras) > 0 || len(d.Strikes) > 0 {
				t.Errorf("IP%s: half a packet is copied", f)
			}
		}
	}
}

func TestReorder(t *testing.T) {
	for do, want := range map[string]int{`{reorder: {}}`: 1, `{reorder: 5}`: 5} {
		e := newTestEngine(t, language.V4, 1, `{f: {match: {udp: any}, do: `+do+`}}`)
		d := decide(e, datagram(language.V4, toServer, "x"), 9)
		if d.Behind != want || d.Patience != time.Second || d.At != 0 {
			t.Errorf("%s: %+v", do, d)
		}
		if diff := cmp.Diff([]string{"f reordered if overtaken"}, effects(&d)); diff != "" || e.Hits("f") != 0 {
			t.Errorf("%s: %d hits (-want +got):\n%s", do, e.Hits("f"), diff)
		}
		e.Count(&d.IfOvertaken[0])
		if n := d.IfOvertaken[0].N; n != 1 || e.Hits("f") != 1 {
			t.Errorf("%s, overtaken: hit %d of %d, want 1 of 1", do, n, e.Hits("f"))
		}
		back := decide(e, datagram(language.V4, toClient, "x"), 9)
		tcp := decide(e, segment{way: toServer, flags: "SYN"}.bytes(language.V4), 9)
		if d.Direction == back.Direction || d.Direction == tcp.Direction {
			t.Errorf("directions %v, %v and %v are not distinguished", d.Direction, back.Direction, tcp.Direction)
		}
	}
}

func TestReplay(t *testing.T) {
	b := datagram(language.V4, toServer, "x")
	e := newTestEngine(t, language.V4, 1, `{later: {do: {replay: 2s}}, event: {do: {replay: {until: client.send}}}}`)
	d := decide(e, b, 0)
	want := []Extra{{Data: b, After: 2 * time.Second}, {Data: b, Until: "client.send"}}
	if diff := cmp.Diff([]string{"later to be replayed if sent", "event to be replayed if sent"}, effects(&d)); diff != "" {
		t.Errorf("strikes (-want +got):\n%s", diff)
	}
	for i := range d.Extras {
		d.Extras[i].IfSent = nil
	}
	if diff := cmp.Diff(want, d.Extras); diff != "" || d.Drop || d.At != 0 || d.Data != nil {
		t.Errorf("%+v (-want +got):\n%s", d, diff)
	}
	if d := decide(e, b[:25], 0); len(d.Extras) > 0 {
		t.Error("half a packet is to be replayed")
	}
}

func TestRate(t *testing.T) {
	// 972 bytes of payload are 1000 bytes of packet, and 1014 on the link: 1.014 ms at 8 Mbit/s.
	b, back := datagram(language.V4, toServer, string(make([]byte, 972))), datagram(language.V4, toClient, string(make([]byte, 972)))
	const each = 1014 * time.Microsecond
	burst := 3072 * time.Microsecond
	t.Run("a burst passes, the rest in turn, too much is lost", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{f: {match: {udp: any}, do: {rate: {to: 8mbit, queue: 10kB}}}}`)
		dropped := 0
		for i := range 20 {
			d := decide(e, b, 0)
			want := time.Duration(i+1)*each - burst
			switch {
			case want <= 0:
				if d.At != 0 || len(d.Strikes) > 0 {
					t.Errorf("packet %d: %+v, want it to pass", i, d)
				}
			case want > 10240*time.Microsecond:
				dropped++
				if !d.Drop {
					t.Errorf("packet %d would wait for %v in a queue of 10 kB", i, want)
				}
			default:
				if d.At != want || d.Strikes[0].By != want {
					t.Errorf("packet %d is released at %v, want %v", i, d.At, want)
				}
			}
		}
		// 3 pass, 10 wait, 7 are lost.
		if dropped != 7 || e.Hits("f") != 17 {
			t.Errorf("%d lost of %d hits, want 7 of 17", dropped, e.Hits("f"))
		}
		// Once all have left, a burst passes again.
		for i := range 3 {
			if d := decide(e, b, 1000); len(d.Strikes) > 0 {
				t.Errorf("packet %d of the next burst: %+v", i, d)
			}
		}
	})
	t.Run("each way has its own", func(t *testing.T) {
		for match, own := range map[string]bool{`{udp: any}`: true, `{to: server}`: true} {
			e := newTestEngine(t, language.V4, 1, `{f: {via: nfqueue, match: `+match+`, do: {rate: 8mbit}}}`)
			for range 3 {
				decide(e, b, 0)
			}
			if d := decide(e, back, 0); (len(d.Strikes) == 0) != own {
				t.Errorf("%s: the way back waits for the way there: %+v", match, d)
			}
		}
	})
	t.Run("all addresses of a host share one link", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{f: {via: nfqueue, do: {rate: 8mbit}}}`)
		second := slices.Clone(b)
		second[19] = 3 // server.2
		for range 3 {
			decide(e, second, 0)
		}
		if d := decide(e, b, 0); len(d.Strikes) == 0 {
			t.Error("the second address has a separate rate")
		}
	})
	t.Run("a packet of which only the headers are here counts whole", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{f: {via: nfqueue, do: {rate: 8mbit}}}`)
		for range 3 {
			decide(e, b[:headers], 0)
		}
		if d := decide(e, b[:headers], 0); d.At != 4*each-burst {
			t.Errorf("the fourth is released at %v, want %v", d.At, 4*each-burst)
		}
	})
	t.Run("a packet that a fault before it delays comes later", func(t *testing.T) {
		e := newTestEngine(t, language.V4, 1, `{late: {do: {delay: 50ms}}, f: {via: nfqueue, do: {rate: 8mbit}}}`)
		for range 3 {
			if d := decide(e, b, 0); d.At != 50*ms {
				t.Errorf("released at %v", d.At)
			}
		}
		if d := decide(e, b, 0); d.At != 50*ms+4*each-burst {
			t.Errorf("the fourth is released at %v, want %v", d.At, 50*ms+4*each-burst)
		}
	})
}

func TestLoss(t *testing.T) {
	b := datagram(language.V4, toServer, "x")
	const n = 50_000
	lose := func(do string) (lost, bursts int) {
		e := newTestEngine(t, language.V4, 3, `{f: {do: {loss: `+do+`}}}`)
		before := false
		for range n {
			d := decide(e, b, 0)
			if d.Drop {
				lost++
				if !before {
					bursts++
				}
			}
			if d.Drop != (len(d.Strikes) == 1) {
				t.Fatalf("dropped %t with %d hits", d.Drop, len(d.Strikes))
			}
			before = d.Drop
		}
		return lost, bursts
	}
	for _, c := range []struct {
		name, do string
		// lost is the share of lost packets, length the length of a burst.
		lost, length float64
	}{
		{"never bad", `{good-to-bad: 0%, bad-to-good: 50%}`, 0, 0},
		{"always bad", `{good-to-bad: 100%, bad-to-good: 0%}`, 1, n},
		{"bursts of four", `{good-to-bad: 5%, bad-to-good: 25%}`, 5.0 / 30, 4},
		{"some pass a burst", `{good-to-bad: 5%, bad-to-good: 25%, in-bad: 50%}`, 2.5 / 30, 0},
		{"some are lost between bursts", `{good-to-bad: 0%, bad-to-good: 100%, in-good: 10%}`, 0.1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			lost, bursts := lose(c.do)
			if share := float64(lost) / n; math.Abs(share-c.lost) > 0.01 {
				t.Errorf("%.3f of the packets are lost, want %.3f", share, c.lost)
			}
			if c.length > 0 && math.Abs(float64(lost)/float64(bursts)-c.length) > 0.05*c.length {
				t.Errorf("a burst is %.2f packets long, want %.2f", float64(lost)/float64(bursts), c.length)
			}
		})
	}
}
