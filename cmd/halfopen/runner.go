package main

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

// task is one run of a scenario.
type task struct {
	scenario *language.Scenario
	// n counts the repetitions from 1; 0 where there is only one.
	n     int
	seed  uint64
	place place
}

// id names the task to a person: "syn-retry-backoff retries=3 #2".
func (t *task) id() string {
	if t.n == 0 {
		return t.scenario.ID()
	}
	return fmt.Sprintf("%s #%d", t.scenario.ID(), t.n)
}

// outcome is what came of a task. The zero result is notRun.
type outcome struct {
	task     task
	result   result
	trace    *trace.Trace
	verdicts []assertions.Verdict
	// err says why there is no verdict.
	err  error
	took time.Duration
	// dir is where the run was stored, "" where it was not.
	dir string
	// slow is why the run's guest was slower than it need have been.
	slow error
}

// report returns the outcome as reports want it.
func (o *outcome) report() *report.Result {
	return &report.Result{
		ID:       o.task.id(),
		Scenario: o.task.scenario,
		Trace:    o.trace,
		Verdicts: o.verdicts,
		Took:     o.took,
		Seed:     o.task.seed,
		Err:      o.err,
		Missing:  o.result == missing,
		Dir:      o.dir,
		Place:    o.task.place.String(),
		Kernel:   o.task.place.column(),
	}
}

// result sums an outcome up.
type result int

const (
	notRun result = iota
	passed
	failed
	// broken is a run without a verdict that is no fault of this machine.
	broken
	// missing is a run this machine cannot do.
	missing
	canceled
)

// judge holds the expectations against the trace. What is skipped is no failure; the view tells of it.
func (o *outcome) judge() {
	o.verdicts = assertions.Check(o.task.scenario, o.trace)
	o.result = passed
	if assertions.Failed(o.verdicts) {
		o.result = failed
	}
}

// tasks makes the tasks of the scenarios, each at its place and repeated. All first runs have the same seed, so that a seed repeats a run
// whichever others are run beside it; repetition n has seed+n-1.
func tasks(runs []placed, repeat int, seed uint64) []task {
	var out []task
	for _, r := range runs {
		if repeat <= 1 {
			out = append(out, task{scenario: r.scenario, seed: seed, place: r.place})
			continue
		}
		for n := 1; n <= repeat; n++ {
			out = append(out, task{scenario: r.scenario, n: n, seed: seed + uint64(n-1), place: r.place})
		}
	}
	return out
}

// observer is told of the tasks while they run. Its methods are called by several goroutines at once, those of one task in
// the order begin, event..., end.
type observer interface {
	begin(t *task)
	event(t *task, e *trace.Event)
	end(o *outcome)
}

// runAll runs the tasks, at most jobs of those on this machine at once, the longest first so that none is left to the end,
// and returns their outcomes in the order of the tasks. A canceled context ends those that run and leaves out the rest.
func runAll(ctx context.Context, todo []task, jobs int, see observer, finish func(*outcome)) []outcome {
	outcomes := make([]outcome, len(todo))
	var order []int
	var virtual []*outcome
	for i := range todo {
		outcomes[i].task = todo[i]
		if todo[i].place.virtual() {
			virtual = append(virtual, &outcomes[i])
		} else {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(todo[b].scenario.Estimate(), todo[a].scenario.Estimate())
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
				see.begin(&o.task)
				runOne(ctx, o, see)
				finish(o)
				see.end(o)
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
func runOne(ctx context.Context, o *outcome, see observer) {
	began := time.Now()
	o.trace, o.err = harness.Run(ctx, o.task.scenario, harness.Options{
		Seed: o.task.seed,
		Emit: func(e trace.Event) { see.event(&o.task, &e) },
	})
	o.took = time.Since(began)
	o.conclude(ctx)
}

// statusOfRuns is the exit status of all outcomes together.
func statusOfRuns(outcomes []outcome) int {
	count := map[result]int{}
	for i := range outcomes {
		count[outcomes[i].result]++
	}
	switch {
	case count[canceled]+count[notRun] > 0:
		return statusCanceled
	case count[failed]+count[broken] > 0:
		return statusFailed
	case count[missing] > 0:
		return statusMissing
	}
	return statusPassed
}
