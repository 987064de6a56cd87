package suite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"halfopen/harness/suite/result"
)

const (
	// mostAttempts is how often a run is done until it is conclusive.
	mostAttempts = 3
	// mostRepeated is how many runs of a suite are repeated. One by one, more of them would take
	// longer than anybody waits, and a machine so late does not become quiet.
	mostRepeated = 200
)

// Repeater is an [Observer] that wants to know of runs that are to be repeated.
type Repeater interface {
	// Repeats is called in place of End if the run was inconclusive and will be repeated alone. It has
	// the attempts so far. The events of the next attempt follow, without Begin.
	Repeats(*Result)
}

// doubtful are the inconclusive runs that wait to be repeated. It is safe for concurrent use.
type doubtful struct {
	mu sync.Mutex
	// waiting have the attempt that was made last, the first of them with its trace; mu.
	waiting []task
	taken   int // mu; how many runs have waited at least once
}

// begin reports the begin of a run, unless it is repeated.
func (e *engine) begin(r task) {
	if len(r.Attempts) == 0 {
		e.see.Begin(&r.Run)
	}
}

// again keeps an inconclusive run as an attempt, to be repeated when no other run goes on. It
// returns false if it is not repeated.
func (e *engine) again(ctx context.Context, r task) bool {
	if e.suite.o.NoRepeat || ctx.Err() != nil || len(r.Attempts) >= mostAttempts-1 {
		return false
	}
	d := &e.doubtful
	d.mu.Lock()
	first := len(r.Attempts) == 0
	if first && d.taken >= mostRepeated {
		d.mu.Unlock()
		r.Once = fmt.Sprintf("%d other runs are, and a suite repeats no more", mostRepeated)
		return false
	}
	if first {
		d.taken++
	}
	d.mu.Unlock()
	if dir := r.storedIn(); dir != "" {
		to := result.AttemptDir(dir, len(r.Attempts)+1)
		if err := errors.Join(moveLogs(dir, to), save(r.Result, to, e.suite.named(to))); err != nil {
			e.notDone(err)
		}
	}
	r.Attempts = append(r.Attempts, result.NewAttempt(r.Result))
	if see, ok := e.see.(Repeater); ok {
		see.Repeats(r.Result)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) >= mostTraces {
		r.Trace = nil
	}
	d.waiting = append(d.waiting, r)
	return true
}

// repeatAlone repeats the inconclusive runs, one at a time. No other run may go on. If the suite is
// canceled, the rest stays inconclusive, with the last attempt's evidence.
func (e *engine) repeatAlone(ctx context.Context) {
	for {
		r, ok := e.next()
		if !ok {
			return
		}
		if ctx.Err() != nil {
			r.Attempts = r.Attempts[:len(r.Attempts)-1] // it is the last attempt itself
			r.Once = whyEnded(ctx).Words()
			e.see.End(r.Result)
			e.add(r.Result, r.index)
			continue
		}
		*r.Result = Result{Run: r.Run, Attempts: r.Attempts}
		if r.Place.Virtual() {
			e.runGuest(ctx, &guest{at: r.Place, runs: []task{r}})
		} else {
			e.runOne(ctx, r)
		}
	}
}

// next takes the first run that waits.
func (d *doubtful) next() (r task, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 {
		return r, false
	}
	r = d.waiting[0]
	d.waiting = d.waiting[1:]
	return r, true
}
