package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A suite of very many runs has no list of them: its runs are made one by one.
func TestABillionRunsAreMadeOneByOne(t *testing.T) {
	const many = 1_000_000_000
	s, err := New(shortAndLong()[:1], Options{Repeat: many, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	if s.Count() != many {
		t.Errorf("%d runs, want %d", s.Count(), many)
	}
	var got []string
	for r := range (&engine{suite: s}).tasks([]*todo{{run: s.Runs[0]}}) {
		if got = append(got, fmt.Sprintf("%s seed %d", r.ID(), r.Seed)); len(got) == 3 {
			break
		}
	}
	if d := cmp.Diff([]string{"short #1 seed 7", "short #2 seed 8", "short #3 seed 9"}, got); d != "" {
		t.Errorf("the first runs (-want +got):\n%s", d)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := s.Run(canceled, nil)
	if err != nil || len(results.Kept) != 0 || results.Others.With(NotRun) != many {
		t.Errorf("canceled: %d results and %d that never began, %v", len(results.Kept),
			results.Others.With(NotRun), err)
	}
}

// Results of very many runs would fill the memory: some are kept, the others counted.
func TestResultsThatAreKept(t *testing.T) {
	s, without := &language.Scenario{Name: "a"}, &language.Scenario{Name: "a", Without: &language.Setting{}}
	add := func(o *outcomes, s *language.Scenario, status Status, n int) {
		for i := range n {
			o.add(&Result{Run: Run{Scenario: s, N: i + 1}, Status: status, Trace: &trace.Trace{}}, 0)
		}
	}
	type counts struct{ Kept, Passed, Traces, OtherPassed, OtherFailed, NotRun int }
	for _, tt := range []struct {
		name string
		all  bool
		fill func(*outcomes)
		runs int
		want counts
	}{
		{"a few", false, func(o *outcomes) { add(o, s, Pass, 2); add(o, s, Fail, 1) }, 5, counts{Kept: 3, Passed: 2, Traces: 1, NotRun: 2}},
		{
			"more that pass than are kept", false, func(o *outcomes) { add(o, s, Pass, mostKept+3); add(o, s, Fail, 1) },
			mostKept + 4,
			counts{Kept: mostKept + 1, Passed: mostKept, Traces: 1, OtherPassed: 3},
		},
		{
			"more that fail than are kept", false, func(o *outcomes) { add(o, s, Fail, mostKept+3); add(o, s, Pass, 1) },
			mostKept + 4,
			counts{Kept: mostKept + 1, Passed: 1, Traces: mostTraces, OtherFailed: 3},
		},
		{
			"with controls", true, func(o *outcomes) { add(o, s, Pass, mostKept+1); add(o, without, Fail, mostKept+1) },
			2*mostKept + 2,
			counts{Kept: 2*mostKept + 2, Passed: mostKept + 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &outcomes{all: tt.all}
			tt.fill(o)
			results := o.results(tt.runs)
			got := counts{
				Kept: len(results.Kept), OtherPassed: results.Others.With(Pass),
				OtherFailed: results.Others.With(Fail), NotRun: results.Others.With(NotRun),
			}
			for i := range results.Kept {
				r := &results.Kept[i]
				if r.Status == Pass {
					got.Passed++
				}
				if r.Trace != nil {
					got.Traces++
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Runs end in any order; their results have that of the suite.
func TestResultsAreInTheOrderOfTheRuns(t *testing.T) {
	o := &outcomes{}
	a, b := &language.Scenario{Name: "a"}, &language.Scenario{Name: "b"}
	for _, r := range []placed{
		{Result{Run: Run{Scenario: b, N: 1}, Status: Pass}, 1},
		{Result{Run: Run{Scenario: a, N: 2}, Status: Fail}, 0},
		{Result{Run: Run{Scenario: b, N: 2}, Status: Pass}, 1},
		{Result{Run: Run{Scenario: a, N: 1}, Status: Pass}, 0},
	} {
		o.add(&r.Result, r.index)
	}
	var got []string
	results := o.results(4)
	for i := range results.Kept {
		got = append(got, results.Kept[i].Scenario.Name+fmt.Sprint(results.Kept[i].N))
	}
	if d := cmp.Diff([]string{"a1", "a2", "b1", "b2"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestEachRepetitionHasADirectory(t *testing.T) {
	for _, tt := range []struct {
		name string
		dir  string
		n    int
		want string
	}{
		{"run once", "out/a/v4", 0, "out/a/v4"},
		{"repeated", "out/a/v4", 3, filepath.Join("out/a/v4", "3")},
		{"not stored", "", 3, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := task{&todo{dir: tt.dir}, &Result{Run: Run{N: tt.n}}}
			if got := r.storedIn(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A lab that does not end is reported, although its verdict stands.
func TestErrorsAfterTheVerdictAreReturned(t *testing.T) {
	stuck := errors.New("process 7, a lab, does not end although it was killed")
	for _, tt := range []struct {
		name     string
		complete bool
		lab      error
		status   Status
		want     string
	}{
		{"after the verdict", true, stuck, Pass, "ending the lab of timed, after its verdict: process 7, a lab, does not end although it was killed"},
		{"before it", false, stuck, Error, ""},
		{"none", true, nil, Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New([]*language.Scenario{timed(t)}, Options{NoRepeat: true})
			if err != nil {
				t.Fatal(err)
			}
			s.lab = func(_ context.Context, _ *language.Scenario, o harness.Options) (*trace.Trace, error) {
				if tt.complete {
					o.Complete(took(t, 45*time.Millisecond, 0))
				}
				return nil, tt.lab
			}
			results, err := s.Run(t.Context(), nil)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || tt.want != "" && !errors.Is(err, stuck) {
				t.Errorf("the error is %q, want %q", got, tt.want)
			}
			if len(results.Kept) != 1 || results.Kept[0].Status != tt.status {
				t.Errorf("results %+v, want one that is %s", results.Kept, tt.status)
			}
		})
	}
}

// The lab of a run that failed is kept after the run has been reported, and any lab is known until it
// is gone.
func TestLabsOfFailedRunsAreKept(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name string
		took time.Duration
		want []string
	}{
		{"failed", 900 * ms, []string{"opened", "fail", "kept", "gone"}},
		{"passed", 45 * ms, []string{"opened", "pass", "gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			lab := &harness.Lab{}
			s, err := New([]*language.Scenario{timed(t)}, Options{
				Opened: func(_ *Run, l *harness.Lab) func() {
					if l != lab {
						t.Error("it is another lab")
					}
					got = append(got, "opened")
					return func() { got = append(got, "gone") }
				},
				Keep: func(_ context.Context, r *Result, l *harness.Lab) {
					if l != lab || r.Status != Fail {
						t.Errorf("kept %v: a run that is %s", l, r.Status)
					}
					got = append(got, "kept")
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			s.lab = func(ctx context.Context, _ *language.Scenario, o harness.Options) (*trace.Trace, error) {
				o.Opened(lab)
				tr := took(t, tt.took, 0)
				o.Complete(tr)
				o.Keep(ctx)
				return tr, nil
			}
			if _, err := s.Run(t.Context(), ends{func(r *Result) { got = append(got, string(r.Status)) }}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// ends is an observer of the ends of runs.
type ends struct{ end func(*Result) }

func (ends) Begin(*Run)               {}
func (ends) Event(*Run, *trace.Event) {}
func (e ends) End(r *Result)          { e.end(r) }
