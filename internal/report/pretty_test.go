package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"halfopen/assertions"
	"halfopen/scenarios"

	"github.com/google/go-cmp/cmp"
)

// judged is the backoff of one retry, held against what the wanted SYNs and time say.
func judged(t *testing.T, syns int64, took time.Duration) *Result {
	s, tr := synBackoff(t)
	pos := func(line int) scenarios.Pos {
		return scenarios.Pos{File: "syn-retry-backoff.yaml", Line: line, Col: 5}
	}
	spanTook := span(took)
	s.Expect = []scenarios.Expectation{
		{Pos: pos(31), Step: &scenarios.StepExpectation{Step: "client.connect", Error: "ETIMEDOUT", Took: &spanTook}},
		{Pos: pos(34), Packets: &scenarios.PacketsExpectation{
			Packets: scenarios.Selector{From: "client", TCP: scenarios.Kinds{scenarios.SYN}},
			Count:   &scenarios.Count{Source: "6", Min: syns, Max: syns}, Gaps: []scenarios.Span{span(time.Second), span(2 * time.Second)},
		}},
		{Pos: pos(37), Fault: &scenarios.FaultExpectation{Fault: "silent-server", Hits: scenarios.Count{Source: "2", Min: 2, Max: 2}}},
		{Pos: pos(38), Never: &scenarios.NeverExpectation{Never: scenarios.SocketSelector{Host: "client", State: scenarios.States{scenarios.SynSent}}}},
	}
	if syns == 2 {
		s.Expect[1].Packets.Count.Source = "2"
		s.Expect[3].Never.Never.State = scenarios.States{scenarios.Established}
	}
	return &Result{Scenario: s, Trace: tr, Verdicts: assertions.Check(s, tr), Took: 3140 * ms, Seed: 7, Dir: "out/syn-retry-backoff/retries=1"}
}

func TestOutputOfARun(t *testing.T) {
	for name, c := range map[string]struct {
		r *Result
		k Look
	}{
		"run-passed":         {judged(t, 2, 3*time.Second), Look{}},
		"run-failed":         {judged(t, 6, 63*time.Second), Look{}},
		"run-failed-ascii":   {judged(t, 6, 63*time.Second), Look{ASCII: true, Width: 80}},
		"run-passed-verbose": {judged(t, 2, 3*time.Second), Look{Verbose: true}},
		"run-could-not": {&Result{
			Scenario: judged(t, 2, 0).Scenario, Missing: true, Took: 12 * ms,
			Err: errors.New(`the program iptables is not available here (needed by fault "silent-server"); install iptables`),
		}, Look{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.r.Line(c.k) + "\n" + c.r.Details(c.k)
			if i := strings.IndexFunc(got, func(r rune) bool { return r > 126 }); c.k.ASCII && i >= 0 {
				t.Errorf("not ASCII at %q", got[i:])
			}
			golden(t, name, got)
		})
	}
}

func TestASkippedCheckIsNeverSilent(t *testing.T) {
	r := judged(t, 2, 3*time.Second)
	r.Verdicts[0] = assertions.Verdict{Kind: "step", Status: assertions.Skip, Title: "client.connect", Reason: "this kernel has no net.ipv4.x"}
	got := r.Line(Look{}) + "\n" + r.Details(Look{})
	for _, want := range []string{"(4 checks, 1 skipped)", "skip client.connect\n       this kernel has no net.ipv4.x\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestTableAndSummary(t *testing.T) {
	pass, fail := judged(t, 2, 3*time.Second), judged(t, 6, 63*time.Second)
	skip := &Result{Scenario: pass.Scenario, Missing: true, Err: errors.New("no"), Took: ms}
	broken := &Result{Scenario: pass.Scenario, Err: errors.New("no"), Took: ms}
	for name, k := range map[string]Look{"table": {}, "table-color": {Color: true}} {
		all := []*Result{pass, fail, skip, broken}
		golden(t, name, Table(all, k)+"\n"+Summary(all, 12300*ms, k)+"\n"+Summary(all[:1], 100*ms, k)+"\n")
	}
}

func TestTableCutsALongCaseRatherThanTheResult(t *testing.T) {
	r := judged(t, 2, 3*time.Second)
	r.Scenario.Case = strings.Repeat("long=1 ", 40)
	for _, l := range strings.Split(Table([]*Result{r}, Look{Width: 80}), "\n") {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d columns: %q", n, l)
		}
	}
}

func TestJSONIsOneLineAndHasTheDocumentedKeys(t *testing.T) {
	r := judged(t, 6, 63*time.Second)
	var b, indented bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 1 || !strings.HasSuffix(b.String(), "\n") {
		t.Errorf("%d lines, want one", n)
	}
	if err := r.WriteVerdict(&indented); err != nil {
		t.Fatal(err)
	}
	var one, two any
	if err := json.Unmarshal(b.Bytes(), &one); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(indented.Bytes(), &two); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("verdict.json differs from the line (-line +file):\n%s", diff)
	}
	golden(t, "verdict.json", indented.String())
}

func TestJSONOfACaseThatCouldNotRunHasListsAllTheSame(t *testing.T) {
	var b bytes.Buffer
	r := &Result{Scenario: judged(t, 2, 0).Scenario, Err: errors.New("no <room>")}
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"status":"error"`, `"error":"no <room>"`, `"verdicts":[]`, `"steps":[]`, `"faults":[]`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
}

func TestInspect(t *testing.T) {
	golden(t, "inspect-failed", Inspect(judged(t, 6, 63*time.Second), Look{}))
	s, tr := exchange(t, false)
	golden(t, "inspect-passed", Inspect(&Result{Scenario: s, Trace: tr, Verdicts: assertions.Check(s, tr)}, Look{}))
}

func TestStates(t *testing.T) {
	_, tr := synBackoff(t)
	got := States(tr)
	if len(got) != 1 {
		t.Fatalf("%d sockets, want 1: %v", len(got), got)
	}
	if got, want := got[0].String(), "client 198.18.1.2:40000 -> 198.18.2.2:8080: SYN_SENT 0.050-3.121, CLOSED 3.121"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStatesOfAPortUsedAgainAreTwoSockets(t *testing.T) {
	l := newLab(t, false)
	for i, state := range []string{"SYN_SENT", "ESTABLISHED", "ESTABLISHED", "CLOSED", "SYN_SENT"} {
		l.state(time.Duration(i)*ms, "client", state)
	}
	var got []string
	for _, line := range States(l.end(10 * ms)) {
		got = append(got, line.from(start))
	}
	want := []string{
		"client 198.18.1.2:40000 -> 198.18.2.2:8080: SYN_SENT 0.000-0.001, ESTABLISHED 0.001-0.003, CLOSED 0.003",
		"client 198.18.1.2:40000 -> 198.18.2.2:8080: SYN_SENT 0.004-0.010",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColorsAreOffWhereNotWanted(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	if Colors(&bytes.Buffer{}) {
		t.Error("colors into a buffer")
	}
	if got := judged(t, 6, 63*time.Second).Details(LookFor(&bytes.Buffer{})); strings.Contains(got, "\x1b") {
		t.Errorf("escape sequence in %q", got)
	}
}
