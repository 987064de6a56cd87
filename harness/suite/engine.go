package suite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/inject"
)

// todo is one of the suite's runs, to be done as often as it is repeated.
type todo struct {
	run   Run
	index int
	// part are the repetitions that this machine does.
	part span
	// dir is the directory of the run, or of its repetitions; "" if they are not stored.
	dir string
	// skipped is set when a repetition was skipped.
	skipped atomic.Bool
}

// task is one repetition.
type task struct {
	*todo
	*Result
}

// tasks makes the tasks of a list of runs, each when it is asked for: there may be millions.
func (e *engine) tasks(list []*todo) iter.Seq[task] {
	if e.suite.o.UntilFail {
		return e.rounds(list)
	}
	return func(yield func(task) bool) {
		for _, t := range list {
			for r := range e.suite.repetitions(t.run, t.part) {
				if !yield(task{t, &Result{Run: r}}) {
					return
				}
			}
		}
	}
}

// storedIn is the directory of the task, "" if it is not stored.
func (t *task) storedIn() string {
	if t.dir == "" {
		return ""
	}
	return numbered(t.dir, t.N)
}

func longestFirst(list []*todo) {
	slices.SortStableFunc(list, func(a, b *todo) int {
		return cmp.Compare(b.run.Scenario.Estimate(), a.run.Scenario.Estimate())
	})
}

// engine is a running suite.
type engine struct {
	suite    *Suite
	see      Observer
	starting starting
	outcomes
	doubtful
	pace Pace // written before the runs on this machine have ended
	// stop ends the suite early; its cause is an [ended].
	stop context.CancelCauseFunc

	undoneMu sync.Mutex
	// undone are the first errors of storing, and of ending labs; more counts the others.
	undone []error
	more   int
}

// runHere does runs on this machine, at most Jobs at a time, and fewer while the machine is late.
func (e *engine) runHere(ctx context.Context, list []*todo) {
	jobs := e.suite.o.Jobs
	if jobs <= 0 {
		jobs = Jobs()
	}
	p := newPace(jobs)
	var running sync.WaitGroup
	for t := range e.tasks(list) {
		since, ok := p.begin(ctx)
		if !ok {
			break
		}
		running.Go(func() {
			defer p.end()
			p.saw(e.runOne(ctx, t), since)
		})
	}
	running.Wait()
	e.pace = p.report()
}

// runOne does a run on this machine, and returns how late its lab was.
func (e *engine) runOne(ctx context.Context, r task) (late time.Duration) {
	started := e.starting.begin(ctx)
	defer started()
	e.begin(r)
	late = inTime // a run that breaks off does not show how late the machine is
	began := time.Now()
	complete := false
	logs, err := prepareLogs(&r)
	if err != nil {
		e.notDone(err)
	}
	o := harness.Options{
		Seed: r.Seed, NoTracepoints: e.suite.o.NoTracepoints, Writable: e.suite.o.Writable, Logs: logs,
		Hold: e.suite.o.Hold, Off: e.suite.o.Off,
		Emit: func(ev trace.Event) {
			if ev.Start != nil && ev.Start.Actor == "" {
				started()
			}
			e.see.Event(&r.Run, &ev)
		},
		Complete: func(t *trace.Trace) {
			complete, late = true, t.Lateness().Worst()
			e.end(ctx, r, t, nil, began)
		},
	}
	gone := func() {}
	defer func() { gone() }()
	var lab *harness.Lab
	o.Opened = func(l *harness.Lab) {
		lab, gone = l, e.opened(&r.Run, l)
	}
	if keep := e.suite.o.Keep; keep != nil {
		o.Keep = func(ctx context.Context) {
			if r.Status == Fail {
				keep(ctx, r.Result, lab)
				e.endAfter(r.Result)
			}
		}
	}
	t, err := e.suite.lab(ctx, r.Scenario, o)
	switch {
	case !complete:
		e.end(ctx, r, t, err, began)
	case err != nil && ctx.Err() == nil:
		// The evidence was complete, so the verdict stands. But something of the lab may be left.
		e.notDone(fmt.Errorf("ending the lab of %s, after its verdict: %w", r.Scenario.ID(), err))
	}
	return late
}

// opened calls [Options.Opened].
func (e *engine) opened(r *Run, l *harness.Lab) (gone func()) {
	if e.suite.o.Opened == nil {
		return func() {}
	}
	return e.suite.o.Opened(r, l)
}

// end judges a run that is over, stores it, and passes it to the observer.
func (e *engine) end(ctx context.Context, r task, t *trace.Trace, err error, began time.Time) {
	r.Trace, r.Facts, r.Err = t, result.FactsOf(t), err
	r.Started, r.Took = began, time.Since(began)
	r.Rerun = result.Rerun(&r.Run, e.suite.conditions())
	var lacking *inject.MissingError
	switch {
	case err == nil:
		r.Judge()
	case errors.As(err, &lacking):
		r.Status = Skip
	case ctx.Err() != nil:
		r.Status = Canceled
	default:
		r.Status = Error
	}
	if r.Status == Inconclusive && e.again(ctx, r) {
		return
	}
	if r.Status == Skip {
		r.skipped.Store(true)
	}
	if dir := r.storedIn(); dir != "" {
		if e.suite.o.UntilFail && r.Status == Pass {
			err = removeEvidence(dir) // nothing bounds the runs that pass
		} else {
			err = save(r.Result, dir, e.suite.named(dir))
		}
		if err != nil {
			e.notDone(err)
		}
		_ = os.Remove(dir) // only if it is empty: a run without a trace leaves no directory
	}
	e.see.End(r.Result)
	e.add(r.Result, r.index)
	if held := e.suite.o.Keep != nil && r.Status == Fail && !r.Place.Virtual(); !held {
		e.endAfter(r.Result) // else when its lab is let go
	}
}

// mostUndone is how many errors of storing and ending are reported: where one run cannot be stored,
// most others cannot either.
const mostUndone = 20

func (e *engine) notDone(err error) {
	e.undoneMu.Lock()
	defer e.undoneMu.Unlock()
	if len(e.undone) == mostUndone {
		e.more++
		return
	}
	e.undone = append(e.undone, err)
}

// notDoneErr joins the errors of storing and ending; nil if there are none.
func (e *engine) notDoneErr() error {
	e.undoneMu.Lock()
	defer e.undoneMu.Unlock()
	if e.more == 0 {
		return errors.Join(e.undone...)
	}
	return errors.Join(append(e.undone, fmt.Errorf("%d more errors of this kind are left out", e.more))...)
}
