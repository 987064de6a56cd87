package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/testlab/conform"
	"halfopen/scenarios/language"
)

// controlled returns the results of two cases and their controls: the fault is proven in both, the
// sysctl in neither, the option is exempt, and the second sysctl breaks the run off.
func controlled(t *testing.T) []result.Result {
	t.Helper()
	f, err := language.Parse("s.yaml", []byte(`
name: s
title: settings with and without proof
hosts:
  client: {sysctl: {net.ipv4.tcp_retries2: 3, net.ipv4.tcp_ecn: 1}}
  server: {}
params: {n: 1}
cases: [{n: 1}, {n: 2}]
faults:
  loss: {match: {from: client}, first: "${n}", do: drop}
actors:
  client:
    - connect: "server:80"
    - setsockopt: {TCP_NODELAY: 1}
expect:
  - {step: client.connect, error: ETIMEDOUT}
  - {fault: loss, hits: "${n}"}
control:
  - {option: TCP_NODELAY, reason: "the teaching text speaks of it"}
  - {fault: loss, reason: it is said to be needed}
`))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := func(status assertions.Status) []assertions.Verdict {
		return []assertions.Verdict{
			{Index: 0, Status: status, Title: "client.connect: ETIMEDOUT"},
			{Index: 1, Status: assertions.Pass, Title: "fault loss: 1 hit"},
		}
	}
	var all []result.Result
	for _, s := range cases {
		all = append(all, result.Result{
			Run: result.Run{Scenario: s}, Status: result.Pass, Trace: &trace.Trace{},
			Verdicts: verdicts(assertions.Pass),
		})
		for _, c := range s.Controls() {
			r := result.Result{
				Run: result.Run{Scenario: c}, Status: result.Pass, Trace: &trace.Trace{},
				Verdicts: verdicts(assertions.Pass), Took: ms,
			}
			switch c.Without.Name {
			case "loss":
				r.Status, r.Verdicts = result.Fail, verdicts(assertions.Fail)
			case "net.ipv4.tcp_ecn":
				r.Status, r.Verdicts, r.Err = result.Error, nil, errors.New("no lab")
			}
			all = append(all, r)
		}
	}
	return all
}

func TestControlsOfNoSettings(t *testing.T) {
	var out bytes.Buffer
	v := newControl(Output{Out: &out})
	if err := v.Close(nil, Ending{}); err != nil {
		t.Fatal(err)
	}
	const want = "no fault, sysctl or socket option to leave out: nothing to prove in "
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got %q, want it to begin with %q", out.String(), want)
	}
}

func TestControlsForPeople(t *testing.T) {
	for name, k := range map[string]Look{"control": {}, "control-verbose-color": {Verbose: true, Color: true}} {
		rows := result.Controls(controlled(t))
		golden(t, name, controlTable(rows, k)+controlNotes(rows, k)+"\n"+controlSummary(rows, k)+"\n")
	}
}

func TestControlsForPrograms(t *testing.T) {
	var out, errs bytes.Buffer
	v := newControlJSON(Output{Out: &out, Errs: &errs})
	all := controlled(t)
	all[0].Status = result.Fail
	if err := v.Close(all, Ending{LeftOut: "left out"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(out.String(), "\n")
	last := len(lines) - 2 // an empty text follows it
	if !strings.HasPrefix(lines[0], `{"schema":1,"record":"suite",`) || !strings.HasPrefix(lines[last], `{"schema":1,"record":"summary",`) {
		t.Errorf("the first and the last record:\n%s%s", lines[0], lines[last])
	}
	golden(t, "control.json", strings.Join(lines[1:last], ""))
	if err := conform.Lines(schemaOf(t), out.String()); err != nil {
		t.Error(err)
	}
	if got := errs.String(); !strings.HasPrefix(got, "FAIL  s n=1") || !strings.HasSuffix(got, "left out\n") {
		t.Errorf("on stderr: %q", got)
	}
}

func TestControlsPrintOnlyRunsOfCasesThatDidNotPass(t *testing.T) {
	var out bytes.Buffer
	all := controlled(t)
	v := newControl(Output{Out: &out, Runs: len(all)})
	all[5].Status = result.Error
	all[5].Err = errors.New("no lab")
	for i := range all {
		v.Begin(&all[i].Run)
		v.End(&all[i])
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "ERROR s n=2 ") {
		t.Errorf("printed:\n%s", got)
	}
	out.Reset()
	all = all[:5]
	all[4].Status = result.Canceled
	if err := v.Close(all, Ending{Seed: 7}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"interrupted: 1 of 5 runs were canceled or not started\n", "1 not run", "seed 7\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestFormatsThatHaveAViewOfControls(t *testing.T) {
	want := "pretty or json"
	if got := ControlFormatNames(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
