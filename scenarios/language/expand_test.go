package language

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// skeleton is a scenario to which a test appends keys.
const skeleton = `name: skeleton
title: as little as can be
hosts: {client: , server: }
`

const someExpectation = "expect:\n  - {never: {host: client}}\n"

func expandText(t *testing.T, text string, set map[string]string) ([]*Scenario, error) {
	t.Helper()
	f, err := Parse("test.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return f.Expand(set)
}

func mustExpand(t *testing.T, text string, set map[string]string) []*Scenario {
	t.Helper()
	all, err := expandText(t, text, set)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func idsOf(all []*Scenario) []string {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID())
	}
	return ids
}

func TestOneScenarioForEachCaseAndFamily(t *testing.T) {
	text := skeleton + someExpectation + `
ip: [v4, v6]
params: {pause: 1s}
cases:
  - {retries: 1}
  - {case: many, retries: 9, pause: 2s}
actors:
  client: [sleep: "${pause}"]
`
	all := mustExpand(t, text, nil)
	want := []string{"skeleton retries=1 v4", "skeleton retries=1 v6", "skeleton many v4", "skeleton many v6"}
	if diff := cmp.Diff(want, idsOf(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := all[2].Actors[0].Steps[0].Op.Sleep.For; got != Duration(2*time.Second) {
		t.Errorf("the case's parameter does not override the default: %v", got)
	}
	if diff := cmp.Diff(map[string]string{"retries": "9", "pause": "2s"}, all[3].Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
}

func TestSetOverridesParamsAndCases(t *testing.T) {
	text := skeleton + someExpectation + `
cases: [{retries: 1, pause: 1s}, {retries: 5, pause: 2s}]
actors:
  client: [sleep: "${pause}"]
`
	all := mustExpand(t, text, map[string]string{"retries": "3"})
	if diff := cmp.Diff([]string{"skeleton retries=3 (retries=1)", "skeleton retries=3 (retries=5)"}, idsOf(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all = mustExpand(t, text, map[string]string{"retries": "3", "pause": "4s"})
	if diff := cmp.Diff([]string{"skeleton retries=3"}, idsOf(all)); diff != "" {
		t.Errorf("cases made equal are not one (-want +got):\n%s", diff)
	}
	_, err := expandText(t, text, map[string]string{"retires": "3"})
	if err == nil || !strings.Contains(err.Error(), `no parameter "retires" (did you mean "retries"?); it has retries and pause`) {
		t.Errorf("unknown parameter: %v", err)
	}
	_, err = expandText(t, text, map[string]string{"pause": "x"})
	if err == nil || !strings.Contains(err.Error(), `test.yaml:7:29: --set pause=x: pause is a duration here, not the text "x"; write one such as 1s`) {
		t.Errorf("wrong value: %v", err)
	}
}

func TestParametersAreReplaced(t *testing.T) {
	text := skeleton + `
params: {gaps: [1s, 2s], word: w, none: ~}
actors:
  client:
    - {exec: "echo ${word}-${ip} $${HOME} $HOME", id: say}
expect:
  - {packets: {from: client, tcp: SYN}, gaps: "${gaps}", count: "${none}"}
`
	s := mustExpand(t, text, nil)[0]
	if got, want := s.Actors[0].Steps[0].Op.Exec.Command[2], "echo w-v4 ${HOME} $HOME"; got != want {
		t.Errorf("spliced: got %q, want %q", got, want)
	}
	p := s.Expect[0].Packets
	if len(p.Gaps) != 2 || p.Gaps[1].Want != 2*time.Second {
		t.Errorf("a list did not stay one: %v", p.Gaps)
	}
	if p.Count != nil {
		t.Errorf("a null parameter did not leave out its key: %v", p.Count)
	}
}

func TestOnlyLeavesOutWhatIsForOtherCases(t *testing.T) {
	text := skeleton + `
ip: [v4, v6]
cases: [{case: a}, {case: b}]
faults:
  f: {do: drop, nth: 2, only: [a, v6]}
  g: {do: drop} # where f is left out, g takes its place, but not its keys
actors:
  client:
    - {sleep: 1s, only: b}
    - sleep: 2s
    - repeat: {times: 2, steps: [sleep: 3s]}
  server: {only: b, steps: [sleep: 1s]}
expect:
  - {never: {host: client}}
  - {never: {host: server}, only: v4}
`
	type seen struct {
		Faults, Actors, Expect int
		Steps                  string
	}
	got := map[string]seen{}
	for _, s := range mustExpand(t, text, nil) {
		var steps []string
		for _, st := range s.Actors[0].Steps {
			steps = append(steps, st.ID)
			if st.Op.Repeat != nil {
				steps = append(steps, st.Op.Repeat.Steps[0].ID)
			}
		}
		got[s.ID()] = seen{len(s.Faults), len(s.Actors), len(s.Expect), strings.Join(steps, " ")}
	}
	// IDs are counted in the whole file, so that a step has the same name in each case.
	want := map[string]seen{
		"skeleton a v4": {1, 1, 2, "sleep2 repeat sleep3"},
		"skeleton a v6": {2, 1, 1, "sleep2 repeat sleep3"},
		"skeleton b v4": {1, 2, 2, "sleep sleep2 repeat sleep3"},
		"skeleton b v6": {1, 2, 1, "sleep sleep2 repeat sleep3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSocketIsAnOperationOnlyAlone(t *testing.T) {
	text := skeleton + someExpectation + `
actors:
  client:
    - socket: udp
    - {sendto: {to: "server:53"}, socket: sock}
    - {socket: {type: tcp, as: other}, id: second}
`
	steps := mustExpand(t, text, nil)[0].Actors[0].Steps
	if steps[0].Op.Socket == nil || steps[0].Op.Socket.Type != "udp" || steps[0].ID != "socket" {
		t.Errorf("alone: %+v", steps[0])
	}
	if steps[1].Op.Sendto == nil || steps[1].Socket != "sock" {
		t.Errorf("beside an operation: %+v", steps[1])
	}
	if steps[2].Op.Socket == nil || steps[2].Op.Socket.As != "other" || steps[2].ID != "second" {
		t.Errorf("with an id: %+v", steps[2])
	}
}

func TestEstimateIsTheLongestOfActorsAndExpectations(t *testing.T) {
	actors := "actors:\n  client: [sleep: 2s, {poll: , id: p}, {repeat: {times: 3, steps: [sleep: 1s]}}, {parallel: [[sleep: 4s], [sleep: 1s]]}]\n"
	actors = strings.Replace(actors, "{poll: , id: p}", "socket, {poll: {timeout: 1s}, times: 2}", 1)
	for expect, want := range map[string]time.Duration{
		"{never: {host: client}}":                                                 11 * time.Second,
		"{step: client.sleep, took: 63s}":                                         72 * time.Second,
		"{step: client.poll, took: < 5ms}":                                        9010 * time.Millisecond,
		"{step: client.poll, took: < 50s}":                                        11 * time.Second,
		"{step: client.poll, took: \">= 500ms\"}":                                 11 * time.Second,
		"{step: client.poll, took: \">= 3s\"}":                                    15 * time.Second,
		"{step: client.poll, took: 2s..9s}":                                       13 * time.Second,
		"{step: client.poll, took: 100ms..900ms}":                                 10800 * time.Millisecond,
		"{step: client.poll, took: 4s ±1s}":                                       17 * time.Second,
		"{step: client.repeat, took: \">= 1s\"}":                                  11 * time.Second,
		"{step: client.repeat, took: \">= 5s\"}":                                  13 * time.Second,
		"{packets: {tcp: SYN}, at: [\"< 60s\"]}":                                  11 * time.Second,
		"{holds: {host: client}, for: \"< 60s\"}":                                 11 * time.Second,
		"{holds: {host: client}, for: \">= 60s\"}":                                60 * time.Second,
		"{packets: {tcp: SYN}, gaps: [10s, 20s, 40s]}":                            70 * time.Second,
		"{packets: {tcp: SYN}, gaps: [10s, 20s, 40s], count: 3}":                  30 * time.Second,
		"{holds: {host: client}, for: 60s}":                                       60 * time.Second,
		"{reaches: {host: client}, at: 12s}":                                      12 * time.Second,
		"{process: client, exit: 0, took: \">= 20s\"}":                            20 * time.Second,
		"{never: {host: client}}\nfaults:\n  f: {do: drop, after: 20s, for: 10s}": 30 * time.Second,
		"{never: {host: client}}\nduration: 5s":                                   5 * time.Second,
		"{step: client.sleep, at: 7875s, error: none}\nduration: 2h11m20s\nnetwork: {offloads: true}\nip: [v4]": 7880 * time.Second,
	} {
		s := mustExpand(t, skeleton+actors+"expect:\n  - "+expect+"\n", nil)[0]
		if got := s.Estimate(); got != want {
			t.Errorf("%s: estimate %v, want %v", expect, got, want)
		}
	}
}

// A run whose times are as expected ends before its default deadline, even where it is not known when
// they begin to count.
func TestDeadline(t *testing.T) {
	const actors = "actors:\n  client: [sleep: 100s, {connect: \"server:9\", times: 2}]\n"
	for _, tt := range []struct {
		name, expect, more string
		want               time.Duration
		reason             string
	}{
		{
			"of the estimate", "{never: {host: client}}", "", 160 * time.Second,
			"1.5 times the estimate of 100s, plus 10s; set duration or deadline to change it",
		},
		{
			"of the duration", "{packets: {tcp: SYN}, gaps: [80s]}", "duration: 40s\n", 70 * time.Second,
			"1.5 times the duration of 40s, plus 10s; set deadline to change it",
		},
		{
			"of the scenario", "{never: {host: client}}", "deadline: 3s\n", 3 * time.Second,
			"the key deadline of the scenario",
		},
		{
			"gaps after a packet that may come last", "{packets: {tcp: SYN}, gaps: [20s, 60s]}", "", 200100 * time.Millisecond,
			"190.1s, which it may take if all is as expected, plus 10s; set duration or deadline to change it",
		},
		{
			"a state that may begin last", "{holds: {host: client}, for: 70s}", "", 188800 * time.Millisecond,
			"178.8s, which it may take if all is as expected, plus 10s; set duration or deadline to change it",
		},
		{
			"a state that begins at a known time", "{holds: {host: client}, from: client.sleep, for: 70s}", "", 265 * time.Second,
			"1.5 times the estimate of 170s, plus 10s; set duration or deadline to change it",
		},
		{
			"times since the second execution of a step", `{reaches: {host: client}, at: 90s, since: "client.connect[2]"}`, "", 312600 * time.Millisecond,
			"302.6s, which it may take if all is as expected, plus 10s; set duration or deadline to change it",
		},
		{
			"a range of which the longest time is more than 1.5 times the shortest", "{step: client.connect, error: none, took: 10s..100s}", "", 310 * time.Second,
			"300s, which it may take if all is as expected, plus 10s; set duration or deadline to change it",
		},
		{
			"an upper bound far above the estimate", `{packets: {tcp: SYN}, at: ["< 400s"], since: client.sleep.start}`, "", 410 * time.Second,
			"400s, which it may take if all is as expected, plus 10s; set duration or deadline to change it",
		},
		{
			"a lower bound of a step that takes longer", "{step: client.sleep, took: \">= 1s\"}", "", 160 * time.Second,
			"1.5 times the estimate of 100s, plus 10s; set duration or deadline to change it",
		},
		{
			"times from the start", "{reaches: {host: client}, at: 90s}", "", 160 * time.Second,
			"1.5 times the estimate of 100s, plus 10s; set duration or deadline to change it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustExpand(t, skeleton+actors+"expect:\n  - "+tt.expect+"\n"+tt.more, nil)[0]
			if got := s.DeadlineOrDefault(); got != tt.want {
				t.Errorf("deadline %v, want %v", got, tt.want)
			}
			if got := s.DeadlineReason(); got != tt.reason {
				t.Errorf("reason %q\nwant   %q", got, tt.reason)
			}
		})
	}
}

// The time that a program gets says when it is ended, not how long it takes. The deadline allows for it.
func TestTheTimeThatAProgramGetsIsNoEstimate(t *testing.T) {
	const sec = time.Second
	for _, tt := range []struct {
		name, steps, expect string
		likely, deadline    time.Duration
	}{
		{"exec", "{exec: {command: [x], timeout: 30s}}", "{process: client.exec, exit: 0}", 0, 40 * sec},
		{"exec that should fail", "{exec: {command: [x], timeout: 30s}}", "{step: client.exec, error: ETIMEDOUT}", 30 * sec, 55 * sec},
		{"exec that should take some time", "{exec: {command: [x], timeout: 30s}}", "{process: client.exec, exit: 0, took: 4s}", 4 * sec, 16 * sec},
		{"exec that should not take long", "{exec: {command: [x], timeout: 30s}}", "{process: client.exec, took: < 5s}", 0, 15 * sec},
		{
			"start and stop", "{start: {command: [x], ready: {listens: 80}, within: 40s}}, {stop: {program: client.start, within: 20s}}",
			"{process: client.start, exit: 0}", 0, 70 * sec,
		},
		{"the timeout of another step", "socket, {poll: {timeout: 30s}}", "{process: client, exit: 0}", 30 * sec, 55 * sec},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustExpand(t, skeleton+"actors:\n  client: ["+tt.steps+"]\nexpect:\n  - "+tt.expect+"\n", nil)[0]
			if got := s.Estimate(); got != tt.likely {
				t.Errorf("estimate %v, want %v", got, tt.likely)
			}
			if got := s.DeadlineOrDefault(); got != tt.deadline {
				t.Errorf("deadline %v, want %v", got, tt.deadline)
			}
		})
	}
}

// What counts from an event comes after it, and so do the steps that wait for it.
func TestEstimateAddsTheTimeOfTheEvent(t *testing.T) {
	const sleeps = "actors:\n" +
		"  client: [sleep: 100s, {connect: \"server:9\", times: 2}, {repeat: {times: 3, steps: [sleep: 1s, poll: ]}}]\n"
	const talks = "actors:\n" +
		"  client: [sleep: 100s, {sleep: 5s, id: c2, after: server.s}, {sleep: 6s, id: c3, after: server.s2}]\n" +
		"  server: [{sleep: 10s, id: s, after: client.sleep}, {sleep: 20s, id: s2, after: client.c2.start}, {wait: client.c3}]\n"
	const circle = "actors:\n" +
		"  client: [{sleep: 100s, after: server.s}]\n" +
		"  server: [{sleep: 10s, id: s, after: client.sleep}]\n"
	const signals = "actors:\n" +
		"  client: [sleep: 100s, signal: go]\n" +
		"  server: [{sleep: 50s, after: client.signal.go}]\n"
	const fault = "faults:\n  f: {do: drop, from: client.sleep, after: 7s}\n"
	for _, tt := range []struct {
		name, actors, expect, more string
		want                       time.Duration
	}{
		{"at since the end of a step", sleeps, "{reaches: {host: client}, at: 50s, since: client.sleep}", "", 150 * time.Second},
		{"at since the start of a step", sleeps, "{step: client.connect, error: none, at: 50s, since: client.connect.start}", "", 153 * time.Second},
		{"at of a step moves the next ones", sleeps, "{step: client.connect, error: none, at: 200s}", "", 203 * time.Second},
		{"took of a step, each time", sleeps, "{step: client.connect, error: none, took: 10s}", "", 123 * time.Second},
		{"packets since a step", sleeps, "{packets: {tcp: SYN}, at: [1s, 30s], since: client.connect}", "", 130 * time.Second},
		{"a list of times longer than the count", sleeps, "{packets: {tcp: SYN}, at: [1s, 30s, 90s], count: 2, since: client.connect}", "", 130 * time.Second},
		{"a list of drops longer than the count", sleeps, "{drops: {host: client}, at: [1s, 30s, 90s], count: 2, since: client.connect}", "", 130 * time.Second},
		{"for from a step within another", sleeps, "{holds: {host: client}, from: client.sleep2, for: 50s}", "", 151 * time.Second},
		{"at since the hit of a fault", sleeps, "{reaches: {host: client}, at: 50s, since: \"fault.f.hit[2]\"}", fault, 157 * time.Second},
		{"for of a fault that an event begins", sleeps, "{never: {host: client}}", "faults:\n  f: {do: drop, from: client.sleep, for: 9s}\n", 109 * time.Second},
		{"a program, after the steps before it", "actors:\n  client: [sleep: 30s, exec: [x]]\n", "{process: client.exec, exit: 0, took: 40s}", "", 70 * time.Second},
		{"steps that wait for other actors", talks, "{never: {host: client}}", "", 100*time.Second + 10*time.Second + 20*time.Second + 6*time.Second},
		{"steps that wait for a signal", signals, "{never: {host: client}}", "", 150 * time.Second},
		{"at since a signal", signals, "{reaches: {host: client}, at: 70s, since: client.signal.go}", "", 170 * time.Second},
		{"steps that wait in a circle", circle, "{never: {host: client}}", "", 110 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustExpand(t, skeleton+tt.actors+"expect:\n  - "+tt.expect+"\n"+tt.more, nil)[0]
			if got := s.Estimate(); got != tt.want {
				t.Errorf("estimate %v, want %v", got, tt.want)
			}
		})
	}
}

func TestKnobsChangeWhatHappens(t *testing.T) {
	f, err := Parse("test.yaml", []byte(`name: test
title: "${shown}"
hosts: {client: {}, server: {}}
params: {port: 8080, twice: "${2 * port}", limit: 1s, bound: "${3 * limit}", shown: x, wait: "${pause}", idle: 1}
cases: [{pause: 1s, left: 1}, {pause: 2s, left: 2}]
actors:
  client: [{connect: "server:${twice}"}, {sleep: "${wait}"}]
expect:
  - {step: client.connect, took: "< ${bound + left * 1s}"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"port", "twice", "wait", "pause"}, f.Knobs()); diff != "" {
		t.Errorf("knobs (-want +got):\n%s", diff)
	}
	var unused []string
	for _, e := range f.Notes() {
		unused = append(unused, e.Error())
	}
	if diff := cmp.Diff([]string{"test.yaml:4:106: nothing uses the parameter idle"}, unused); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
}
