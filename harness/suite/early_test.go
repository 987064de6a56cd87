package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// outcomes of a lab that is not real: how long its step took, or the error it broke off with.
const (
	passes = 45 * time.Millisecond
	fails  = 900 * time.Millisecond
)

// ranAs says how the nth run of all went: how long its step took, or the error it broke off with. over
// lets the time of the suite be over.
type ranAs func(ctx context.Context, n int, over func()) (time.Duration, error)

// early runs three cases, one at a time, and returns how each run ended.
func early(t *testing.T, o Options, ran ranAs) (Results, []string) {
	t.Helper()
	var cases []*language.Scenario
	for _, name := range []string{"a", "b", "c"} {
		s := *timed(t)
		s.Name = name
		cases = append(cases, &s)
	}
	o.Jobs = 1
	s, err := New(cases, o)
	if err != nil {
		t.Fatal(err)
	}
	var over func()
	s.after = func(d time.Duration, f func()) *time.Timer {
		over = f
		return time.NewTimer(d)
	}
	var mu sync.Mutex
	n := 0
	s.lab = func(ctx context.Context, _ *language.Scenario, o harness.Options) (*trace.Trace, error) {
		mu.Lock()
		n++
		nth := n
		mu.Unlock()
		step, err := ran(ctx, nth, over)
		if err != nil {
			return nil, err
		}
		tr := took(t, step, 0)
		o.Complete(tr)
		if o.Keep != nil {
			o.Keep(ctx)
		}
		return tr, nil
	}
	var got []string
	results, err := s.Run(t.Context(), ends{func(r *Result) {
		mu.Lock()
		defer mu.Unlock()
		if o.UntilFail && r.Index != (r.N-1)*len(cases)+slices.Index([]string{"a", "b", "c"}, r.Scenario.Name) {
			t.Errorf("%s has the index %d", r.ID(), r.Index)
		}
		got = append(got, fmt.Sprintf("%s %s", r.ID(), r.Status))
	}})
	if err != nil {
		t.Error(err)
	}
	return results, got
}

func TestASuiteEndsEarly(t *testing.T) {
	lacking := &inject.MissingError{Feature: "a program"}
	at := func(nth int, step time.Duration, err error) ranAs {
		return func(_ context.Context, n int, _ func()) (time.Duration, error) {
			if n == nth {
				return step, err
			}
			return passes, nil
		}
	}
	for _, tt := range []struct {
		name string
		o    Options
		ran  ranAs
		ends []string
		stop result.Stop
		rest string
	}{
		{
			"the first failure ends it",
			Options{FailFast: true},
			at(2, fails, nil),
			[]string{"a pass", "b fail"},
			result.FailFast, "c",
		},
		{
			"a run that breaks off ends it",
			Options{FailFast: true},
			at(1, 0, errors.New("the lab died")),
			[]string{"a error"},
			result.FailFast, "b, c",
		},
		{
			"a failure of the last run leaves nothing undone",
			Options{FailFast: true},
			at(3, fails, nil),
			[]string{"a pass", "b pass", "c fail"},
			result.NotStopped, "",
		},
		{
			"a failure does not, where nothing asks for it",
			Options{},
			at(1, fails, nil),
			[]string{"a fail", "b pass", "c pass"},
			result.NotStopped, "",
		},
		{
			"a skip does not end it",
			Options{FailFast: true},
			at(1, 0, lacking),
			[]string{"a skip", "b pass", "c pass"},
			result.NotStopped, "",
		},
		{
			"a skip that counts as a failure ends it",
			Options{FailFast: true, NoSkip: true},
			at(1, 0, lacking),
			[]string{"a skip"},
			result.FailFast, "b, c",
		},
		{
			"repetitions that never began are counted",
			Options{FailFast: true, Repeat: 3},
			at(2, fails, nil),
			[]string{"a #1 pass", "a #2 fail"},
			result.FailFast, "a (1 of 3), b (3 of 3), c (3 of 3)",
		},
		{
			"cases take turns until one fails",
			Options{UntilFail: true},
			at(5, fails, nil),
			[]string{"a #1 pass", "b #1 pass", "c #1 pass", "a #2 pass", "b #2 fail"},
			result.UntilFail, "",
		},
		{
			"a skipped case is not repeated",
			Options{UntilFail: true, Repeat: 2},
			at(1, 0, lacking),
			[]string{"a #1 skip", "b #1 pass", "c #1 pass", "b #2 pass", "c #2 pass"},
			result.NotStopped, "",
		},
		{
			"a bound of repetitions",
			Options{UntilFail: true, Repeat: 1},
			at(9, fails, nil),
			[]string{"a #1 pass", "b #1 pass", "c #1 pass"},
			result.NotStopped, "",
		},
		{
			"time is over while a run goes on",
			Options{MaxTime: time.Hour, Repeat: 2},
			func(ctx context.Context, n int, over func()) (time.Duration, error) {
				if n == 1 {
					return passes, nil
				}
				over()
				<-ctx.Done()
				return 0, ctx.Err()
			},
			[]string{"a #1 pass", "a #2 canceled"},
			result.OutOfTime, "b (2 of 2), c (2 of 2)",
		},
		{
			"time is over at the last moment",
			Options{MaxTime: time.Hour},
			func(_ context.Context, n int, over func()) (time.Duration, error) {
				if n == 3 {
					over()
				}
				return passes, nil
			},
			[]string{"a pass", "b pass", "c pass"},
			result.NotStopped, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, got := early(t, tt.o, tt.ran)
			if d := cmp.Diff(tt.ends, got); d != "" {
				t.Errorf("runs (-want +got):\n%s", d)
			}
			if rest := result.RestText(results.Rest); results.Stop != tt.stop || rest != tt.rest {
				t.Errorf("stopped by %q, rest %q; want %q, %q", results.Stop, rest, tt.stop, tt.rest)
			}
		})
	}
}

// Where every case is skipped, nothing is left to repeat.
func TestUntilFailEndsWhereEveryCaseIsSkipped(t *testing.T) {
	results, got := early(t, Options{UntilFail: true, Repeat: 9}, func(context.Context, int, func()) (time.Duration, error) {
		return 0, &inject.MissingError{Feature: "a program"}
	})
	// The next run is chosen while the one before it goes on.
	if len(got) > 4 || results.Stop != result.NotStopped {
		t.Errorf("runs %q, stopped by %q", got, results.Stop)
	}
}

// The lab of a failed run is held before the suite ends.
func TestFailFastHoldsTheLabFirst(t *testing.T) {
	held := errors.New("the lab was not held")
	_, got := early(t, Options{FailFast: true, Keep: func(ctx context.Context, _ *Result, _ *harness.Lab) {
		held = ctx.Err()
	}}, func(context.Context, int, func()) (time.Duration, error) { return fails, nil })
	if held != nil || !slices.Equal(got, []string{"a fail"}) {
		t.Errorf("held with %v; runs %q", held, got)
	}
}

// Nothing bounds the runs that pass until one fails, so only the others are stored.
func TestUntilFailStoresOnlyWhatDidNotPass(t *testing.T) {
	dir := t.TempDir()
	early(t, Options{UntilFail: true, Dir: dir}, func(_ context.Context, n int, _ func()) (time.Duration, error) {
		if n == 5 {
			return fails, nil
		}
		return passes, nil
	})
	found, err := result.Find(dir)
	if err != nil || len(found) != 1 || filepath.Base(found[0]) != "2" {
		t.Errorf("stored %q, %v", found, err)
	}
}

func TestRestText(t *testing.T) {
	var rest []result.Rest
	for i := range 22 {
		rest = append(rest, result.Rest{
			Run: Run{Scenario: &language.Scenario{Name: fmt.Sprint("s", i)}}, Times: 1, All: 1,
		})
	}
	rest[0].Run.Place = Place{Kernel: "6.1", Warp: true}
	rest[1].Times, rest[1].All = 2, 50
	want := "s0 warped on Linux 6.1, s1 (2 of 50), s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, " +
		"s13, s14, s15, s16, s17, s18, s19, and 2 more"
	if got := result.RestText(rest); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// The repetitions of each run are summed up; those of controls, and runs that are done once, are not.
func TestRepetitionsAreSummedUp(t *testing.T) {
	failsAt := func(nth int) ranAs {
		return func(_ context.Context, n int, _ func()) (time.Duration, error) {
			if n == nth {
				return fails, nil
			}
			return passes, nil
		}
	}
	for _, tt := range []struct {
		name string
		o    Options
		want []string
	}{
		{"done once", Options{}, nil},
		{"with controls", Options{Repeat: 2, Control: true}, nil},
		{"repeated", Options{Repeat: 2, Seed: 7}, []string{"a 2 of 2, 0", "b 1 of 2, 8", "c 2 of 2, 0"}},
		{"only those that ended", Options{Repeat: 2, Seed: 7, FailFast: true}, []string{"a 2 of 2, 0", "b 1 of 2, 8"}},
		{"until one fails", Options{UntilFail: true, Seed: 7}, []string{"a 2 of 2, 0", "b 1 of 2, 8", "c 1 of 1, 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nth := 4
			if tt.o.UntilFail {
				nth = 5
			}
			results, _ := early(t, tt.o, failsAt(nth))
			var got []string
			for _, r := range results.Repeated {
				seed := uint64(0)
				if r.Failed != nil {
					seed = r.Failed.Seed
				}
				got = append(got, fmt.Sprintf("%s %d of %d, %d", r.Run.ID(), r.Tally.With(Pass), r.Tally.Runs(), seed))
				if times := r.Times(); len(times) != 1 || times[0].Of != "client.sleep" || times[0].Min != passes {
					t.Errorf("times of %s: %+v", r.Run.ID(), times)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
