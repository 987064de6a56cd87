package harness_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// seeded is a scenario whose packets come in the same order in every run. The client sends numbered
// datagrams, one after the other, and then one that no fault strikes: when it arrives, all others
// have been judged.
func seeded(t *testing.T, datagrams int) *language.Scenario {
	t.Helper()
	var steps strings.Builder
	for n := range datagrams {
		fmt.Fprintf(&steps, "    - sendto: {to: \"server:9\", text: \"datagram %d\"}\n", n)
	}
	return only(t, fmt.Sprintf(`
name: seeded
title: All that is random in faults
hosts: {client: {}, server: {}}
faults:
  lost: {match: {udp: any, dport: 9}, chance: 20%%, do: drop}
  burst: {match: {udp: any, dport: 9}, do: {loss: {good-to-bad: 10%%, bad-to-good: 30%%}}}
  late: {match: {udp: any, dport: 9}, do: {delay: {by: 2ms, jitter: 2ms, order: free}}}
  later: {match: {udp: any, dport: 9}, chance: 50%%, do: {delay: {by: 2ms, jitter: 1ms, distribution: normal, order: free}}}
  twice: {match: {udp: any, dport: 9}, chance: 30%%, do: {duplicate: {}}}
  never: {match: {udp: any, dport: 9}, chance: 0%%, do: {rewrite: {ttl: 1}}}
actors:
  server:
    - socket: udp
    - bind: 10
    - recvfrom
  client:
%s    - sendto: {to: "server:10", text: the end}
expect:
  - {step: server.recvfrom, text: the end}
`, steps.String()))[0]
}

// only returns the runs of a scenario written in a test.
func only(t *testing.T, text string) []*language.Scenario {
	t.Helper()
	f, err := language.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// strikes returns a line for each hit of a run: fault, number, datagram, effect and delay.
func strikes(tr *trace.Trace) []string {
	var list []string
	for i := range tr.Events {
		if f := tr.Events[i].Fault; f != nil && f.What == trace.FaultHit {
			d := packet.DecodeIP(f.Packet)
			list = append(list, fmt.Sprintf("%s %d: %q %s %v", f.Name, f.Hits, d.Payload, f.Effect, f.By))
		}
	}
	return list
}

// The same seed strikes the same packets in every run; another seed strikes others.
func TestTheSameSeedStrikesTheSamePackets(t *testing.T) {
	needLab(t)
	const runs = 100
	s := seeded(t, 60)
	run := func(seed uint64) []string {
		tr, err := harness.Run(context.Background(), s, harness.Options{Seed: seed})
		if err != nil {
			t.Error(err)
			return nil
		}
		for _, v := range assertions.Check(s, tr) {
			if v.Status == assertions.Fail || v.Status == assertions.Inconclusive {
				t.Errorf("seed %d: %s; %s", seed, v.Title, v.Reason)
			}
		}
		return strikes(tr)
	}
	want := run(7)
	if len(want) < 50 {
		t.Fatalf("only %d strikes: the test proves little", len(want))
	}
	if slices.Equal(want, run(8)) {
		t.Error("another seed strikes the same")
	}
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for n := range runs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if diff := cmp.Diff(want, run(7)); diff != "" {
				t.Errorf("run %d (-first +this):\n%s", n, diff)
			}
		})
	}
	all.Wait()
	t.Logf("%d runs of %d strikes each", runs, len(want))
}

// Faults of all kinds with a chance of 0% change no byte and do not fail a run.
func TestAChanceOfNothingChangesNothing(t *testing.T) {
	needLab(t)
	for _, s := range only(t, `
name: chance-of-nothing
title: Faults that never strike
ip: [v4, v6]
hosts: {client: {}, server: {}}
faults:
  drop: {chance: 0%, do: drop}
  reject: {chance: 0%, do: {reject: {}}}
  reset: {match: {tcp: any}, chance: 0%, do: {reset: both}}
  delay: {chance: 0%, do: {delay: 1s}}
  hold: {chance: 0%, do: {hold: client.close}}
  duplicate: {chance: 0%, via: nfqueue, do: {duplicate: {}}}
  reorder: {chance: 0%, do: {reorder: 3}}
  corrupt: {chance: 0%, via: nfqueue, do: {corrupt: {}}}
  rewrite: {chance: 0%, do: {rewrite: {window: 0, ttl: 1}}}
  rate: {chance: 0%, do: {rate: 8kbit}}
  loss: {chance: 0%, do: {loss: {good-to-bad: 100%, bad-to-good: 0%}}}
  replay: {chance: 0%, do: {replay: 10ms}}
  mtu: {chance: 0%, do: {mtu: 1280}}
actors:
  server:
    - listen: 8080
    - accept
    - send: {bytes: 64kB, all: true}
    - close
  client:
    - connect: "server:8080"
    - recv: {until: eof}
    - close
expect:
  - {step: client.recv, bytes: 65536}
`) {
		tr, err := harness.Run(t.Context(), s, harness.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range assertions.Check(s, tr) {
			if v.Status == assertions.Fail || v.Status == assertions.Inconclusive {
				t.Errorf("%s: %s; %s", s.ID(), v.Title, v.Reason)
			}
		}
		if list := strikes(tr); len(list) > 0 {
			t.Errorf("%s: struck: %q", s.ID(), list)
		}
		for _, way := range [][2]string{{"client", "server"}, {"server", "client"}} {
			out, in := frames(tr, way[0], true), frames(tr, way[1], false)
			if len(out) < 10 || len(out) != len(in) {
				t.Errorf("%s: %s sent %d segments, %s got %d", s.ID(), way[0], len(out), way[1], len(in))
				continue
			}
			// Two ACKs that leave a host from two processors at once may be captured in one order
			// and sent in the other.
			slices.SortFunc(out, bytes.Compare)
			slices.SortFunc(in, bytes.Compare)
			for i := range out {
				if !bytes.Equal(out[i], in[i]) {
					t.Errorf("%s: segment %d of %s has changed:\n% x\n% x", s.ID(), i, way[0], out[i], in[i])
				}
			}
		}
	}
}

// frames returns the TCP segments that left or reached a host, without the fields that every router
// changes.
func frames(tr *trace.Trace, host string, out bool) [][]byte {
	var list [][]byte
	for i := range tr.Events {
		if !tr.Events[i].IsPacket() {
			continue
		}
		p := tr.Events[i].Packet()
		if p.Host != host || p.Out != out || p.Decode().Proto != "tcp" {
			continue
		}
		b := slices.Clone(p.Frame[14:])
		if b[0]>>4 == 4 {
			b[8], b[10], b[11] = 0, 0, 0 // TTL and checksum
		} else {
			b[7] = 0 // hop limit
		}
		list = append(list, b)
	}
	return list
}
