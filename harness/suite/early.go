package suite

import (
	"context"
	"errors"
	"iter"

	"halfopen/harness/suite/result"
)

// ended is the cause of a context that the suite itself has canceled.
type ended result.Stop

func (e ended) Error() string { return result.Stop(e).Words() }

// endAfter ends the suite if its options say so of a result.
func (e *engine) endAfter(r *Result) {
	o := &e.suite.o
	failed := r.Status == Fail || r.Status == Error
	switch {
	case r.Scenario.Without != nil:
	case o.UntilFail && failed:
		e.stop(ended(result.UntilFail))
	case o.FailFast && (failed || r.Status == Inconclusive || r.Status == Skip && o.NoSkip):
		e.stop(ended(result.FailFast))
	}
}

// rounds makes the tasks of runs that are repeated until one fails: the first repetition of each, then
// the second of each.
func (e *engine) rounds(list []*todo) iter.Seq[task] {
	return func(yield func(task) bool) {
		most := e.suite.o.Repeat
		for n := 1; most == 0 || n <= most; n++ {
			left := false
			for _, t := range list {
				if t.skipped.Load() {
					continue
				}
				left = true
				r := t.run
				r.N, r.Seed = n, r.Seed+uint64(n-1)
				r.Index = min(r.Index+firstIndex(n-1, e.suite.placed), mostIndex)
				if !yield(task{t, &Result{Run: r}}) {
					return
				}
			}
			if !left {
				return
			}
		}
	}
}

// rest returns the runs that never began.
func (e *engine) rest() []result.Rest {
	if e.suite.o.UntilFail {
		return nil
	}
	e.outcomes.mu.Lock()
	defer e.outcomes.mu.Unlock()
	var all []result.Rest
	for i, r := range e.suite.Runs {
		each := e.suite.mine.of(i).count(max(e.suite.o.Repeat, 1))
		if n := each - e.ofRun[i]; n > 0 {
			all = append(all, result.Rest{Run: r, Times: n, All: each})
		}
	}
	return all
}

// stopped returns why the suite has ended before its runs: the cause of ctx, which is that of the suite.
func (e *engine) stopped(ctx context.Context, results *Results) result.Stop {
	canceled := results.Others.With(Canceled) > 0
	for i := range results.Kept {
		canceled = canceled || results.Kept[i].Status == Canceled
	}
	if ctx.Err() == nil || !canceled && len(results.Rest) == 0 && !e.suite.o.UntilFail {
		return result.NotStopped
	}
	return whyEnded(ctx)
}

// whyEnded returns the cause of a canceled context.
func whyEnded(ctx context.Context) result.Stop {
	var by ended
	if errors.As(context.Cause(ctx), &by) {
		return result.Stop(by)
	}
	return result.Interrupted
}
