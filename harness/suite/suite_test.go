package suite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func TestRunsHaveSeedsThatDoNotDependOnTheOthers(t *testing.T) {
	a, b := &language.Scenario{Name: "a"}, &language.Scenario{Name: "b"}
	s, err := New([]*language.Scenario{a, b}, Options{Repeat: 2, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, once := range s.Runs {
		for r := range s.repetitions(once, span{}) {
			got = append(got, fmt.Sprintf("%s seed %d", r.ID(), r.Seed))
		}
	}
	if d := cmp.Diff([]string{"a #1 seed 7", "a #2 seed 8", "b #1 seed 7", "b #2 seed 8"}, got); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	if s, err = New([]*language.Scenario{b}, Options{Repeat: 1, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	if len(s.Runs) != 1 || s.Runs[0].N != 0 || s.Runs[0].Seed != 7 {
		t.Errorf("runs of a case that is run once: %+v", s.Runs)
	}
}

func TestRunsAndTheirRepetitionsHaveIndexes(t *testing.T) {
	var cases []*language.Scenario
	for _, name := range []string{"a", "b", "c"} {
		cases = append(cases, &language.Scenario{Name: name})
	}
	for _, tt := range []struct {
		name   string
		repeat int
		want   []int // of the first two repetitions of each run but the first run
	}{
		{"runs that are done once", 1, []int{1, 2}},
		{"repeated runs", 3, []int{3, 4, 6, 7}},
		{"more runs than can be counted", math.MaxInt, []int{mostIndex, mostIndex, mostIndex, mostIndex}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(cases, Options{Repeat: tt.repeat})
			if err != nil {
				t.Fatal(err)
			}
			s.Runs = s.Runs[1:] // what the caller removes does not change the others
			var got []int
			for _, once := range s.Runs {
				for r := range s.repetitions(once, span{}) {
					if got = append(got, r.Index); r.N == 2 {
						break
					}
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("indexes (-want +got):\n%s", d)
			}
		})
	}
}

func TestStatusOfARun(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	ended := trace.Of([]trace.Event{{End: &trace.End{Reason: "done"}}}...)
	lacking := fmt.Errorf("making the lab: %w", &inject.MissingError{Feature: "sch_netem"})
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		trace *trace.Trace
		err   error
		want  Status
	}{
		{"judged", t.Context(), ended, nil, Pass},
		{"judged, and canceled since", canceled, ended, nil, Pass},
		{"a run that did not end by itself", t.Context(), &trace.Trace{}, nil, Fail},
		{"a machine that cannot", t.Context(), nil, lacking, Skip},
		{"a machine that cannot, canceled", canceled, nil, lacking, Skip},
		{"broken off", t.Context(), &trace.Trace{}, errors.New("the lab died"), Error},
		{"canceled", canceled, &trace.Trace{}, context.Canceled, Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &engine{suite: &Suite{}, see: silent{}}
			r := task{&todo{}, &Result{Run: Run{Scenario: &language.Scenario{Name: "a"}}}}
			began := time.Now().Add(-time.Minute)
			e.end(tt.ctx, r, tt.trace, tt.err, began)
			if !r.Started.Equal(began) || r.Took < time.Minute || r.Facts.Ended == "" != (tt.trace == nil || len(tt.trace.Events) == 0) {
				t.Errorf("it began at %v, not %v, and took %v; it ended because %q", r.Started, began, r.Took, r.Facts.Ended)
			}
			if r.Status != tt.want {
				t.Errorf("status %q, want %q", r.Status, tt.want)
			}
		})
	}
}

func TestACanceledSuiteRunsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := New(shortAndLong()[:1], Options{Repeat: 3})
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(ctx, nil)
	if err != nil || len(results.Kept) != 0 {
		t.Fatalf("%d results, %v", len(results.Kept), err)
	}
	if others := &results.Others; others.With(NotRun) != 3 || others.Runs() != 3 || others.Ended() != 0 {
		t.Errorf("counted: %+v, want 3 that did not run", results.Others)
	}
}

func TestRunsShareGuests(t *testing.T) {
	var results []task
	for i := range 6 {
		results = append(results, task{Result: &Result{Run: Run{N: i, Place: Place{Kernel: "6.1", Image: "/a", Warp: true}}}})
	}
	other := task{Result: &Result{Run: Run{Place: Place{Kernel: "6.1", Image: "/a"}}}}
	var got []string
	for _, g := range guestsFor(append(results, other), 2) {
		got = append(got, fmt.Sprintf("%d %s, %d at once", len(g.runs), g.at.String(), g.atOnce()))
	}
	want := []string{"3 warped on Linux 6.1, 3 at once", "3 warped on Linux 6.1, 3 at once", "1 on Linux 6.1, 8 at once"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("guests (-want +got):\n%s", d)
	}
}

// diary is an observer that notes the calls for each run.
type diary struct {
	mu    sync.Mutex
	lines map[string][]string
}

func (d *diary) note(r *Run, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines[r.ID()] = append(d.lines[r.ID()], text)
}

func (d *diary) Begin(r *Run)                 { d.note(r, "begin") }
func (d *diary) Event(r *Run, e *trace.Event) { d.note(r, e.Kind()) }
func (d *diary) End(r *Result)                { d.note(&r.Run, "end "+string(r.Status)) }

// A Go program can run a suite without the command: runs are observed, judged and stored, and can
// be loaded again.
func TestSuite(t *testing.T) {
	testlab.Long(t)
	const text = `
name: refused
title: Nothing listens
hosts: {client: {}, server: {}}
cases: [{want: ECONNREFUSED}, {want: ETIMEDOUT}]
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: "${want}"}
`
	f, err := language.Parse("refused.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := Expand([]*language.File{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := New(cases, Options{Seed: 7, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	d := &diary{lines: map[string][]string{}}
	results, err := s.Run(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Status{Pass, Fail} {
		r := &results.Kept[i]
		testlab.Supported(t, r.Err)
		if r.Status != want || r.Err != nil {
			t.Errorf("%s: status %q, want %q: %v", r.ID(), r.Status, want, r.Err)
		}
		lines := d.lines[r.ID()]
		if n := len(lines); n < 4 || lines[0] != "begin" || lines[1] != "run" || lines[n-2] != "end" || lines[n-1] != "end "+string(want) {
			t.Errorf("the observer was called for %s with %s", r.ID(), strings.Join(lines, ", "))
		}
		again, err := result.Load(r.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if again.ID() != r.ID() || again.Status != want || again.Seed != 7 || !cmp.Equal(again.Verdicts, r.Verdicts) {
			t.Errorf("loaded again: %s, seed %d, status %q, want %s, %q", again.ID(), again.Seed, again.Status, r.ID(), want)
		}
		if d := cmp.Diff(result.Evidence{Status: want}, again.Evidence); d != "" {
			t.Errorf("the files of a run just stored (-want +got):\n%s", d)
		}
	}
	dirs, err := result.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{dir + "/refused/want=ECONNREFUSED/v4", dir + "/refused/want=ETIMEDOUT/v4"}, dirs); d != "" {
		t.Errorf("stored runs (-want +got):\n%s", d)
	}
}

func TestRunsAreCountedWithTheirRepetitions(t *testing.T) {
	for _, tt := range []struct{ runs, repeat, want int }{
		{0, 5, 0},
		{3, 0, 3},
		{3, 1, 3},
		{3, 5, 15},
		{1, math.MaxInt, math.MaxInt},
		{2, math.MaxInt, math.MaxInt},
		{4, math.MaxInt/4 + 1, math.MaxInt},
	} {
		s := &Suite{Runs: make([]Run, tt.runs), o: Options{Repeat: tt.repeat}}
		if got := s.Count(); got != tt.want {
			t.Errorf("%d runs, each %d times: %d, want %d", tt.runs, tt.repeat, got, tt.want)
		}
	}
}

// A full disk fails thousands of runs; the error says how many.
func TestErrorsAfterVerdictsAreListedUpToANumber(t *testing.T) {
	e := &engine{}
	if err := e.notDoneErr(); err != nil {
		t.Errorf("%v before any", err)
	}
	for n := range mostUndone {
		e.notDone(fmt.Errorf("run %d", n))
	}
	if got := e.notDoneErr().Error(); strings.Count(got, "\n") != mostUndone-1 || strings.Contains(got, "left out") {
		t.Errorf("%s", got)
	}
	for range 3 {
		e.notDone(errors.New("another"))
	}
	if got := e.notDoneErr().Error(); !strings.HasSuffix(got, fmt.Sprintf("run %d\n3 more errors of this kind are left out", mostUndone-1)) {
		t.Errorf("%s", got)
	}
}
