package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

// seen records what an observer is called with.
type seen struct {
	silent
	calls []string
}

func (s *seen) Begin(r *Run) { s.calls = append(s.calls, "begin "+r.ID()) }

func (s *seen) Boots(Place) func() {
	s.calls = append(s.calls, "boots")
	return func() { s.calls = append(s.calls, "booted") }
}

func (s *seen) Repeats(r *Result) {
	s.calls = append(s.calls, fmt.Sprintf("repeats %s, %d so far", r.ID(), len(r.Attempts)))
}

func (s *seen) End(r *Result) {
	text := "end " + r.ID() + " " + string(r.Status)
	if attempts := r.AttemptsText(); attempts != "" {
		text += ", " + attempts
	}
	s.calls = append(s.calls, text)
}

func timed(t *testing.T) *language.Scenario {
	t.Helper()
	f, err := language.Parse("timed.yaml", []byte(`
name: timed
title: a step with a time
hosts: {client: {}}
actors:
  client: [sleep: 40ms]
expect:
  - {step: client.sleep, took: 40ms..50ms}
`))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// took is a run of that scenario in which the step took its time and the lab was late.
func took(t *testing.T, step, late time.Duration) *trace.Trace {
	t.Helper()
	source, err := json.Marshal(timed(t))
	if err != nil {
		t.Fatal(err)
	}
	const start = time.Second
	tr := trace.Of([]trace.Event{
		{Run: &trace.Run{Scenario: "timed", Family: "v4", Source: source}},
		{T: start, Start: &trace.Start{}},
		{T: start, Start: &trace.Start{Actor: "client", Step: "sleep", Op: "sleep", N: 1}},
		{T: start + step, Step: &trace.Step{Actor: "client", ID: "sleep", Op: "sleep", N: 1, Began: start}},
		{T: start + step, End: &trace.End{Reason: trace.EndDone}},
	}...)
	if late > 0 {
		tr.Events[3].Step.Late = late
	}
	return tr
}

func TestInconclusiveRunsAreRepeated(t *testing.T) {
	const ms = time.Millisecond
	quiet, defect := took(t, 45*ms, 0), took(t, 300*ms, 0)
	late, later := took(t, 90*ms, 70*ms), took(t, 180*ms, 140*ms)
	for _, tt := range []struct {
		name     string
		attempts []*trace.Trace
		o        Options
		want     []string
	}{
		{"a pass is not", []*trace.Trace{quiet}, Options{}, []string{"begin timed", "end timed pass"}},
		{"nor is a failure", []*trace.Trace{defect}, Options{}, []string{"begin timed", "end timed fail"}},
		{"until it passes", []*trace.Trace{later, quiet}, Options{}, []string{
			"begin timed", "repeats timed, 1 so far", "end timed pass, inconclusive: the machine was 140ms late; passed on attempt 2",
		}},
		{"until it fails", []*trace.Trace{late, defect}, Options{}, []string{
			"begin timed", "repeats timed, 1 so far", "end timed fail, inconclusive: the machine was 70ms late; failed on attempt 2",
		}},
		{"twice at most", []*trace.Trace{late, later, late}, Options{}, []string{
			"begin timed", "repeats timed, 1 so far", "repeats timed, 2 so far",
			"end timed inconclusive, inconclusive: the machine was 70ms late; attempt 2 inconclusive: the machine was 140ms late; attempt 3 inconclusive: the machine was 70ms late",
		}},
		{"not with --no-repeat", []*trace.Trace{late}, Options{NoRepeat: true}, []string{
			"begin timed", "end timed inconclusive, inconclusive: the machine was 70ms late",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			see := &seen{}
			dir := t.TempDir()
			e := &engine{suite: &Suite{o: tt.o}, see: see}
			r := task{&todo{dir: dir}, &Result{Run: Run{Scenario: timed(t)}}}
			for i, attempt := range tt.attempts {
				if i > 0 {
					var waits bool
					if r, waits = e.next(); !waits {
						t.Fatalf("attempt %d is not made", i+1)
					}
				}
				e.begin(r)
				e.end(t.Context(), r, attempt, nil, time.Now())
			}
			if _, waits := e.next(); waits {
				t.Error("it is to be repeated once more")
			}
			if diff := cmp.Diff(tt.want, see.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if n := len(e.results(1).Kept); n != 1 {
				t.Errorf("%d results, want 1", n)
			}
			// Each attempt is stored, the last as the run.
			for i := range tt.attempts {
				stored := dir
				if i < len(tt.attempts)-1 {
					stored = filepath.Join(dir, fmt.Sprintf("attempt-%d", i+1))
				}
				got, err := result.Load(stored)
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Attempts) != i || len(got.Evidence.Conflicts) > 0 {
					t.Errorf("attempt %d was stored with %d before it, and with conflicts %q", i+1, len(got.Attempts), got.Evidence.Conflicts)
				}
			}
		})
	}
}

func TestTheAttemptsOfAnOlderRunDoNotRemain(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "attempt-1")
	if err := os.MkdirAll(old, 0o777); err != nil {
		t.Fatal(err)
	}
	r := &Result{Run: Run{Scenario: timed(t)}, Trace: took(t, 45*time.Millisecond, 0)}
	r.Judge()
	if err := save(r, dir, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the attempt is still there: %v", err)
	}
}

func TestRunsThatWaitWhenTheSuiteIsCanceledStayInconclusive(t *testing.T) {
	see := &seen{}
	e := &engine{suite: &Suite{}, see: see}
	dir := t.TempDir()
	r := task{&todo{dir: dir}, &Result{Run: Run{Scenario: timed(t)}}}
	e.end(t.Context(), r, took(t, 90*time.Millisecond, 70*time.Millisecond), nil, time.Now())
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	e.repeatAlone(canceled)
	want := []string{
		"repeats timed, 1 so far",
		"end timed inconclusive, inconclusive: the machine was 70ms late; not repeated: the runs were canceled",
	}
	if diff := cmp.Diff(want, see.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	kept := e.results(1).Kept
	if len(kept) != 1 {
		t.Fatalf("%d results, want 1", len(kept))
	}
	if got := &kept[0]; got.Trace == nil || got.Dir != filepath.Join(dir, "attempt-1") || got.Stamp == (result.Stamp{}) {
		t.Errorf("the result has a trace: %t, the directory %q and the stamp %+v, want those of the attempt",
			got.Trace != nil, got.Dir, got.Stamp)
	}
}

// The traces of a few runs that wait are kept. What one attempt was does not remain in the next.
func TestRunsThatWaitAreBounded(t *testing.T) {
	const ms = time.Millisecond
	see := &seen{}
	s := &Suite{}
	ran := 0
	s.lab = func(_ context.Context, _ *language.Scenario, o harness.Options) (*trace.Trace, error) {
		if ran++; ran == 1 {
			return nil, errors.New("no lab")
		}
		tr := took(t, 45*ms, 0)
		o.Complete(tr)
		return tr, nil
	}
	e := &engine{suite: s, see: see, starting: newStarting()}
	const beyond = 3
	for i := range mostRepeated + beyond {
		r := task{&todo{index: i}, &Result{Run: Run{Scenario: timed(t), N: i + 1}}}
		e.end(t.Context(), r, took(t, 90*ms, 70*ms), nil, time.Now())
	}
	traces := 0
	for _, r := range e.waiting {
		if r.Trace != nil {
			traces++
		}
	}
	if len(e.waiting) != mostRepeated || traces != mostTraces {
		t.Errorf("%d runs wait, %d with a trace, want %d and %d", len(e.waiting), traces, mostRepeated, mostTraces)
	}
	e.repeatAlone(t.Context())
	count := map[string]int{}
	for _, r := range e.results(mostRepeated + beyond).Kept {
		count[fmt.Sprintf("%s, %d verdicts, %s", r.Status, len(r.Verdicts), r.AttemptsText())]++
	}
	want := map[string]int{
		"error, 0 verdicts, inconclusive: the machine was 70ms late; error on attempt 2":                                                   1,
		"pass, 2 verdicts, inconclusive: the machine was 70ms late; passed on attempt 2":                                                   mostRepeated - 1,
		"inconclusive, 2 verdicts, inconclusive: the machine was 70ms late; not repeated: 200 other runs are, and a suite repeats no more": beyond,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// A run in a guest is repeated in a guest of its own, when all other runs have ended.
func TestInconclusiveRunsInGuestsAreRepeatedAlone(t *testing.T) {
	const ms = time.Millisecond
	quiet, late, later := took(t, 45*ms, 0), took(t, 90*ms, 70*ms), took(t, 180*ms, 140*ms)
	for _, tt := range []struct {
		name  string
		at    Place
		o     Options
		boots [][]*trace.Trace // of each guest, what its runs come to
		want  []Status
	}{
		{"in real time", Place{Kernel: "6.12"}, Options{}, [][]*trace.Trace{{late, quiet, later}, {quiet}, {late}, {quiet}}, []Status{Pass, Pass, Pass}},
		{"in warped time", Place{Kernel: "6.12", Warp: true}, Options{}, [][]*trace.Trace{{late}, {late}, {later}}, []Status{Inconclusive}},
		{"not with --no-repeat", Place{Kernel: "6.12"}, Options{NoRepeat: true}, [][]*trace.Trace{{late, quiet}}, []Status{Inconclusive, Pass}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Suite{o: tt.o}
			for i := range tt.boots[0] {
				s.Runs = append(s.Runs, Run{Scenario: timed(t), Place: tt.at, Seed: uint64(i)})
			}
			booted, running := 0, 0
			s.boot = func(_ context.Context, g *guest, tasks []vm.Task) {
				if running++; running > 1 || booted >= len(tt.boots) || g.at != tt.at || len(tasks) != len(tt.boots[booted]) {
					t.Errorf("guest %d at %v has %d runs, beside %d others", booted+1, g.at, len(tasks), running-1)
					return
				}
				for i, came := range tt.boots[booted] {
					tasks[i].Began()
					tasks[i].Ended(came, nil)
				}
				booted++
				running--
			}
			results, err := s.Run(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []Status
			attempts := 0
			for i := range results.Kept {
				got = append(got, results.Kept[i].Status)
				attempts += len(results.Kept[i].Attempts)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if booted != len(tt.boots) || attempts != booted-1 {
				t.Errorf("%d guests and %d attempts before the last, want %d and one less", booted, attempts, len(tt.boots))
			}
		})
	}
}
