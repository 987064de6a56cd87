package language

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const controlled = `
name: controlled
title: everything that a control can leave out
hosts:
  client: {sysctl: {net.ipv4.tcp_syn_retries: 2, "net.ipv4.tcp_retries2?": 3}}
  server: {sysctl: {net.ipv4.tcp_syn_retries: 4}}
faults:
  loss: {match: {from: client}, nth: 1, do: drop}
  later: {match: {from: client}, from: "fault.loss.hit[2]", do: drop}
  last: {match: {from: client}, from: fault.later.hit, until: fault.loss.hit, do: drop}
actors:
  server:
    - bind: 80
    - setsockopt: {SO_RCVBUF: 4096}
    - listen
    - accept
  client:
    - {connect: "server:80", after: fault.loss.hit}
    - setsockopt: {SO_LINGER: 0s, TCP_NODELAY: 1}
    - {wait: fault.loss.hit}
    - repeat:
        times: 2
        steps:
          - {sysctl: {net.ipv4.tcp_fin_timeout: 2, net.ipv4.tcp_syn_retries: 1}}
          - {sysctl: {host: server, set: {net.ipv4.tcp_fin_timeout: 3}}, after: fault.later.hit}
expect:
  - {step: client.connect, error: none}
  - {step: client.setsockopt, error: none}
  - {step: client.sysctl, result: 0}
  - {fault: loss, hits: 1}
  - {fault: last, hits: 1}
  - {packets: {from: client}, until: "fault.loss.hit[3]", count: 2}
  - {sockets: {host: client}, count: 0, when: client.setsockopt}
`

func TestSettingsOfAScenario(t *testing.T) {
	s := mustExpand(t, controlled, nil)[0]
	var got []string
	for _, set := range s.Settings() {
		got = append(got, set.String())
	}
	want := []string{
		"fault loss", "fault later", "fault last",
		"client net.ipv4.tcp_syn_retries", "client net.ipv4.tcp_retries2",
		"server net.ipv4.tcp_syn_retries",
		"server.setsockopt SO_RCVBUF",
		"client.setsockopt SO_LINGER", "client.setsockopt TCP_NODELAY",
		"client.sysctl net.ipv4.tcp_fin_timeout", "client.sysctl net.ipv4.tcp_syn_retries",
		"client.sysctl2 net.ipv4.tcp_fin_timeout",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if host := s.Settings()[11].Host; host != "server" {
		t.Errorf("the host of the step that names one is %q", host)
	}
}

// lines returns a scenario as sorted lines of JSON, without places and what every control changes.
func lines(t *testing.T, s *Scenario) []string {
	t.Helper()
	c := *s
	c.Without, c.Deadline = nil, 0
	text, err := json.MarshalIndent(&c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestAControlLeavesOutOneSettingAndNothingElse(t *testing.T) {
	s := mustExpand(t, controlled, nil)[0]
	before := lines(t, s)
	controls := s.Controls()
	settings := s.Settings()
	if len(controls) != len(settings) {
		t.Fatalf("%d controls of %d settings", len(controls), len(settings))
	}
	for i, c := range controls {
		if want := "controlled without " + settings[i].String(); c.ID() != want {
			t.Errorf("the ID is %q, want %q", c.ID(), want)
		}
		left := slices.Delete(slices.Clone(settings), i, i+1)
		if diff := cmp.Diff(left, c.Settings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID(), diff)
		}
		if got, want := c.DeadlineOrDefault(), s.DeadlineOrDefault(); got != want {
			t.Errorf("%s ends at %v, the case at %v", c.ID(), got, want)
		}
		if diff := cmp.Diff(s.Expect, c.Expect); diff != "" {
			t.Errorf("%s changes the expectations:\n%s", c.ID(), diff)
		}
		var ids []string
		for _, a := range c.Actors {
			EachStep(a.Steps, func(st *Step) { ids = append(ids, a.Name+"."+st.ID) })
		}
		want := []string{
			"server.bind", "server.setsockopt", "server.listen", "server.accept", "client.connect",
			"client.setsockopt", "client.wait", "client.repeat", "client.sysctl", "client.sysctl2",
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("steps of %s (-want +got):\n%s", c.ID(), diff)
		}
	}
	if diff := cmp.Diff(before, lines(t, s)); diff != "" {
		t.Errorf("Controls changed the scenario:\n%s", diff)
	}
}

func TestNoStepWaitsForAFaultThatIsLeftOut(t *testing.T) {
	s := mustExpand(t, controlled, nil)[0]
	for _, c := range s.Controls() {
		var waits []EventRef
		for i := range c.Actors {
			waits = append(waits, EventRefs(&c.Actors[i].Steps)...)
		}
		want := []EventRef{"fault.loss.hit", "fault.loss.hit", "fault.later.hit"}
		switch c.Without.String() {
		case "fault loss":
			want = want[2:]
		case "fault later":
			want = want[:2]
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID(), diff)
		}
	}
}

func TestExpectationsThatNameASettingDoNotProveIt(t *testing.T) {
	s := mustExpand(t, controlled, nil)[0]
	about := map[string][]string{
		"fault loss": {
			"fault loss: 1 hit", "fault last: 1 hit",
			"any packet from client until fault.loss.hit[3]: 2",
		},
		"fault later":                            {"fault last: 1 hit"},
		"fault last":                             {"fault last: 1 hit"},
		"client.setsockopt SO_LINGER":            {"client.setsockopt: succeeds"},
		"client.setsockopt TCP_NODELAY":          {"client.setsockopt: succeeds"},
		"client.sysctl net.ipv4.tcp_fin_timeout": {"client.sysctl: succeeds, result 0"},
		"client.sysctl net.ipv4.tcp_syn_retries": {"client.sysctl: succeeds, result 0"},
	}
	for _, set := range s.Settings() {
		var got []string
		for i := range s.Expect {
			if e := &s.Expect[i]; s.IsAbout(e, &set) {
				got = append(got, e.String())
			}
		}
		if diff := cmp.Diff(about[set.String()], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", &set, diff)
		}
	}
}

func TestEntriesOfControlNameSettings(t *testing.T) {
	s := mustExpand(t, controlled+`
control:
  - {sysctl: net.ipv4.tcp_syn_retries, host: client, reason: a}
  - {option: TCP_NODELAY, step: client.setsockopt, reason: b}
  - {sysctl: net.ipv4.tcp_fin_timeout, reason: c}
  - {fault: last, reason: d}
`, nil)[0]
	want := []string{
		"client net.ipv4.tcp_syn_retries: a", "client.sysctl net.ipv4.tcp_syn_retries: a",
		"client.setsockopt TCP_NODELAY: b",
		"client.sysctl net.ipv4.tcp_fin_timeout: c", "client.sysctl2 net.ipv4.tcp_fin_timeout: c",
		"fault last: d",
	}
	var got []string
	for i := range s.Control {
		for _, set := range s.Settings() {
			if s.Control[i].Names(&set) {
				got = append(got, set.String()+": "+s.Control[i].Reason)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	one := mustExpand(t, controlled+"control: {fault: last, reason: alone}\n", nil)[0]
	if len(one.Control) != 1 || one.Control[0].Reason != "alone" {
		t.Errorf("a single entry without a list: %+v", one.Control)
	}
}

// Every scenario of the library has controls, and none of them has lost more than its setting.
func TestControlsOfTheLibrary(t *testing.T) {
	paths, err := filepath.Glob("../*/*.yaml")
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d scenarios: %v", len(paths), err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range mustExpand(t, string(src), nil) {
			n := len(s.Settings())
			for _, c := range s.Controls() {
				if got := len(c.Settings()); got != n-1 {
					t.Errorf("%s has %d settings of %d", c.ID(), got, n)
				}
			}
		}
	}
}
