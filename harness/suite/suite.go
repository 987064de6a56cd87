package suite

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

// What came of a run is a package of its own, [result], which reports can import without the lab. These are its types.
type (
	// Run is one run of a case: scenario, repetition, seed and place.
	Run = result.Run
	// Place is where a run takes place; the zero Place is this machine, in real time.
	Place = result.Place
	// Result is a run and what came of it: status, trace, verdicts, or the error that left it without.
	Result = result.Result
	// Status sums up what came of a run; its zero value is NotRun.
	Status = result.Status
)

// The statuses of a run.
const (
	NotRun   = result.NotRun
	Pass     = result.Pass
	Fail     = result.Fail
	Skip     = result.Skip
	Error    = result.Error
	Canceled = result.Canceled
)

// Options say where and how often cases are run. The zero value runs each once on this machine, with seed 0; cases of
// [Long] and more in warped time, if that can be had, and leaves them out if not.
type Options struct {
	// Repeat is how often each case is run; 0 and 1 are once.
	Repeat int
	// Seed is that of each first run, so that a seed repeats a run whichever others are run with it. Repetition n has
	// Seed+n-1.
	Seed uint64
	// Jobs is how many runs go on at once on this machine, where they mostly wait; 0 is 8 for each processor. Guests have
	// limits of their own.
	Jobs int

	// Warp has all runs take place in warped time: in a virtual machine whose clock jumps to the next timer whenever it is
	// idle.
	Warp bool
	// Kernels are the kernels to run each case on: a version or its beginning, the path of a bzImage, or [Running].
	// Without any, it is the running kernel, or with Warp the newest that can be booted. The same kernel given twice counts
	// once.
	Kernels []string
	// Long has long cases take place in real time, too.
	Long bool
	// Named says that the cases were asked for by name: long ones that cannot be warped then take place in real time
	// rather than be left out.
	Named bool

	// Dir, if not "", is the directory below which each run's trace, capture and verdict are stored, as
	// Dir/SCENARIO/CASE[-v6][/N]. Files of an older run are replaced. See [result.Find] and [result.Load].
	Dir string
	// Warn, if not nil, is called with what makes virtual machines slower than they need be. Guests that run side by side
	// call it from several goroutines.
	Warn func(error)
}

// Suite is many runs. It is made by [New].
type Suite struct {
	// Runs are in the order of the cases, kernel by kernel; repetitions of a run follow each other. Some may be left out
	// before the suite is run, but none changed.
	Runs []Run
	// LeftOut are the cases that take [Long] or more and are not run, as they would have to be in real time.
	LeftOut []*language.Scenario
	// WhyReal says why long cases cannot be warped; nil if they can, or if there are none.
	WhyReal error

	o     Options
	store *store
}

// New decides where each case is run, and how often. The error says which kernel cannot be had; it is a
// *inject.MissingError.
func New(cases []*language.Scenario, o Options) (*Suite, error) {
	s := &Suite{o: o}
	places, err := s.place(cases)
	if err != nil {
		return nil, err
	}
	s.Runs = repeat(places, o.Repeat, o.Seed)
	if o.Dir != "" {
		s.store = newStore(o.Dir, s.Runs)
	}
	return s, nil
}

// repeat repeats each run.
func repeat(runs []Run, times int, seed uint64) []Run {
	var out []Run
	for _, r := range runs {
		r.Seed = seed
		if times <= 1 {
			out = append(out, r)
			continue
		}
		for r.N = 1; r.N <= times; r.N++ {
			out = append(out, r)
			r.Seed++
		}
	}
	return out
}

// Observer follows runs while they go on. Its methods are called by several goroutines at once, those of one run in the
// order Begin, Event..., End, each with the same *Run.
type Observer interface {
	// Begin is called when a run begins.
	Begin(*Run)
	// Event is called with each event as it arrives; packets and sockets arrive a little late and out of order. The event
	// must not be changed.
	Event(*Run, *trace.Event)
	// End is called when a run has been judged, and stored, or canceled.
	End(*Result)
}

// silent is the observer of suites without one.
type silent struct{}

func (silent) Begin(*Run)               {}
func (silent) Event(*Run, *trace.Event) {}
func (silent) End(*Result)              {}

// Main runs the calling process as a lab, an actor, or the init of a guest, if it was started as one, and does not return
// then. Any other process it leaves alone.
func Main() {
	harness.Main()
	vm.Main()
}

// Run runs the suite and returns the results in the order of s.Runs. see may be nil. On this machine the longest runs come
// first, so that none is left to the end. A canceled context ends the runs that go on and leaves out the rest: their
// results are Canceled and NotRun. The error is about storing evidence: what became of the runs is in the results.
func (s *Suite) Run(ctx context.Context, see Observer) ([]Result, error) {
	e := &engine{suite: s, see: see, results: make([]Result, len(s.Runs))}
	if see == nil {
		e.see = silent{}
	}
	var here, virtual []*Result
	for i := range e.results {
		r := &e.results[i]
		r.Run = s.Runs[i]
		if r.Place.Virtual() {
			virtual = append(virtual, r)
		} else {
			here = append(here, r)
		}
	}
	longestFirst(here)
	longestFirst(virtual)
	var all sync.WaitGroup
	for _, g := range guestsFor(virtual) {
		all.Go(func() { e.runGuest(ctx, g) })
	}
	e.runHere(ctx, here)
	all.Wait()
	return e.results, errors.Join(e.unsaved...)
}

func longestFirst(results []*Result) {
	slices.SortStableFunc(results, func(a, b *Result) int {
		return cmp.Compare(b.Scenario.Estimate(), a.Scenario.Estimate())
	})
}

// engine is a suite that runs.
type engine struct {
	suite   *Suite
	see     Observer
	results []Result

	mu sync.Mutex
	// unsaved are the errors of storing.
	unsaved []error
}

// runHere runs on this machine, some at a time.
func (e *engine) runHere(ctx context.Context, todo []*Result) {
	jobs := e.suite.o.Jobs
	if jobs <= 0 {
		jobs = 8 * runtime.NumCPU()
	}
	next := make(chan *Result)
	var workers sync.WaitGroup
	for range min(jobs, len(todo)) {
		workers.Go(func() {
			for r := range next {
				e.runOne(ctx, r)
			}
		})
	}
	for _, r := range todo {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- r:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
}

// runOne does a run on this machine.
func (e *engine) runOne(ctx context.Context, r *Result) {
	e.see.Begin(&r.Run)
	began := time.Now()
	t, err := harness.Run(ctx, r.Scenario, harness.Options{
		Seed: r.Seed,
		Emit: func(ev trace.Event) { e.see.Event(&r.Run, &ev) },
	})
	e.end(ctx, r, t, err, time.Since(began))
}

// end judges a run that is over, stores it and reports it.
func (e *engine) end(ctx context.Context, r *Result, t *trace.Trace, err error, took time.Duration) {
	r.Trace, r.Err, r.Took = t, err, took
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
	if e.suite.store != nil {
		if err := e.suite.store.save(r); err != nil {
			e.mu.Lock()
			e.unsaved = append(e.unsaved, err)
			e.mu.Unlock()
		}
	}
	e.see.End(r)
}
