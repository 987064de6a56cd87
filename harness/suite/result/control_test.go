package result

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

const twoExpectations = `
name: s
title: a fault, a sysctl, and two expectations
hosts: {client: {sysctl: {net.ipv4.tcp_syn_retries: "${n}"}}, server: {}}
cases: [{n: 1}, {n: 2}]
faults:
  loss: {match: {from: client}, do: drop}
actors:
  client:
    - {connect: "server:80"}
expect:
  - {step: client.connect, error: ETIMEDOUT}
  - {fault: loss, hits: 1}
`

// outcome is what a run of these tests came to: the status of the two expectations and of what
// every run must meet, p for pass, f for fail, u for a failure of what could not be seen, s for
// skip: "pfp". Instead, skip, error, canceled or lossy.
type outcome string

func (o outcome) of(s *language.Scenario, n int) Result {
	r := Result{Run: Run{Scenario: s, N: n}, Status: Pass}
	if s.Without == nil {
		r.Trace = &trace.Trace{}
	}
	switch o {
	case "skip", "error", "canceled":
		r.Status, r.Err = Status(o), errors.New("no such thing")
		return r
	case "lossy":
		o, r.Missed = "fpp", "packets were missed"
	}
	for i, c := range o {
		v := assertions.Verdict{Index: i, Title: fmt.Sprint("expectation ", i)}
		if i >= len(s.Expect) {
			v.Index, v.Title = -1, "the run ends by itself"
		}
		v.Status = map[rune]assertions.Status{
			'p': assertions.Pass, 'f': assertions.Fail, 'u': assertions.Fail, 's': assertions.Skip,
		}[c]
		v.Unseen = c == 'u'
		if v.Status == assertions.Fail {
			r.Status = Fail
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	return r
}

func expandTwo(t *testing.T, more string) []*language.Scenario {
	t.Helper()
	f, err := language.Parse("s.yaml", []byte(twoExpectations+more))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// of returns the row of the fault or of the sysctl.
func of(kind language.SettingKind, rows []Control) *Control {
	for i := range rows {
		if rows[i].Setting.Kind == kind {
			return &rows[i]
		}
	}
	return nil
}

func TestWhatARunWithoutAFaultProves(t *testing.T) {
	for _, tt := range []struct {
		name          string
		with, without outcome
		proof         Proof
		why           string
	}{
		{"an expectation fails without it", "ppp", "fpp", Proven, ""},
		{"nothing fails without it", "ppp", "ppp", Unproven, "every expectation passes without it"},
		{"only the expectation of its hits fails", "ppp", "pfp", Unproven, "only expectations that name it fail without it"},
		{"only the run does not end", "ppp", "ppf", Unproven, `no expectation fails without it, only "the run ends by itself"`},
		{"an expectation fails and the run does not end", "ppp", "fff", Proven, ""},
		{"an expectation fails of what could not be seen", "ppp", "upp", Unknown, "an expectation fails without it, but only of what could not be seen"},
		{"the expectation was skipped with it", "spp", "fpp", Unproven, "every expectation passes without it"},
		{"the run with it fails", "fpp", "fpp", Unknown, "the run with it does not pass"},
		{"the run with it breaks off", "error", "fpp", Unknown, "the run with it does not pass"},
		{"the run without it breaks off", "ppp", "error", Unknown, "the run without it breaks off: no such thing"},
		{"the run without it has lost packets", "ppp", "lossy", Unknown, "not everything was seen: packets were missed"},
		{"this machine cannot run it", "skip", "skip", NotSet, "no such thing"},
		{"the run with it was canceled", "canceled", "fpp", NotTried, "it was not run"},
		{"the run without it was canceled", "ppp", "canceled", NotTried, "it was not run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := expandTwo(t, "")[0]
			fault := s.Controls()[0]
			row := of(language.SettingFault, Controls([]Result{tt.with.of(s, 0), tt.without.of(fault, 0)}))
			got := []any{row.Proof, row.Runs[0].Why}
			if diff := cmp.Diff([]any{tt.proof, tt.why}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestASettingIsProvenByOneCaseOfSeveral(t *testing.T) {
	all := expandTwo(t, "")
	var results []Result
	for i, without := range []outcome{"ppp", "fpp"} {
		results = append(results, outcome("ppp").of(all[i], 0))
		for _, c := range all[i].Controls() {
			results = append(results, without.of(c, 0))
		}
	}
	rows := Controls(results)
	if len(rows) != 2 {
		t.Fatalf("%d rows, want one for the fault and one for the sysctl of both cases", len(rows))
	}
	for _, row := range rows {
		if row.Proof != Proven || row.Count(Proven) != 1 || len(row.Runs) != 2 {
			t.Errorf("%s is %s in %d of %d runs", &row.Setting, row.Proof, row.Count(Proven), len(row.Runs))
		}
	}
}

func TestAProofMustBeRepeatable(t *testing.T) {
	s := expandTwo(t, "")[0]
	c := s.Controls()[0]
	for _, tt := range []struct {
		name   string
		second outcome
		proof  Proof
	}{
		{"both times", "fpp", Proven},
		{"once only", "ppp", Unproven},
		{"and once nothing can be said", "error", Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row := Controls([]Result{
				outcome("ppp").of(s, 1), outcome("ppp").of(s, 2),
				outcome("fpp").of(c, 1), tt.second.of(c, 2),
			})[0]
			if row.Proof != tt.proof {
				t.Errorf("%s, want %s", row.Proof, tt.proof)
			}
		})
	}
}

func TestAParameterThatTheKernelLacksIsNotTried(t *testing.T) {
	s := expandTwo(t, "")[0]
	with := outcome("ppp").of(s, 0)
	with.Lacking = []trace.Sysctl{{Host: "client", Name: "net.ipv4.tcp_syn_retries", Missing: true}}
	row := Controls([]Result{with, outcome("ppp").of(s.Controls()[1], 0)})[0]
	if row.Proof != NotSet || row.Runs[0].Why != "the kernel has no net.ipv4.tcp_syn_retries" {
		t.Errorf("%s: %s", row.Proof, row.Runs[0].Why)
	}
}

func TestExemptionsOfTheFile(t *testing.T) {
	for _, tt := range []struct {
		name        string
		without     outcome
		proof       Proof
		superfluous int
	}{
		{"of an unproven setting", "ppp", Exempt, 0},
		{"of a setting that cannot be left out", "error", Exempt, 0},
		{"of a proven setting", "fpp", Proven, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := expandTwo(t, "control: {fault: loss, reason: as we say}\n")[0]
			rows := Controls([]Result{outcome("ppp").of(s, 0), tt.without.of(s.Controls()[0], 0)})
			if rows[0].Proof != tt.proof || rows[0].Mark == nil || rows[0].Mark.Reason != "as we say" {
				t.Errorf("%s, marked by %v", rows[0].Proof, rows[0].Mark)
			}
			if got := len(Superfluous(rows)); got != tt.superfluous {
				t.Errorf("%d superfluous entries, want %d", got, tt.superfluous)
			}
		})
	}
}
