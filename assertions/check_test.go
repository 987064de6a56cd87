package assertions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// failures returns the codes and reasons of the verdicts that fail, by title.
func failures(verdicts []Verdict) map[string]string {
	reasons := map[string]string{}
	for i := range verdicts {
		if verdicts[i].Status == Fail {
			reasons[verdicts[i].Title] = fmt.Sprintf("[%s] %s", verdicts[i].Code, verdicts[i].Reason)
		}
	}
	return reasons
}

const ms = time.Millisecond

func TestEveryKindOfExpectationHasAJudge(t *testing.T) {
	want := slices.Sorted(slices.Values(language.ExpectationKinds()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(judges))); diff != "" {
		t.Errorf("kinds with a judge (-want +got):\n%s", diff)
	}
}

func TestSilentServer(t *testing.T) {
	expect := `
- {step: client.connect, error: ETIMEDOUT, took: 3s}
- {packets: {from: client, tcp: SYN}, count: 2, gaps: [1s, 2s]}
- {fault: silent-server, hits: 2}
- {never: {host: client, state: ESTABLISHED}}
- {path: {host: client, remote: 8080}, states: [SYN_SENT, CLOSED]}
`
	got := Check(lab(t, connecting, expect), syns(3100*ms, 0, 1013*ms))
	want := []string{
		"pass client.connect: ETIMEDOUT after 3s",
		"pass SYN from client: 2, gaps 1s",
		"pass fault silent-server: 2 hits",
		"pass never: client in ESTABLISHED",
		"pass path of client remote port 8080: SYN_SENT > CLOSED",
		"pass the run ends by itself",
	}
	var titles []string
	for i := range got {
		titles = append(titles, string(got[i].Status)+" "+got[i].Title)
	}
	if diff := cmp.Diff(want, titles); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s\n%v", diff, failures(got))
	}
	if got[1].Packets == nil || got[4].Sockets == nil {
		t.Errorf("verdicts without the packets or sockets they are about: %+v", got)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back []Verdict
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, back); diff != "" {
		t.Errorf("verdicts after JSON (-want +got):\n%s", diff)
	}
}

func TestWhatEveryRunMustMeet(t *testing.T) {
	const actors = `
server: [listen: {port: 8080}]
client: [connect: {to: "server:8080"}, send: hello]
`
	const some = `- {counters: {client.Tcp.ActiveOpens: ">= 0"}}`
	tests := []struct {
		name   string
		expect string
		record func(*tape) *trace.Trace
		want   map[string]string
	}{
		{
			"a fault that struck nothing",
			some,
			func(p *tape) *trace.Trace { p.hits("silent-server", 0, 0); return p.end(time.Second, "done") },
			map[string]string{"fault silent-server: strikes": `[fault-struck-nothing] fault "silent-server" struck no packet: wanted 1 hit or more of SYN to server port 8080 at the wire; if it should strike none, expect {fault: silent-server, hits: 0}`},
		},
		{
			"a fault that should strike nothing and does not",
			`- {fault: silent-server, hits: 0}`,
			func(p *tape) *trace.Trace { p.hits("silent-server", 0, 0); return p.end(time.Second, "done") },
			map[string]string{},
		},
		{
			"a fault that somebody has switched",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.add(100*time.Millisecond, trace.Event{Fault: &trace.Fault{
					Name: "silent-server", What: trace.FaultOff, Hand: "ann",
				}})
				return p.end(time.Second, "done")
			},
			map[string]string{"nobody switches a fault by hand": "[switched-by-hand] ann switched fault silent-server off by hand, at 100ms: what follows shows nothing about the scenario"},
		},
		{
			"a fault that somebody has added",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.add(100*time.Millisecond, trace.Event{Fault: &trace.Fault{
					Name: "drop-syn", What: trace.FaultAdded, Phrase: "drop SYN", Hand: "ann",
				}})
				return p.end(time.Second, "done")
			},
			map[string]string{"nobody switches a fault by hand": "[switched-by-hand] ann added fault drop-syn by hand, at 100ms: what follows shows nothing about the scenario"},
		},
		{
			"a fault that its holder has switched",
			some,
			func(p *tape) *trace.Trace {
				p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultOn, Holder: true}})
				p.hits("silent-server", 0, 1)
				return p.end(time.Second, "done")
			},
			map[string]string{},
		},
		{
			"a fault that its holder never put in force",
			some,
			func(p *tape) *trace.Trace {
				p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultOff, Holder: true}})
				p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultHits}})
				return p.end(time.Second, "done")
			},
			map[string]string{},
		},
		{
			"a fault that its holder put in force, and that struck nothing",
			some,
			func(p *tape) *trace.Trace {
				p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultOff, Holder: true}})
				p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultOn, Holder: true}})
				p.hits("silent-server", 0, 0)
				return p.end(time.Second, "done")
			},
			map[string]string{"fault silent-server: strikes": `[fault-struck-nothing] fault "silent-server" struck no packet: wanted 1 hit or more of SYN to server port 8080 at the wire; if it should strike none, expect {fault: silent-server, hits: 0}`},
		},
		{
			"a fault that the scenario has switched",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.add(100*time.Millisecond, trace.Event{Fault: &trace.Fault{
					Name: "silent-server", What: trace.FaultOff,
				}})
				return p.end(time.Second, "done")
			},
			map[string]string{},
		},
		{
			"a lab that was held before its actors",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				return p.end(time.Second, "released")
			},
			map[string]string{"the run ends by itself": "[lab-held] the lab was held for people, and its actors never began"},
		},
		{
			"a step in progress at the deadline",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.begin("client.connect", 0)
				return p.end(75*time.Second, "deadline", "client.connect")
			},
			map[string]string{"the run ends by itself": "[step-hangs] client.connect was still in progress after 75s, at the deadline of 10s (1.5 times the estimate of 0s, plus 10s; set duration or deadline to change it)"},
		},
		{
			"an actor that waits for an event at the deadline",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				return p.end(10*time.Second, "deadline")
			},
			map[string]string{"the run ends by itself": "[deadline] no step was in progress, but an actor was not done at the deadline of 10s (1.5 times the estimate of 0s, plus 10s; set duration or deadline to change it)"},
		},
		{
			"a step expected to hang that hangs",
			`- {step: client.connect, hangs: true}`,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.begin("client.connect", 0)
				return p.end(75*time.Second, "deadline", "client.connect")
			},
			map[string]string{},
		},
		{
			"a step expected to hang that hangs until the duration is over",
			`- {step: client.connect, hangs: true}`,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.begin("client.connect", 0)
				return p.end(2*time.Second, "duration", "client.connect")
			},
			map[string]string{},
		},
		{
			"a step expected to hang that ends",
			`- {step: client.connect, hangs: true}`,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.step("client.connect", 0, 2*time.Second, errno("ECONNREFUSED"))
				return p.end(3*time.Second, "done")
			},
			map[string]string{"client.connect: still in progress at the end": "[step-ended] wanted still in progress at the end of the run, saw ECONNREFUSED after 2s"},
		},
		{
			"a trace without end",
			some,
			func(p *tape) *trace.Trace { p.hits("silent-server", 500*ms, 1); return p.tr },
			map[string]string{"the run ends by itself": `[lab-died] the lab died: the trace has no end, the last event recorded is "fault" at 500ms`},
		},
		{
			"a run that was canceled",
			some,
			func(p *tape) *trace.Trace { p.hits("silent-server", 0, 1); return p.end(2*time.Second, "canceled") },
			map[string]string{"the run ends by itself": "[run-canceled] the run was canceled after 2s"},
		},
		{
			"a step that could not be tried",
			some,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.step("client.connect", 0, 0, func(s *trace.Step) { s.Problem = "no socket" })
				return p.end(time.Second, "done")
			},
			map[string]string{"client.connect[1] can be done": "[step-not-done] client.connect[1] could not be done: no socket"},
		},
		{
			"a step that could not be tried and is judged, which is reported once",
			`- {step: client.connect, error: EBADF}`,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.step("client.connect", 0, 0, func(s *trace.Step) { s.Problem = "no socket" })
				p.step("client.send", 0, 0, func(s *trace.Step) { s.Problem = "no socket either" })
				return p.end(time.Second, "done")
			},
			map[string]string{
				"client.connect: EBADF":      "[step-not-done] client.connect could not be done: no socket",
				"client.send[1] can be done": "[step-not-done] client.send[1] could not be done: no socket either",
			},
		},
		{
			"packets as wanted in a trace that is not the whole truth",
			`- {packets: {from: client, tcp: SYN}, none: true}`,
			func(p *tape) *trace.Trace {
				p.hits("silent-server", 0, 1)
				p.add(0, trace.Event{Note: &trace.Note{Text: "12 packets of client were lost", Untrue: true}})
				return p.end(time.Second, "done")
			},
			map[string]string{"SYN from client: none": "[not-observed] what was seen matches, but not everything was seen: 12 packets of client were lost"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newTape()
			for _, at := range []trace.Moment{trace.Before, trace.After} {
				p.add(0, trace.Event{Counters: &trace.Counters{Host: "client", At: at, Values: map[string]int64{"Tcp.ActiveOpens": 1}}})
			}
			got := failures(Check(lab(t, actors, test.expect), test.record(p)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

// An expectation that is skipped says nothing of the fault that it names.
func TestAFaultNamedOnlyWhereSkippedMustStrike(t *testing.T) {
	const some = "\n- {counters: {client.Tcp.ActiveOpens: 0}}"
	for _, tt := range []struct {
		name, expect string
		hits         uint64
		want         []string
	}{
		{"skipped, and no hit", `- {fault: silent-server, hits: 0, where: {sysctl: net.ipv4.later}}` + some, 0, []string{"fault silent-server: strikes"}},
		{"skipped, and a hit", `- {fault: silent-server, hits: 0, where: {sysctl: net.ipv4.later}}` + some, 1, nil},
		{"judged", `- {fault: silent-server, hits: 0, where: {no-sysctl: net.ipv4.later}}` + some, 0, nil},
		{"one skipped and one judged", "- {fault: silent-server, hits: 7, where: {sysctl: net.ipv4.later}}\n- {fault: silent-server, hits: 0}" + some, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.add(0, trace.Event{Sysctl: &trace.Sysctl{Host: "client", Name: "net.ipv4.later", Missing: true}})
			for _, at := range []trace.Moment{trace.Before, trace.After} {
				p.add(0, trace.Event{Counters: &trace.Counters{Host: "client", At: at, Values: map[string]int64{"Tcp.ActiveOpens": 1}}})
			}
			p.hits("silent-server", 0, tt.hits)
			got := slices.Sorted(maps.Keys(failures(Check(lab(t, connecting, tt.expect), p.end(time.Second, "done")))))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("failures (-want +got):\n%s", d)
			}
		})
	}
}

// A fault with a chance of 0% is there to show what happens without it.
func TestAFaultWithoutAChanceMustNotStrike(t *testing.T) {
	const title = "fault silent-server: strikes nothing, with chance: 0%"
	for _, c := range []struct {
		name   string
		expect string
		hits   []uint64
		want   map[string]string
	}{
		{"no hits", `- {packets: {udp: any}, none: true}`, []uint64{0}, map[string]string{}},
		{"a hit", `- {packets: {udp: any}, none: true}`, []uint64{1}, map[string]string{title: "[wrong-hits] wanted 0 hits, saw 1 hit"}},
		{"no reading", `- {packets: {udp: any}, none: true}`, nil, map[string]string{title: `[not-observed] the hits of fault "silent-server" were never read`}},
		{"hits wanted", `- {fault: silent-server, hits: 1}`, []uint64{0}, map[string]string{"fault silent-server: 1 hit": "[wrong-hits] wanted 1 hit, saw 0 hits"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := lab(t, connecting, c.expect)
			s.Faults[0].Chance = new(language.Percent)
			p := newTape()
			for _, n := range c.hits {
				p.hits("silent-server", 0, n)
			}
			if diff := cmp.Diff(c.want, failures(Check(s, p.end(time.Second, "done")))); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	const expect = `- {step: client.connect, error: ETIMEDOUT, took: 3s, where: {sysctl: net.ipv4.tcp_syn_linear_timeouts}}`
	for name, want := range map[string]struct {
		probe  *trace.Sysctl
		status Status
		reason string
	}{
		"missing":    {&trace.Sysctl{Host: "client", Name: "net.ipv4.tcp_syn_linear_timeouts", Missing: true}, Skip, "this kernel has no net.ipv4.tcp_syn_linear_timeouts"},
		"there":      {&trace.Sysctl{Host: "client", Name: "net.ipv4.tcp_syn_linear_timeouts", Value: "4"}, Pass, ""},
		"not probed": {nil, Fail, "the run did not look for net.ipv4.tcp_syn_linear_timeouts, which where names"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := syns(3100*ms, 0, 1013*ms)
			if want.probe != nil {
				tr.Events = append(trace.Of(trace.Event{Sysctl: want.probe}).Events, tr.Events...)
			}
			got := Check(lab(t, connecting, expect), tr)[0]
			if got.Status != want.status || got.Reason != want.reason {
				t.Errorf("%s %q, want %s %q", got.Status, got.Reason, want.status, want.reason)
			}
		})
	}
}

func TestEveryConditionOfWhereMustHold(t *testing.T) {
	const expect = `- {step: client.connect, error: ETIMEDOUT, where: {sysctl: [net.a, net.b], no-sysctl: net.c}}`
	for name, c := range map[string]struct {
		there  []string
		status Status
		reason string
	}{
		"all of them hold":         {[]string{"net.a", "net.b"}, Pass, ""},
		"one sysctl is missing":    {[]string{"net.a"}, Skip, "this kernel has no net.b"},
		"one that should not be":   {[]string{"net.a", "net.b", "net.c"}, Skip, "this kernel has net.c"},
		"none of the sysctls":      {nil, Skip, "this kernel has no net.a"},
		"only the one to be there": {[]string{"net.c"}, Skip, "this kernel has no net.a"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := syns(3100*ms, 0, 1013*ms)
			for _, sysctl := range []string{"net.a", "net.b", "net.c"} {
				probe := &trace.Sysctl{Host: "client", Name: sysctl, Missing: !slices.Contains(c.there, sysctl)}
				tr.Events = append(trace.Of(trace.Event{Sysctl: probe}).Events, tr.Events...)
			}
			got := Check(lab(t, connecting, expect), tr)[0]
			if got.Status != c.status || got.Reason != c.reason {
				t.Errorf("%s %q, want %s %q", got.Status, got.Reason, c.status, c.reason)
			}
		})
	}
}

// Where packets were missed, a count that is not as wanted may be for that.
func TestFailuresOfATraceWithLossesNameThem(t *testing.T) {
	for _, tt := range []struct {
		name string
		lost bool
		want []string
	}{
		{"packets were lost", true, []string{"not everything was seen: 12 packets of client were lost"}},
		{"nothing was lost", false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			if tt.lost {
				p.add(0, trace.Event{Note: &trace.Note{Text: "12 packets of client were lost", Untrue: true}})
			}
			s := lab(t, "client:\n  - connect: {to: \"server:8080\"}", "- {packets: {from: client, tcp: SYN}, count: 5}")
			v := Check(s, p.end(time.Second, "done"))[0]
			if v.Status != Fail {
				t.Fatalf("the verdict is %s", v.Status)
			}
			var notes []string
			for _, n := range v.Notes {
				if strings.HasPrefix(n, "not everything") {
					notes = append(notes, n)
				}
			}
			if diff := cmp.Diff(tt.want, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
