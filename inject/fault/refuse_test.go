package fault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// refusal is a fault that cannot be carried out.
type refusal struct {
	name string
	// fault is its YAML, extra the rest of the file: network, hosts.
	fault, extra string
	family       language.Family
	features     Features
	want         string
}

// refusedAt is the position of the fault of every refusal.
const refusedAt = `refused.yaml:5:3: fault "f": `

// refuse compiles the fault and returns why it is refused.
func (r *refusal) refuse(t *testing.T) error {
	t.Helper()
	p, err := r.compile(t)
	if err == nil {
		t.Fatalf("%s was planned:\n%s", r.fault, planText(p))
	}
	if p != nil {
		t.Errorf("a plan came with the error")
	}
	return err
}

func (r *refusal) compile(t *testing.T) (*Plan, error) {
	t.Helper()
	extra := r.extra
	if !strings.Contains(extra, "hosts:") {
		extra += "hosts: {client: {}, server: {}}\n"
	}
	family := r.family
	if family == "" {
		family = language.V4
	}
	runs := parse(t, "refused.yaml", fmt.Appendf(nil, `name: refused
title: a fault that cannot be
ip: %s
faults:
  f: %s
actors: {client: [sleep: 1s]}
expect: [step: client.sleep]
%s`, family, r.fault, extra))
	topology, err := network.Plan(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	return Compile(runs[0], topology, r.features)
}

// A fault that is impossible on every kernel is a mistake in the scenario.
func TestFaultsThatCannotBe(t *testing.T) {
	netem := Features{Netem: true}
	for _, r := range []refusal{
		{
			name: "a reset in answer to other packets than TCP", fault: `{do: {reject: tcp-reset}}`,
			want: `tcp-reset answers TCP segments only: add tcp to match`,
		},
		{
			name: "an answer that REJECT does not have", fault: `{do: {reject: icmp-host-isolated}, via: iptables}`,
			want: `iptables cannot answer with host-isolated; remove "via" to use nfqueue`,
		},
		{
			name: "a burst shorter than tc can set", fault: `{do: {rate: {to: 100gbit, burst: 3kB}}}`,
			want: `rate: a burst of 3kB takes less than 1 µs at 100gbit, the least that tc can set: want burst: 12500 or more, or 24576mbit or less`,
		},
		{
			name: "a burst longer than tc can set", fault: `{do: {rate: {to: 1kbit, burst: 100kB}}}`,
			want: `rate: a burst of 100kB takes more than 274 s at 1kbit, the most that tc can set: want burst: 34250 or less, or 2990bit or more`,
		},
		{
			name: "a longer one of some packets", fault: `{via: tc, match: {tcp: any}, do: {rate: {to: 64bit, burst: 3kB}}}`,
			want: `rate: a burst of 3kB takes more than 274 s at 64bit, the most that tc can set: want burst: 2192 or less, or 90bit or more`,
		},
		{
			name: "iptables from a packet on, which would strike that packet", fault: `{do: drop, via: iptables, from: {packet: {tcp: DATA}}}`,
			want: `iptables cannot begin or end at a packet, and let that one pass as before; remove "via" to use nfqueue`,
		},
		{
			name: "ports without a protocol", fault: `{match: {port: 80}, do: drop}`,
			want: `ports and lengths need a protocol: add tcp or udp to match`,
		},
		{
			name: "a length without a protocol", fault: `{match: {payload: {length: 5}}, do: drop}`,
			want: `ports and lengths need a protocol: add tcp or udp to match`,
		},
		{
			name:  "more ports than a rule takes",
			fault: `{via: iptables, match: {udp: any, dport: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]}, do: drop}`,
			want:  `iptables cannot match more than 15 ports in a list (a range counts as two); remove "via" to use nfqueue`,
		},
		{
			name:  "more ranges than a rule takes",
			fault: `{via: iptables, match: {udp: any, dport: [1..2, 3..4, 5..6, 7..8, 9..10, 11..12, 13..14, 15..16]}, do: drop}`,
			want:  `iptables cannot match more than 15 ports in a list (a range counts as two); remove "via" to use nfqueue`,
		},
		{
			name:  "ranges that take too many filters",
			fault: `{via: tc, match: {tcp: any, sport: 1..65534, dport: [1..65534, 3..65531]}, do: {rate: 1mbit}}`,
			want:  `tc cannot match ports that take more than 1000 u32 filters; remove "via" to use nfqueue`,
		},
		{
			name: "a rate by iptables", fault: `{via: iptables, do: {rate: 1mbit}}`,
			want: `iptables cannot carry out this fault; remove "via" to use tc`,
		},
		{
			name: "a drop by tc", fault: `{via: tc, do: drop}`,
			want: `tc drops only by chance, or everything at HOST.output; remove "via" to use iptables`,
		},
		{
			name: "a local drop that no sender notices", fault: `{via: tc, at: client.input, do: drop}`,
			want: `tc drops only by chance, or everything at HOST.output; remove "via" to use iptables`,
		},
		{
			name: "an answer by tc", fault: `{via: tc, do: {reject: {}}}`,
			want: `tc cannot carry out this fault; remove "via" to use iptables`,
		},
		{
			name: "ports without a protocol, by tc", fault: `{via: tc, match: {port: 80}, do: {delay: 1s}}`, features: netem,
			want: `ports and lengths need a protocol: add tcp or udp to match`,
		},
		{
			name: "a delay by iptables", fault: `{via: iptables, do: {delay: 1s}}`, features: netem,
			want: `iptables cannot carry out delay; remove "via" to use nfqueue`,
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			err := r.refuse(t)
			if got, want := err.Error(), refusedAt+r.want; got != want {
				t.Errorf("wrong refusal:\ngot  %s\nwant %s", got, want)
			}
			var missing *inject.MissingError
			if errors.As(err, &missing) {
				t.Error("the kernel is blamed")
			}
		})
	}
}

func TestNetemThatTheKernelLacks(t *testing.T) {
	for _, fault := range []string{
		`{via: tc, do: {delay: 200ms}}`,
		`{via: tc, do: {duplicate: {}}}`,
		`{via: tc, do: {corrupt: {}}}`,
		`{via: tc, match: {tcp: any, port: 80}, do: {delay: 200ms}}`,
		`{via: tc, do: {loss: {good-to-bad: 1%, bad-to-good: 30%}}}`,
		`{via: tc, chance: 5%, do: {reorder: 1}}`,
		`{via: tc, chance: 5%, do: drop}`,
	} {
		r := refusal{fault: fault}
		err := r.refuse(t)
		want := `sch_netem is not in this kernel (needed by fault "f" with via: tc); remove "via" to use nfqueue`
		if got := err.Error(); got != want {
			t.Errorf("%s: wrong refusal:\ngot  %s\nwant %s", fault, got, want)
		}
		var missing *inject.MissingError
		if !errors.As(err, &missing) || missing.Feature != "sch_netem" {
			t.Errorf("%s: the error is not a MissingError of sch_netem: %v", fault, err)
		}
	}
}

// Faults that only the queue in user space can carry out go there, and those for which it is
// preferred.
func TestFaultsThatWantTheQueue(t *testing.T) {
	netem := Features{Netem: true}
	const three = "hosts: {client: {}, server: {}, other: {}}\n"
	for _, r := range []refusal{
		{name: "via nfqueue", fault: `{via: nfqueue, do: drop}`, want: "via asks for nfqueue"},
		{name: "a reset", fault: `{match: {tcp: DATA}, do: {reset: both}}`, want: "only nfqueue can carry out reset"},
		{name: "a hold", fault: `{do: {hold: client.sleep}}`, want: "only nfqueue can carry out hold"},
		{name: "a reordering", fault: `{do: {reorder: 2}}`, want: "reorder: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
		{name: "a rewriting", fault: `{do: {rewrite: {ttl: 1}}}`, want: "only nfqueue can carry out rewrite"},
		{name: "loss in bursts", fault: `{do: {loss: {good-to-bad: 1%, bad-to-good: 30%}}}`, want: "loss: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
		{name: "a replay", fault: `{match: {tcp: SYN}, do: {replay: 2s}}`, want: "only nfqueue can carry out replay"},
		{name: "an MTU", fault: `{do: {mtu: 1400}}`, want: "only nfqueue can carry out mtu"},

		{name: "the nth", fault: `{nth: 2, do: drop}`, want: "only nfqueue can count packets (nth)"},
		{name: "the first", fault: `{first: 2, do: drop}`, want: "only nfqueue can count packets (first)"},
		{name: "all but the first", fault: `{skip: 2, do: {reject: {}}}`, want: "only nfqueue can count packets (skip)"},
		{name: "some by chance", fault: `{chance: 5%, do: drop}`, want: "only nfqueue can repeat a seed (chance)"},
		{name: "every nth to a host of two addresses", fault: `{match: {to: server, tcp: SYN}, every: 2, do: drop}`, extra: "hosts: {client: {}, server: {addresses: 2}}\n", want: "only nfqueue can count across several alternatives of a selector (every)"},
		{name: "every nth of two kinds", fault: `{match: {tcp: [SYN, FIN]}, every: 2, do: drop}`, want: "only nfqueue can count across several alternatives of a selector (every)"},

		{name: "a connection", fault: `{match: {tcp: any, conn: 1}, do: drop}`, want: "only nfqueue can match by conn"},
		{name: "retransmissions", fault: `{match: {tcp: any, retransmission: true}, do: drop}`, want: "only nfqueue can match by retransmission"},
		{name: "text in a payload", fault: `{match: {tcp: any, payload: hello}, do: drop}`, want: "only nfqueue can match by payload.contains"},
		{name: "bytes in a payload", fault: `{match: {udp: any, payload: {hex: 00 01}}, do: drop}`, want: "only nfqueue can match by payload.hex"},
		{name: "an offset in the stream", fault: `{match: {tcp: any, payload: {offset: 5}}, do: drop}`, want: "only nfqueue can match by payload.offset"},
		{name: "a sequence number", fault: `{match: {tcp: any, seq: 1}, do: drop}`, want: "only nfqueue can match by seq"},
		{name: "an acknowledgement number", fault: `{match: {tcp: any, ack: 1}, do: drop}`, want: "only nfqueue can match by ack"},
		{name: "a window", fault: `{match: {tcp: any, window: 0}, do: drop}`, want: "only nfqueue can match by window"},
		{name: "two options", fault: `{match: {tcp: SYN, options: {mss: true, sack: false}}, do: drop}`, want: "only nfqueue can match several TCP options at once"},
		{name: "a TTL between two", fault: `{match: {ttl: 5..10}, do: drop}`, want: "only nfqueue can match a TTL range with both bounds"},

		{name: "a rate of some packets", fault: `{match: {tcp: any}, do: {rate: 1mbit}}`, want: "rate of selected packets: nfqueue says which had to wait; via: tc would use an htb"},
		{name: "a rate of what the wire itself sends", fault: `{match: {from: wire}, do: {rate: 8kbit}}`, want: "rate of selected packets: nfqueue says which had to wait; via: tc would use an htb"},
		{name: "a rate with a trigger", fault: `{first: 10, do: {rate: 1mbit}}`, want: "only nfqueue can carry out rate with a trigger"},
		{name: "a rate at a host", fault: `{at: client.output, do: {rate: 1mbit}}`, want: "rate of selected packets: nfqueue says which had to wait; via: tc would use an htb"},
		{name: "a rate of incoming packets", fault: `{at: client.input, do: {rate: 1mbit}}`, want: "only nfqueue can carry out rate on incoming packets (queueing disciplines see only outgoing ones)"},
		{name: "a rate by sender among three", fault: `{match: {from: client}, do: {rate: 1mbit}}`, extra: three, want: "rate of selected packets: nfqueue says which had to wait; via: tc would use an htb"},

		{name: "a delay of some packets", fault: `{match: {tcp: SYN}, do: {delay: 1s}}`, features: netem, want: "delay: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
		{name: "a delay", fault: `{do: {delay: 1s}}`, features: netem, want: "delay: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
		{name: "duplicates", fault: `{do: {duplicate: {}}}`, features: netem, want: "duplicate: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
		{name: "corruption", fault: `{do: {corrupt: {}}}`, features: netem, want: "corrupt: nfqueue counts each hit and repeats a seed; via: tc would use netem"},
	} {
		t.Run(r.name, func(t *testing.T) {
			p, err := r.compile(t)
			if err != nil {
				t.Fatal(err)
			}
			f := p.Fault("f")
			if f.Mechanism != NFQueue || f.Why != r.want {
				t.Errorf("carried out by %s: %s\nwant nfqueue: %s", f.Mechanism, f.Why, r.want)
			}
		})
	}
}

// A fault that asks for tc, which cannot carry it out, is refused with the remedy.
func TestFaultsThatTCCannotCarryOut(t *testing.T) {
	for _, r := range []refusal{
		{name: "jitter in order", fault: `{via: tc, do: {delay: {by: 1s, jitter: 1ms}}}`, want: "keep packets in order under jitter (netem needs order: free)"},
		{name: "normal jitter", fault: `{via: tc, do: {delay: {by: 1s, jitter: 1ms, distribution: normal, order: free}}}`, want: "draw jitter from a normal distribution"},
		{name: "a delay by chance", fault: `{via: tc, chance: 5%, do: {delay: 1s}}`, want: "carry out delay with a trigger"},
		{name: "a delay of incoming packets", fault: `{via: tc, at: client.input, do: {delay: 1s}}`, want: "carry out delay on incoming packets (queueing disciplines see only outgoing ones)"},
		{name: "two copies", fault: `{via: tc, do: {duplicate: 2}}`, want: "make more than one copy"},
		{name: "every nth twice", fault: `{via: tc, every: 2, do: {duplicate: {}}}`, want: "carry out duplicate with a trigger"},
		{name: "some bytes corrupted", fault: `{via: tc, do: {corrupt: {bytes: 2}}}`, want: "corrupt with bytes, offset or checksum (netem flips one random bit)"},
		{name: "corruption that is hidden", fault: `{via: tc, do: {corrupt: {checksum: fix}}}`, want: "corrupt with bytes, offset or checksum (netem flips one random bit)"},
		{name: "every nth corrupted", fault: `{via: tc, every: 2, do: {corrupt: {}}}`, want: "carry out corrupt with a trigger"},
		{name: "all reordered", fault: `{via: tc, do: {reorder: 1}}`, want: "reorder all packets (netem needs a chance)"},
		{name: "reordered by two", fault: `{via: tc, chance: 5%, do: {reorder: 2}}`, want: "reorder by a number of packets (netem reorders by time)"},
		{name: "bursts with a trigger", fault: `{via: tc, first: 9, do: {loss: {good-to-bad: 1%, bad-to-good: 30%}}}`, want: "carry out loss with a trigger"},
		{name: "the first few lost", fault: `{via: tc, at: client.output, first: 2, do: drop}`, want: "carry out local drop with a trigger"},
		{name: "a reset", fault: `{via: tc, match: {tcp: DATA}, do: {reset: both}}`, want: "carry out reset"},

		{name: "data", fault: `{via: tc, match: {tcp: DATA}, do: {delay: 1s}}`, want: "match the segment kind DATA (u32 cannot match lengths)"},
		{name: "acknowledgements", fault: `{via: tc, match: {tcp: [SYN, ACK]}, do: {delay: 1s}}`, want: "match the segment kind ACK (u32 cannot match lengths)"},
		{name: "either port and one", fault: `{via: tc, match: {tcp: any, port: 80, sport: 81}, do: {delay: 1s}}`, want: "match port together with sport or dport"},
		{name: "an ICMP message", fault: `{via: tc, match: {icmp: echo-request}, do: {delay: 1s}}`, want: "match kinds of ICMP messages"},
		{name: "a connection", fault: `{via: tc, match: {tcp: any, conn: 1}, do: {delay: 1s}}`, want: "match by conn"},
		{name: "retransmissions", fault: `{via: tc, match: {tcp: any, retransmission: true}, do: {delay: 1s}}`, want: "match by retransmission"},
		{name: "a payload", fault: `{via: tc, match: {tcp: any, payload: hello}, do: {rate: 1mbit}}`, want: "match by payload.contains"},
		{name: "an option", fault: `{via: tc, match: {tcp: SYN, options: {mss: true}}, do: {rate: 1mbit}}`, want: "match by options"},
		{name: "a sequence number", fault: `{via: tc, match: {tcp: any, seq: 1}, do: {rate: 1mbit}}`, want: "match by seq"},
		{name: "a window", fault: `{via: tc, match: {tcp: any, window: 0}, do: {rate: 1mbit}}`, want: "match by window"},
		{name: "a TTL", fault: `{via: tc, match: {ttl: 5}, do: {rate: 1mbit}}`, want: "match by ttl"},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.features.Netem = true
			want := refusedAt + "tc cannot " + r.want + `; remove "via" to use nfqueue`
			if got := r.refuse(t).Error(); got != want {
				t.Errorf("wrong refusal:\ngot  %s\nwant %s", got, want)
			}
		})
	}
}

// A lab probes its kernel for netem only where the plan may depend on it.
func TestMayUseNetem(t *testing.T) {
	chance := language.Percent(0.5)
	for _, c := range []struct {
		fault language.Fault
		want  bool
	}{
		{language.Fault{Do: language.Action{Drop: &language.Drop{}}}, false},
		{language.Fault{Do: language.Action{Drop: &language.Drop{}}, Chance: &chance}, true},
		{language.Fault{Do: language.Action{Rate: &language.Rate{}}}, false},
		{language.Fault{Do: language.Action{Delay: &language.Delay{}}}, true},
		{language.Fault{Do: language.Action{Duplicate: &language.Duplicate{}}}, true},
		{language.Fault{Do: language.Action{Corrupt: &language.Corrupt{}}}, true},
		{language.Fault{Do: language.Action{Reorder: &language.Reorder{}}}, true},
		{language.Fault{Do: language.Action{Loss: &language.Loss{}}}, true},
	} {
		f := c.fault
		f.Via = string(TC)
		if got := MayUseNetem(&f); got != c.want {
			t.Errorf("MayUseNetem of %s via tc is %t, want %t", f.Do.Kind(), got, c.want)
		}
		if f.Via = ""; MayUseNetem(&f) {
			t.Errorf("MayUseNetem of %s is true where nobody asks for tc", f.Do.Kind())
		}
	}
}

func TestOneDeviceHasOneQueueingDiscipline(t *testing.T) {
	runs := parse(t, "two.yaml", []byte(`name: two
title: two faults shape one device
hosts: {client: {}, server: {}}
faults:
  slow: {match: {to: server}, do: {rate: 1mbit}}
  slower: {do: {rate: 500kbit}}
actors: {client: [sleep: 1s]}
expect: [step: client.sleep]
`))
	topology, err := network.Plan(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(runs[0], topology, Features{})
	want := `two.yaml:6:3: fault "slower": the only queueing discipline of device server of wire is taken by fault "slow": set via: nfqueue on one of the two`
	if err == nil || err.Error() != want {
		t.Errorf("wrong refusal:\ngot  %v\nwant %s", err, want)
	}
}
