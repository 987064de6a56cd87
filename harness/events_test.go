package harness

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// watchedScenario has a step of each kind that the tests below refer to. The tests add faults,
// steps and expectations.
const watchedScenario = `
name: watched
title: Events that something waits for
hosts: {client: {}, server: {}}
faults:
  lost: {match: {tcp: SYN}, do: drop, via: iptables}
  slow: {match: {tcp: SYN}, do: {delay: 1s}, via: nfqueue}
%FAULTS%
actors:
  server:
    - listen: 8080
    - accept
    - signal: ready
  client:
    - connect: {to: "server:8080"}
    - {send: x, times: 3}
%STEPS%
expect:
  - {step: client.connect}
%EXPECT%
`

func TestWatchedEvents(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		faults, steps, expect string
		want                  watched
	}{
		{
			name: "nothing is watched where nothing waits",
		},
		{
			name:   "the window of a fault is a gate of the actors that it waits for",
			faults: `  late: {do: drop, from: client.connect, until: server.accept.start}`,
			want:   watched{gates: gates{"client": {"client.connect"}, "server": {"server.accept.start"}}},
		},
		{
			name:   "a signal is a gate of the actor that gives it",
			faults: `  late: {do: drop, from: server.signal.ready}`,
			want:   watched{gates: gates{"server": {"server.signal.ready"}}},
		},
		{
			name:   "lines of a program are watched for by its actor, once each, and are no gate",
			faults: `  late: {do: drop, from: {contains: up, log: client.run}, until: {log: client.run, contains: up, nth: 2}}`,
			steps:  `    - {exec: "true", id: run}`,
			expect: `  - {sockets: {host: server}, when: {log: client.run, contains: up, nth: 1}, count: 1}`,
			want: watched{
				sampled: set[language.EventRef]{"{log: client.run, contains: up}": true},
				lines:   gates{"client": {"{log: client.run, contains: up}", "{log: client.run, contains: up, nth: 2}"}},
			},
		},
		{
			name:   "the end of a program is no gate, as nobody can stand still at it",
			faults: `  late: {do: drop, from: client.run.ended, until: client.run}`,
			steps:  `    - {exec: "true", id: run}`,
			want:   watched{gates: gates{"client": {"client.run"}}},
		},
		{
			name:   "so is the event that a held packet waits for",
			faults: `  late: {match: {tcp: FIN}, do: {hold: client.send}}`,
			want:   watched{gates: gates{"client": {"client.send"}}},
		},
		{
			name:   "and the event at which a packet is replayed",
			faults: `  late: {match: {tcp: FIN}, do: {replay: {until: "client.send[3]"}}}`,
			want:   watched{gates: gates{"client": {"client.send[3]"}}},
		},
		{
			name: "an event written in two ways is one gate",
			faults: "  one: {do: drop, from: \"client.send[1]\", until: \"client.send[3].start\"}\n" +
				"  two: {do: drop, from: client.send, until: \"client.send.start[3]\"}",
			want: watched{gates: gates{"client": {"client.send", "client.send[3].start"}}},
		},
		{
			name:   "sockets at an event are sampled while its actor stands still",
			expect: `  - {sockets: {host: server, local: "8080"}, when: "client.send[1]", count: 1}`,
			want: watched{
				sampled: set[language.EventRef]{"client.send": true},
				gates:   gates{"client": {"client.send"}},
			},
		},
		{
			name: "so are both ends of what must hold, or must never be",
			expect: "  - {holds: {host: server, state: LISTEN}, from: server.accept, until: client.send}\n" +
				"  - {never: {host: server, state: CLOSE_WAIT}, from: client.connect}",
			want: watched{
				sampled: set[language.EventRef]{"server.accept": true, "client.send": true, "client.connect": true},
				gates:   gates{"server": {"server.accept"}, "client": {"client.send", "client.connect"}},
			},
		},
		{
			name:   "a step that waits, or a time since an event, stops nobody",
			steps:  `    - {sleep: 1ms, after: server.accept}`,
			expect: `  - {step: client.send, at: 0s..1s, since: client.connect}`,
		},
		{
			name:  "hits of a chain are counted once something waits for them",
			steps: `    - {sleep: 1ms, after: fault.lost.hit}`,
			want:  watched{counted: []string{"lost"}},
		},
		{
			name:   "hits of a queue are awaited one by one",
			faults: `  late: {do: drop, from: "fault.slow.hit[2]"}`,
			want:   watched{awaited: set[string]{"slow": true}},
		},
		{
			name:   "two that wait for hits of one fault have it counted once",
			steps:  `    - {sleep: 1ms, after: "fault.lost.hit[2]"}`,
			expect: `  - {step: client.send, at: 0s..1s, since: fault.lost.hit}`,
			want:   watched{counted: []string{"lost"}},
		},
		{
			name:   "a hit may be the moment at which sockets are wanted",
			expect: `  - {sockets: {host: server, local: "8080"}, when: fault.slow.hit, count: 1}`,
			want: watched{
				sampled: set[language.EventRef]{"fault.slow.hit": true},
				awaited: set[string]{"slow": true},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, plan := planned(t, tt.faults, tt.steps, tt.expect)
			want := tt.want
			if want.sampled == nil {
				want.sampled = set[language.EventRef]{}
			}
			if want.awaited == nil {
				want.awaited = set[string]{}
			}
			if want.gates == nil {
				want.gates = gates{}
			}
			if want.lines == nil {
				want.lines = gates{}
			}
			if diff := cmp.Diff(&want, watchedEvents(s, plan), cmp.AllowUnexported(watched{})); diff != "" {
				t.Errorf("watched events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHitOf(t *testing.T) {
	for n, want := range map[uint64]language.EventRef{1: "fault.f.hit", 3: "fault.f.hit[3]"} {
		if got := hitOf("f", n); got != want || got != got.Canonical() {
			t.Errorf("hit %d is %q, want %q", n, got, want)
		}
	}
}

// planned makes the one run of watchedScenario with faults, steps of the client and expectations
// added.
func planned(t *testing.T, faults, steps, expect string) (*language.Scenario, *fault.Plan) {
	t.Helper()
	text := strings.NewReplacer("%FAULTS%", faults, "%STEPS%", steps, "%EXPECT%", expect).Replace(watchedScenario)
	f, err := language.Parse("watched.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	topology, err := network.Plan(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	plan, err := fault.Compile(runs[0], topology, fault.Features{})
	if err != nil {
		t.Fatal(err)
	}
	return runs[0], plan
}

type (
	set[K comparable] = map[K]bool
	gates             = map[string][]language.EventRef
)

// Whoever holds the lab learns of the hits of rules as well; those of queues are events anyway, and
// stop no packet for that.
func TestHoldersLearnOfAllHits(t *testing.T) {
	s, plan := planned(t, `  late: {match: {tcp: FIN}, do: drop, from: "fault.slow.hit[2]"}`, "", "")
	w := watchedEvents(s, plan)
	w.readAll(plan)
	if want := []string{"lost", "late"}; !slices.Equal(w.read, want) {
		t.Errorf("the hits of %v are read, want those of %v", w.read, want)
	}
	if want := (set[string]{"slow": true}); !maps.Equal(w.awaited, want) {
		t.Errorf("the hits of %v stop packets, want those of %v", w.awaited, want)
	}
}
