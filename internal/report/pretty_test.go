package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

// passing and failing are the backoff of one retry, with verdicts like those of package assertions.
// They are written here so that its wording may change without these tests.
func passing(t testing.TB) *result.Result {
	s, tr := synBackoff(t)
	return &result.Result{
		Run: result.Run{Scenario: s, Seed: 7}, Status: result.Pass,
		Trace: tr, Took: 3140 * ms, Dir: "out/syn-retry-backoff/retries=1",
		Verdicts: []assertions.Verdict{
			{Kind: "step", Index: 0, Pos: position(31), Status: assertions.Pass, Title: "client.connect: ETIMEDOUT after 3s"},
			{Kind: "packets", Index: 1, Pos: position(34), Status: assertions.Pass, Title: "SYN from client: 2, gaps 1s, 2s", Packets: packetsOf(tr, "SYN")},
			{Kind: "end", Index: -1, Status: assertions.Pass, Title: "the run ends by itself", Want: "done", Got: "done"},
		},
	}
}

func failing(t testing.TB) *result.Result {
	r := passing(t)
	r.Status = result.Fail
	var sockets []int
	for i := range r.Trace.Events {
		if r.Trace.Events[i].Socket != nil {
			sockets = append(sockets, i)
		}
	}
	const tolerance = "63s (62.996s to 70.925s: a kernel timer is never early and at most 12.5 % late)"
	r.Verdicts = []assertions.Verdict{
		{
			Kind: "step", Index: 0, Pos: position(31), Status: assertions.Fail, Code: assertions.WrongTime, Title: "client.connect: ETIMEDOUT after 63s",
			Want: "it took " + tolerance, Got: "it took 3.071s", Timed: true, Reason: "it took 3.071s, wanted " + tolerance,
		},
		{
			Kind: "packets", Index: 1, Pos: position(34), Status: assertions.Fail, Code: assertions.TooFewPackets, Title: "SYN from client: 6, gaps 1s, 2s",
			Want: "6 packets", Got: "2 packets", Reason: "wanted 6 packets, saw 2 packets\nSYN from client, seen by client:\n  the list that the ladder replaces",
			Packets: packetsOf(r.Trace, "SYN"),
		},
		{
			Kind: "never", Index: 2, Pos: position(38), Status: assertions.Fail, Code: assertions.StateSeen, Title: "never: client in SYN_SENT",
			Want: "no socket of client in SYN_SENT", Got: "SYN_SENT from 100µs to 3.071s", Reason: "wanted no socket of client in SYN_SENT, saw SYN_SENT from 100µs to 3.071s",
			Sockets: sockets,
		},
		{Kind: "fault", Index: 3, Pos: position(37), Status: assertions.Skip, Code: assertions.OtherKernel, Title: "fault silent-server: 2 hits", Reason: "this kernel has no net.ipv4.tcp_syn_linear_timeouts"},
		r.Verdicts[2],
	}
	return r
}

// allSkipped is a run of which every expectation was skipped.
func allSkipped(t *testing.T) *result.Result {
	r := passing(t)
	r.Status, r.Err = result.Skip, errors.New("every expectation was skipped: this kernel has no net.ipv4.x")
	for i := range r.Verdicts[:2] {
		r.Verdicts[i].Status, r.Verdicts[i].Reason = assertions.Skip, "this kernel has no net.ipv4.x"
	}
	return r
}

func position(line int) language.Pos {
	return language.Pos{File: "syn-retry-backoff.yaml", Line: line, Col: 5}
}

func TestOutputOfARun(t *testing.T) {
	for name, c := range map[string]struct {
		r *result.Result
		k Look
	}{
		"run-passed":         {passing(t), Look{}},
		"run-failed":         {failing(t), Look{}},
		"run-failed-ascii":   {failing(t), Look{ASCII: true, Width: 80}},
		"run-passed-verbose": {passing(t), Look{Verbose: true}},
		"run-skipped":        {allSkipped(t), Look{}},
		"run-could-not": {&result.Result{
			Run: passing(t).Run, Status: result.Skip, Took: 12 * ms,
			Err: errors.New(`the program iptables is not available here (needed by fault "silent-server"); install iptables`),
		}, Look{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Line(c.r, c.k) + "\n" + Details(c.r, c.k)
			if i := strings.IndexFunc(got, func(r rune) bool { return r > 126 }); c.k.ASCII && i >= 0 {
				t.Errorf("not ASCII at %q", got[i:])
			}
			golden(t, name, got)
		})
	}
}

func TestASkippedCheckIsNeverSilent(t *testing.T) {
	r := passing(t)
	r.Verdicts[0] = assertions.Verdict{Kind: "step", Status: assertions.Skip, Code: assertions.OtherKernel, Title: "client.connect", Reason: "this kernel has no net.ipv4.x"}
	got := Line(r, Look{}) + "\n" + Details(r, Look{})
	for _, want := range []string{"(2 checks, 1 skipped)", "skip client.connect\n       this kernel has no net.ipv4.x\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestNotesAreOfVerboseOutputAndOfFailures(t *testing.T) {
	const note = "       note    gaps lists 5 times, and only the first 1 could be judged: there were only 2 packets\n"
	for _, tt := range []struct {
		name string
		r    *result.Result
		k    Look
		want bool
	}{
		{"a pass", passing(t), Look{Width: 200}, false},
		{"a pass in verbose output", passing(t), Look{Width: 200, Verbose: true}, true},
		{"a failure", failing(t), Look{Width: 200}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Verdicts[1].Notes = []string{
				"gaps lists 5 times, and only the first 1 could be judged: there were only 2 packets",
			}
			if got := Details(tt.r, tt.k); strings.Contains(got, note) != tt.want {
				t.Errorf("note written: %t, want %t\n%s", !tt.want, tt.want, got)
			}
		})
	}
}

func TestTableAndSummary(t *testing.T) {
	pass, fail := passing(t), failing(t)
	skip := &result.Result{Run: pass.Run, Status: result.Skip, Err: errors.New("no"), Took: ms}
	unjudged := allSkipped(t)
	broken := &result.Result{Run: pass.Run, Status: result.Error, Err: errors.New("no"), Took: ms}
	for name, k := range map[string]Look{"table": {}, "table-color": {Color: true}} {
		all := []*result.Result{pass, fail, skip, broken, unjudged}
		golden(t, name, closingTable(all, k)+"\n"+summary(tallyOf(all...), 12300*ms, k)+"\n"+summary(tallyOf(pass), 100*ms, k)+"\n")
	}
}

func TestInspectSaysWhatDoesNotBelongTogether(t *testing.T) {
	r := passing(t)
	r.Evidence = result.Evidence{Conflicts: []string{"the trace was changed"}, Notes: []string{"no hash"}}
	for want, k := range map[string]Look{
		"\nFAIL evidence: the trace was changed\nnote evidence: no hash\n":                {},
		"\n\x1b[31mFAIL\x1b[0m evidence: the trace was changed\nnote evidence: no hash\n": {Color: true},
	} {
		if got := Inspect(r, k); !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%.400q", want, got)
		}
	}
}

func TestTheTableOfKernelsHasSkippedRuns(t *testing.T) {
	pass, skip := passing(t), allSkipped(t)
	pass.Place.Kernel, skip.Place.Kernel = "6.6", "5.10"
	got := tableOf([]result.Result{*pass, *skip}, []*result.Result{pass, skip}, &Ending{}, &answers{}, Look{})
	want := `
SCENARIO           CASE       IP  6.6   5.10
syn-retry-backoff  retries=1  v4  pass  skip
`
	if d := cmp.Diff(want, "\n"+got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTablesTellFilesAndRepetitionsApart(t *testing.T) {
	of := func(file string, n int, kernel string) *result.Result {
		r := passing(t)
		r.Scenario.Name, r.Scenario.Pos.File, r.N, r.Place.Kernel = "same", file, n, kernel
		return r
	}
	other := of("other.yaml", 0, "")
	other.Scenario.Name = "other"
	for _, tt := range []struct {
		name string
		all  []*result.Result
		want string
	}{
		{"two files with one name", []*result.Result{of("a/same.yaml", 0, ""), of("b/same.yaml", 0, ""), other}, `
SCENARIO            CASE       IP  CHECKS  TIME  RESULT
same (a/same.yaml)  retries=1  v4       3  3.1s  pass
same (b/same.yaml)  retries=1  v4       3  3.1s  pass
other               retries=1  v4       3  3.1s  pass
`},
		{"repetitions", []*result.Result{of("a/same.yaml", 1, ""), of("a/same.yaml", 2, "")}, `
SCENARIO  CASE          IP  CHECKS  TIME  RESULT
same      retries=1 #1  v4       3  3.1s  pass
same      retries=1 #2  v4       3  3.1s  pass
`},
		{"two files with one name on two kernels", []*result.Result{of("a/same.yaml", 0, "6.1"), of("b/same.yaml", 0, "6.1"), of("b/same.yaml", 0, "6.6")}, `
SCENARIO            CASE       IP  6.1   6.6
same (a/same.yaml)  retries=1  v4  pass
same (b/same.yaml)  retries=1  v4  pass  pass
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var results []result.Result
			for _, r := range tt.all {
				results = append(results, *r)
			}
			got := regexp.MustCompile(` +\n`).ReplaceAllString("\n"+tableOf(results, tt.all, &Ending{}, &answers{}, Look{}), "\n")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestTableCutsALongCaseRatherThanTheResult(t *testing.T) {
	r := passing(t)
	r.Scenario.Case = strings.Repeat("long=1 ", 40)
	for _, l := range strings.Split(closingTable([]*result.Result{r}, Look{Width: 80}), "\n") {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d columns: %q", n, l)
		}
	}
}

func TestJSONIsOneLineAndHasTheDocumentedKeys(t *testing.T) {
	r := failing(t)
	var b, indented bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 1 || !strings.HasSuffix(b.String(), "\n") {
		t.Errorf("%d lines, want one", n)
	}
	if err := WriteVerdict(&indented, r); err != nil {
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
	r := &result.Result{Run: passing(t).Run, Status: result.Error, Err: errors.New("no <room>")}
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"status":"error"`, `"error":"no <room>"`, `"verdicts":[]`, `"steps":[]`, `"faults":[]`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
}

func TestInspect(t *testing.T) {
	golden(t, "inspect-failed", Inspect(failing(t), Look{}))
	s, tr := exchange(t, false)
	golden(t, "inspect-passed", Inspect(&result.Result{Run: result.Run{Scenario: s}, Status: result.Pass, Trace: tr, Verdicts: passing(t).Verdicts[2:]}, Look{}))
}

func TestStates(t *testing.T) {
	s, tr := synBackoff(t)
	got := States(s, tr)
	if len(got) != 1 {
		t.Fatalf("%d sockets, want 1: %v", len(got), got)
	}
	if got, want := got[0].line(0), "client 198.18.1.2:40000 -> 198.18.2.2:8080: SYN_SENT 0.050-3.121, CLOSED 3.121"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Without packets, looks leave open what was between them.
func TestStatesOfAPortUsedAgainAreTwoSockets(t *testing.T) {
	l := newLab(t, false)
	for i, state := range []string{"SYN_SENT", "ESTABLISHED", "ESTABLISHED", "CLOSED", "SYN_SENT"} {
		l.state(time.Duration(i)*ms, "client", state)
	}
	var got []string
	for _, line := range States(nil, l.end(10*ms)) {
		got = append(got, line.line(start))
	}
	want := []string{
		"client 198.18.1.2:40000 -> 198.18.2.2:8080: SYN_SENT 0.000-0.001, SYN_RECV? 0.001-0.001, ESTABLISHED 0.001-0.003, unknown 0.003-0.003, CLOSED 0.003",
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
	if got := Details(failing(t), LookFor(&bytes.Buffer{})); strings.Contains(got, "\x1b") {
		t.Errorf("escape sequence in %q", got)
	}
}

func tallyOf(results ...*result.Result) result.Tally { return (&result.Tally{}).Plus(results) }

// Scenarios of one name are told apart in the line of each run, by their files.
func TestLinesNameTheFileOfASharedName(t *testing.T) {
	r := failing(t)
	a, b := *r.Scenario, *r.Scenario
	a.Pos.File, b.Pos.File = "a/same.yaml", "b/\x1b.yaml"
	other := language.Scenario{Name: "other", Pos: language.Pos{File: "a/other.yaml"}}
	k := Look{Shared: SharedNames([]*language.Scenario{&a, &b, &other, &a})}
	for s, want := range map[*language.Scenario]string{
		&a: a.ID() + " (a/same.yaml)", &b: a.ID() + ` (b/\x1b.yaml)`, &other: "other",
	} {
		r.Scenario = s
		if got := Line(r, k); !strings.Contains(got, want+" ") || strings.Contains(got, "other (") {
			t.Errorf("%q, want %s in it", got, want)
		}
	}
}

// What the title of a check ends with was wanted.
func TestWhatTheTitleSaysIsNotWantedAgain(t *testing.T) {
	for _, tt := range []struct {
		name, title, want string
		again             bool
	}{
		{"all of it", "fault far: 100 hits", "100 hits", false},
		{"a part", "client.connect: succeeds, rtt <= 20ms", "rtt <= 20ms", false},
		{"more", "server.recv: still in progress at the end", "still in progress at the end of the run", true},
		{"its beginning", "never: client in SYN_SENT since x", "client in SYN_SENT", true},
	} {
		r := failing(t)
		r.Verdicts = []assertions.Verdict{{Status: assertions.Fail, Title: tt.title, Want: tt.want, Got: "none"}}
		if got := Details(r, Look{}); strings.Contains(got, "wanted  "+tt.want) != tt.again || !strings.Contains(got, "saw     none") {
			t.Errorf("%s: wanted again: want %t in\n%s", tt.name, tt.again, got)
		}
	}
}
