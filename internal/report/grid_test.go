package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// inMatrix is a run of a matrix; values are names and values in turn.
func inMatrix(t *testing.T, status result.Status, family language.Family, values ...string) *result.Result {
	r := passing(t)
	s := *r.Scenario
	s.Case, s.Family, s.Matrix = "", family, nil
	s.Expect = []language.Expectation{{Step: &language.StepExpectation{Step: "client.connect"}}}
	for i := 0; i < len(values); i += 2 {
		s.Matrix = append(s.Matrix, language.MatrixValue{Name: values[i], Value: values[i+1]})
		s.Case += values[i] + "=" + values[i+1] + " "
	}
	r.Scenario, r.Status = &s, status
	return r
}

func TestCasesOfAMatrixAreAGrid(t *testing.T) {
	const v4, v6 = language.V4, language.V6
	canceled := inMatrix(t, result.Skip, v4, "fault", "dead", "timeout", "5s")
	canceled.Trace = nil
	two := []*result.Result{
		inMatrix(t, result.Pass, v4, "fault", "none", "timeout", "1s"),
		inMatrix(t, result.Fail, v4, "fault", "none", "timeout", "5s"),
		inMatrix(t, result.Pass, v4, "fault", "dead", "timeout", "1s"),
		canceled,
	}
	for _, tt := range []struct {
		name  string
		width int
		all   []*result.Result
		want  string
	}{
		{"the last parameter goes across", 80, two, `
fault  timeout=1s                    timeout=5s
none   pass  ETIMEDOUT after 3.071s  fail  ETIMEDOUT after 3.071s
dead   pass  ETIMEDOUT after 3.071s  skip
`},
		{"one row a case where that is too wide", 60, two, `
fault  timeout  RESULT
none   1s       pass  ETIMEDOUT after 3.071s
none   5s       fail  ETIMEDOUT after 3.071s
dead   1s       pass  ETIMEDOUT after 3.071s
dead   5s       skip
`},
		{"one parameter", 80, []*result.Result{
			inMatrix(t, result.Pass, v4, "retries", "1"), inMatrix(t, result.Inconclusive, v4, "retries", "2"),
		}, `
retries  RESULT
1        pass  ETIMEDOUT after 3.071s
2        inconclusive  ETIMEDOUT after 3.071s
`},
		{"a combination that was not run", 80, []*result.Result{
			inMatrix(t, result.Pass, v4, "fault", "none", "timeout", "1s"),
			inMatrix(t, result.Pass, v4, "fault", "dead", "timeout", "5s"),
		}, `
fault  timeout=1s                    timeout=5s
none   pass  ETIMEDOUT after 3.071s
dead                                 pass  ETIMEDOUT after 3.071s
`},
		{"both IP versions", 80, []*result.Result{
			inMatrix(t, result.Pass, v4, "a", "pass", "b", "2"), inMatrix(t, result.Fail, v6, "a", "pass", "b", "2"),
		}, `
a     IP  b=2
pass  v4  pass  ETIMEDOUT after 3.071s
pass  v6  fail  ETIMEDOUT after 3.071s
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var kept answers
			var ended []*result.Result
			for _, r := range tt.all {
				kept.add(r)
				without := *r
				without.Trace = nil // as when the table is written
				ended = append(ended, &without)
			}
			got, ok := gridTable(ended, &kept, Look{Width: tt.width})
			if d := cmp.Diff(tt.want, "\n"+got); d != "" || !ok {
				t.Errorf("a grid: %t (-want +got):\n%s", ok, d)
			}
		})
	}
}

func TestRunsOfSeveralMatricesHaveNoGrid(t *testing.T) {
	one := inMatrix(t, result.Pass, language.V4, "a", "1")
	elsewhere := inMatrix(t, result.Pass, language.V4, "a", "1")
	elsewhere.Scenario.Pos.File = "other.yaml"
	again := inMatrix(t, result.Pass, language.V4, "a", "1")
	again.N = 1
	for name, other := range map[string]*result.Result{
		"another file": elsewhere, "another parameter": inMatrix(t, result.Pass, language.V4, "b", "1"),
		"a repetition": again, "a run without a matrix": passing(t),
	} {
		if text, ok := gridTable([]*result.Result{one, other}, &answers{}, Look{}); ok {
			t.Errorf("%s: want no grid, got\n%s", name, text)
		}
	}
}

// The answer is that of what the first expectation about a step or program names.
func TestTheAnswerOfARun(t *testing.T) {
	starting := language.Op{Start: &language.Start{Launch: language.Launch{Command: []string{"srv"}}}}
	s := &language.Scenario{
		Actors: []language.Actor{{Name: "server", Steps: []language.Step{{ID: "web", Op: starting}}}},
		Expect: []language.Expectation{
			{Fault: &language.FaultExpectation{Fault: "slow"}},
			{Process: &language.ProcessExpectation{Process: "server.web"}},
			{Step: &language.StepExpectation{Step: "client.connect"}},
		},
	}
	program := func(at int, what trace.ProgramChange, exit int) trace.Event {
		return trace.Event{T: start + time.Duration(at)*ms, Program: &trace.Program{Actor: "server", Step: "web", N: 1, What: what, Exit: exit, Beside: true}}
	}
	for _, tt := range []struct {
		name   string
		events []trace.Event
		want   string
	}{
		{"a program that ended", []trace.Event{program(0, trace.ProgramStarted, 0), program(20, trace.ProgramEnded, 3)}, "exit 3 after 20ms"},
		{"a program that runs on", []trace.Event{program(0, trace.ProgramStarted, 0)}, "still running at the end"},
		{"a program that was not started", nil, "not started"},
	} {
		r := &result.Result{Run: result.Run{Scenario: s}, Trace: &trace.Trace{}}
		for _, e := range tt.events {
			r.Trace.Add(e)
		}
		if got := answer(r); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
