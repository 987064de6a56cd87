package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// outcomes returns a run of each outcome, with the indexes of their order, in another order.
func outcomes(t *testing.T) []result.Result {
	t.Helper()
	named := func(r *result.Result, index int, label string) result.Result {
		s := *r.Scenario
		s.Case, s.Pos.File = label, "handshake/syn-retry-backoff.yaml"
		r.Scenario, r.Index, r.Facts = &s, index, result.FactsOf(r.Trace)
		r.Started = time.Date(2026, 1, 2, 3, 4, 5+index, 0, time.UTC)
		return *r
	}
	late := func() *result.Result {
		r := failing(t)
		r.Status, r.Verdicts = result.Inconclusive, r.Verdicts[:1]
		r.Verdicts[0].Status, r.Verdicts[0].Code = assertions.Inconclusive, assertions.MachineLate
		r.Verdicts[0].Because, r.Verdicts[0].Late = "the machine was 140ms late", 140*ms
		return r
	}
	attempt := result.NewAttempt(late())
	again := passing(t)
	again.Attempts = []result.Attempt{attempt}
	thrice := late()
	thrice.Attempts = []result.Attempt{attempt, attempt}
	broken := &result.Result{Run: passing(t).Run, Status: result.Error, Err: errors.New("the lab died"), Took: 12 * ms}
	stopped := &result.Result{Run: passing(t).Run, Status: result.Canceled, Took: 700 * ms}
	return []result.Result{
		named(stopped, 6, "stopped"), named(failing(t), 1, "fails"), named(passing(t), 0, "passes"),
		named(allSkipped(t), 2, "skipped"), named(thrice, 4, "undecided"), named(again, 3, "passes later"),
		named(broken, 5, "breaks off"),
	}
}

// written returns what the view of a format writes of these results.
func written(t *testing.T, format string, o Output, results []result.Result, e Ending) string {
	t.Helper()
	f, err := FormatNamed(format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if o.Out = &out; o.Errs == nil {
		o.Errs = io.Discard
	}
	v := f.New(o)
	for i := range results {
		v.Begin(&results[i].Run)
		v.End(&results[i])
	}
	if err := v.Close(results, e); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// valid holds a text to the schema of JUnit XML, by xmllint.
func valid(t *testing.T, text string) error {
	t.Helper()
	lint := exec.Command(testlab.NeedProgram(t, "xmllint"), "--noout", "--nonet", "--schema", "testdata/junit.xsd", "-")
	lint.Stdin = strings.NewReader(text)
	out, err := lint.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %.1000s", err, out)
	}
	return nil
}

// leaving are runs that never were.
func leaving() (Output, Ending) {
	var others result.Tally
	others.Count(result.NotRun, 2)
	return Output{
		LeftOut: []LeftOut{{Scenario: "keepalive", Family: "v4", Why: "it takes 2 h and is not warped"}},
		Refused: []Refused{NewRefused("x.yaml", wrongKey)},
	}, Ending{Seed: 7, Others: others, LeftOut: "left out: 1 run"}
}

func TestJUnit(t *testing.T) {
	o, e := leaving()
	text := written(t, "junit", o, outcomes(t), e)
	if err := valid(t, text); err != nil {
		t.Errorf("the schema of JUnit XML: %v", err)
	}
	suites, err := junit.IngestReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range suites {
		got = append(got, fmt.Sprintf("%s: %d tests, %d passed, %d failed, %d skipped, %d broken",
			s.Name, s.Totals.Tests, s.Totals.Passed, s.Totals.Failed, s.Totals.Skipped, s.Totals.Error))
		for _, c := range s.Tests {
			got = append(got, fmt.Sprintf("  %s/%s %s %s: %s", c.Classname, c.Name, c.Status, c.Duration, c.Message))
		}
	}
	want := []string{
		"syn-retry-backoff: 7 tests, 2 passed, 2 failed, 1 skipped, 2 broken",
		"  syn-retry-backoff/passes v4 passed 3.14s: ",
		"  syn-retry-backoff/fails v4 failed 3.14s: client.connect: ETIMEDOUT after 63s: saw it took 3.071s, and 2 more",
		"  syn-retry-backoff/skipped v4 skipped 3.14s: every expectation was skipped: this kernel has no net.ipv4.x",
		"  syn-retry-backoff/passes later v4 passed 3.14s: ",
		"  syn-retry-backoff/undecided v4 failed 3.14s: inconclusive: the machine was 140ms late; " +
			"attempt 2 inconclusive: the machine was 140ms late; attempt 3 inconclusive: the machine was 140ms late",
		"  syn-retry-backoff/breaks off v4 error 12ms: the lab died",
		"  syn-retry-backoff/stopped v4 error 700ms: canceled after 0.70s",
		"left out: 1 tests, 0 passed, 0 failed, 1 skipped, 0 broken",
		"  keepalive/v4 skipped 0s: it takes 2 h and is not warped",
		"refused: 1 tests, 0 passed, 0 failed, 0 skipped, 1 broken",
		`  halfopen/x.yaml error 0s: x.yaml:1:1: unknown key "hots"`,
		"not started: 1 tests, 0 passed, 0 failed, 0 skipped, 1 broken",
		"  halfopen/not started error 0s: interrupted: 3 of 9 runs were canceled or not started",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"seed": "7", "kernel": "6.18.0", "place": "this machine, in real time", "fails v4: seed": "7",
		"fails v4: hits of silent-server": "2", "undecided v4: attempts": "3", "passes v4: late": "0.000",
	} {
		if got := suites[0].Properties[name]; got != want {
			t.Errorf("property %q is %q, want %q", name, got, want)
		}
	}
	// The time that the suite took is the only thing that differs.
	golden(t, "junit.xml", strings.Replace(text, text[strings.Index(text, ` time="`):strings.Index(text, ` tests="`)], ` time="0.000"`, 1))
}

// The schema refuses what is no JUnit XML, else it would show nothing.
func TestTheSchemaOfJUnitRefuses(t *testing.T) {
	const whole = `<testsuites><testsuite name="a" tests="1" failures="0" errors="0" time="1.5"><testcase name="b" time="1.5"><failure type="step" message="m">text</failure></testcase></testsuite></testsuites>`
	if err := valid(t, whole); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, now string }{
		{"a test case without a name", `testcase name="b"`, `testcase`},
		{"a suite without a number of tests", `tests="1"`, ``},
		{"a time that is no number", `time="1.5"><testcase`, `time="soon"><testcase`},
		{"microseconds", `time="1.5"><testcase`, `time="1.000001"><testcase`},
		{"properties of a test case", `<failure`, `<properties/><failure`},
		{"an attribute that nobody reads", `testcase name`, `testcase timestamp="x" name`},
		{"an unknown element", `failure type="step" message="m">text</failure>`, `broken/>`},
		{"an attempt without a type", `<failure type="step" message="m">text</failure>`, `<flakyFailure message="m"/>`},
		{"a control character", `text`, "\x1b"},
		{"an end that is missing", `</testsuites>`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(whole, tt.old, tt.now, 1)
			if err := valid(t, text); text == whole || err == nil {
				t.Errorf("valid: %s", text)
			}
		})
	}
}

// A case that is left out counts with --no-skip, as in the exit status.
func TestWhatIsLeftOutFailsWithNoSkip(t *testing.T) {
	for _, tt := range []struct {
		format string
		noSkip bool
		want   string
	}{
		{"junit", false, `<testsuite name="left out" tests="1" failures="0" errors="0" skipped="1">`},
		{"junit", false, `tests="1" failures="0" errors="0">`},
		{"junit", true, `<testsuite name="left out" tests="1" failures="1" errors="0" skipped="0">`},
		{"junit", true, `tests="1" failures="1" errors="0">`},
		{"junit", true, `<failure message="it takes 2 h`},
		{"tap", false, "1..1\n# halfopen, seed 7\nok 1 - keepalive v4 # SKIP it takes 2 h"},
		{"tap", true, "1..1\n# halfopen, seed 7\nnot ok 1 - keepalive v4\n"},
		{"github", true, "::error title=halfopen::left out: 1 run\n"},
	} {
		t.Run(fmt.Sprintf("%s %t", tt.format, tt.noSkip), func(t *testing.T) {
			o, _ := leaving()
			o.Refused, o.NoSkip = nil, tt.noSkip
			text := written(t, tt.format, o, nil, Ending{Seed: 7, LeftOut: "left out: 1 run"})
			if !strings.Contains(text, tt.want) {
				t.Errorf("no %q in:\n%s", tt.want, text)
			}
			if tt.format == "junit" {
				if err := valid(t, text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	o, e := leaving()
	if o.Refused = nil; written(t, "github", o, nil, Ending{LeftOut: e.LeftOut}) != "" {
		t.Error("a case that is left out is annotated without --no-skip")
	}
}

// Whatever a file or a program says, the XML is well-formed, and only halfopen names files to attach.
func TestNothingHostileGetsIntoJUnit(t *testing.T) {
	const evil = "\x00\x1b[2J\uffff\ud7ff\u202e\xff]]></failure><!-- [[ATTACHMENT|/etc/passwd]] \"'&lt;\r\n[[[ATTACHMENT|/etc/shadow]]"
	r := failing(t)
	s := *r.Scenario
	s.Name, s.Case, s.Pos.File, s.Faults = "name"+evil, "case"+evil, "file"+evil, nil
	s.Actors = append([]language.Actor(nil), s.Actors...)
	r.Scenario, r.Err, r.Dir = &s, errors.New(evil), "out"+evil
	r.Logs = []result.Log{{Name: "log" + evil}}
	r.Trace.Add(trace.Event{T: start, Line: &trace.Line{Actor: "client", Step: "exec", Text: trace.Output(evil)}})
	r.Trace.Add(trace.Event{T: start, Fault: &trace.Fault{Name: "fault" + evil, What: trace.FaultHit, Hits: 1}})
	r.Facts = result.FactsOf(r.Trace)
	for i := range r.Verdicts {
		r.Verdicts[i].Title += evil
	}
	r.Attempts = []result.Attempt{{Because: evil, Checks: []string{evil}, Dir: evil}}
	for _, status := range []result.Status{result.Pass, result.Fail, result.Skip, result.Error, result.Canceled, result.Inconclusive} {
		r.Status = status
		text := written(t, "junit", Output{LeftOut: []LeftOut{{Scenario: evil, Why: evil}}}, []result.Result{*r}, Ending{})
		if err := valid(t, text); err != nil {
			t.Errorf("%s: %v", status, err)
		}
		for i, output := range strings.Split(text, "<system-out>") {
			output, _, _ := strings.Cut(output, "</system-out>")
			if i > 0 && strings.Contains(output, "[[ATTACHMENT|/etc") {
				t.Errorf("%s: a program attaches a file:\n%s", status, output)
			}
		}
		if !strings.Contains(text, `\x1b[2J`) {
			t.Errorf("%s: the text is not shown at all", status)
		}
	}
}

// The evidence of a stored run is attached, by the path that the reader knows it by.
func TestJUnitAttachesWhatIsStored(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := passing(t)
	r.Logs = []result.Log{{Name: "client.exec.stdout", Bytes: 7}}
	for _, tt := range []struct{ name, dir, root, want string }{
		{"no root", "out/a", "", "out/a"},
		{"the root is the working directory", "out/a", here, "out/a"},
		{"an absolute path below the root", here + "/out/a", here, "out/a"},
		{"elsewhere", "/elsewhere/a", here, "/elsewhere/a"},
		{"below a working directory that is elsewhere", "out/a", here + "/root", here + "/out/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.Dir = tt.dir
			text := written(t, "junit", Output{Root: tt.root}, []result.Result{*r}, Ending{})
			for _, name := range []string{"trace.ndjson", "capture.pcapng", "client.exec.stdout"} {
				if want := "\n[[ATTACHMENT|" + tt.want + "/" + name + "]]\n"; !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
		})
	}
}

// A program that prints very much does not fill the report: the last lines stay.
func TestJUnitHasTheLastLinesOfPrograms(t *testing.T) {
	r := passing(t)
	for i := range 2000 {
		r.Trace.Add(trace.Event{T: start, Line: &trace.Line{Actor: "client", Step: "exec", N: 1, Text: trace.Output(fmt.Sprintf("line %d %s", i, strings.Repeat("x", 50)))}})
	}
	r.Trace.Events[len(r.Trace.Events)-10].Line.Text = trace.Output(strings.Repeat("long ", mostOutput/5))
	r.Trace.Add(trace.Event{T: start, Line: &trace.Line{Actor: "client", Step: "exec", N: 1, Text: "last"}})
	text := written(t, "junit", Output{}, []result.Result{*r}, Ending{})
	if strings.Contains(text, "line 1990 ") || !strings.Contains(text, "1991 lines before these are left out\n") {
		t.Errorf("there are lines before one that is left out: %.2000s", text)
	}
	if len(text) > mostOutput+8<<10 || strings.Contains(text, "line 0 ") || !strings.Contains(text, "client.exec| line 1999 ") ||
		!strings.Contains(text, " lines before these are left out\n") {
		t.Errorf("%d bytes: %.2000s", len(text), text)
	}
}
