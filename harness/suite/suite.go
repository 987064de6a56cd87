package suite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// Run is one run of a scenario.
type Run struct {
	Scenario *language.Scenario
	// N counts the repetitions from 1; 0 where there is only one.
	N     int
	Seed  uint64
	Place Place
}

// ID names the task to a person: "syn-retry-backoff retries=3 #2".
func (t *Run) ID() string {
	if t.N == 0 {
		return t.Scenario.ID()
	}
	return fmt.Sprintf("%s #%d", t.Scenario.ID(), t.N)
}

// Result is what came of a task. The zero result is notRun.
type Result struct {
	Run      Run
	Status   Status
	Trace    *trace.Trace
	Verdicts []assertions.Verdict
	// Err says why there is no verdict.
	Err  error
	Took time.Duration
	// Dir is where the run was stored, "" where it was not.
	Dir string
	// Slow is why the run's guest was slower than it need have been.
	Slow error
}

// Report returns the outcome as reports want it.
func (o *Result) Report() *report.Result {
	return &report.Result{
		ID:       o.Run.ID(),
		Scenario: o.Run.Scenario,
		Trace:    o.Trace,
		Verdicts: o.Verdicts,
		Took:     o.Took,
		Seed:     o.Run.Seed,
		Err:      o.Err,
		Missing:  o.Status == Missing,
		Dir:      o.Dir,
		Place:    o.Run.Place.String(),
		Kernel:   o.Run.Place.Column(),
	}
}

// Status sums an outcome up.
type Status int

const (
	NotRun Status = iota
	Passed
	Failed
	// Broken is a run without a verdict that is no fault of this machine.
	Broken
	// Missing is a run this machine cannot do.
	Missing
	Canceled
)

// Judge holds the expectations against the trace. What is skipped is no failure; the view tells of it.
func (o *Result) Judge() {
	o.Verdicts = assertions.Check(o.Run.Scenario, o.Trace)
	o.Status = Passed
	if assertions.Failed(o.Verdicts) {
		o.Status = Failed
	}
}

// Repeat makes the Repeat of the scenarios, each at its place and repeated. All first runs have the same seed, so that a seed repeats a run
// whichever others are run beside it; repetition n has seed+n-1.
func Repeat(runs []Placed, repeat int, seed uint64) []Run {
	var out []Run
	for _, r := range runs {
		if repeat <= 1 {
			out = append(out, Run{Scenario: r.Scenario, Seed: seed, Place: r.Place})
			continue
		}
		for n := 1; n <= repeat; n++ {
			out = append(out, Run{Scenario: r.Scenario, N: n, Seed: seed + uint64(n-1), Place: r.Place})
		}
	}
	return out
}

// Observer is told of the tasks while they run. Its methods are called by several goroutines at once, those of one task in
// the order begin, event..., end.
type Observer interface {
	Begin(t *Run)
	Event(t *Run, e *trace.Event)
	End(o *Result)
}

// Do runs the tasks, at most jobs of those on this machine at once, the longest first so that none is left to the end,
// and returns their outcomes in the order of the tasks. A canceled context ends those that run and leaves out the rest.
func Do(ctx context.Context, todo []Run, jobs int, see Observer, finish func(*Result)) []Result {
	outcomes := make([]Result, len(todo))
	var order []int
	var virtual []*Result
	for i := range todo {
		outcomes[i].Run = todo[i]
		if todo[i].Place.Virtual() {
			virtual = append(virtual, &outcomes[i])
		} else {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(todo[b].Scenario.Estimate(), todo[a].Scenario.Estimate())
	})
	next := make(chan int)
	var workers sync.WaitGroup
	if len(virtual) > 0 {
		workers.Go(func() { runGuests(ctx, virtual, see, finish) })
	}
	for range min(jobs, len(order)) {
		workers.Go(func() {
			for i := range next {
				o := &outcomes[i]
				see.Begin(&o.Run)
				runOne(ctx, o, see)
				finish(o)
				see.End(o)
			}
		})
	}
	for _, i := range order {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return outcomes
}

// runOne runs a task and judges its trace.
func runOne(ctx context.Context, o *Result, see Observer) {
	began := time.Now()
	o.Trace, o.Err = harness.Run(ctx, o.Run.Scenario, harness.Options{
		Seed: o.Run.Seed,
		Emit: func(e trace.Event) { see.Event(&o.Run, &e) },
	})
	o.Took = time.Since(began)
	o.conclude(ctx)
}
