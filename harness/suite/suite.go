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
	"halfopen/internal/kernel"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

// Results are in package [result], which reports can import without the lab. These are its types.
type (
	// Run is one run of a case: scenario, repetition, seed and place.
	Run = result.Run
	// Place is where a run takes place; the zero Place is this machine, in real time.
	Place = result.Place
	// Result is a run and its outcome: status, trace, verdicts, or the error that prevented them.
	Result = result.Result
	// Status sums up the outcome of a run; its zero value is NotRun.
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

// Options say where and how often cases are run. The zero value runs each once on this machine,
// with seed 0. Cases of [Long] and more run in warped time, and are left out if this machine cannot
// warp.
type Options struct {
	// Repeat is how often each case is run; 0 and 1 mean once.
	Repeat int
	// Seed is the seed of the first run of each case; repetition n has Seed+n-1. It does not depend
	// on the other cases, so a seed repeats a run whatever runs with it.
	Seed uint64
	// Jobs is how many runs go on at once on this machine, where they mostly wait; 0 means 8 for
	// each processor. It does not apply to guests.
	Jobs int

	// Warp runs everything in warped time: in a virtual machine whose clock jumps to the next timer
	// whenever it is idle.
	Warp bool
	// Kernels are the kernels to run each case on: a version or its beginning, the path of a
	// bzImage, or [Running]. The default is the running kernel, or with Warp the newest that can be
	// booted. A kernel given twice counts once.
	Kernels []string
	// Long runs long cases in real time, too.
	Long bool
	// Named says that the user named the cases: long ones that cannot be warped then run in real
	// time instead of being left out.
	Named bool

	// NoTracepoints leaves the kernel's tracepoints alone, as on a machine that does not allow them.
	NoTracepoints bool

	// Control adds to each run its controls: the same run without each of the scenario's faults,
	// kernel parameters and socket options. [result.Controls] compares them. The results of
	// controls have no trace, because a library has a thousand of them; Dir stores it.
	Control bool

	// Dir, if not "", is the directory below which each run's trace, capture and verdict are stored, as
	// Dir/SCENARIO/CASE[-v6][/without_SETTING][/N]. Files of an older run are replaced. See
	// [result.Find] and [result.Load].
	Dir string
	// Warn, if not nil, is called with each reason why virtual machines run slower than they could.
	// It must be safe for concurrent use: guests run side by side.
	Warn func(error)
}

// Suite is a set of runs. Make it with [New].
type Suite struct {
	// Runs are in the order of the cases, kernel by kernel; repetitions of a run follow each other.
	// Before Run, the caller may remove runs but not change them.
	Runs []Run
	// LeftOut are the cases that take [Long] or more and are not run, because they would have to
	// run in real time.
	LeftOut []*language.Scenario
	// WhyReal says why long cases cannot be warped. It is nil if they can, or if no case is long.
	WhyReal error

	o     Options
	store *store
}

// New decides where each case is run, and how often. The error says which kernel is missing, or that
// this machine does not run Linux; it is a *inject.MissingError.
func New(cases []*language.Scenario, o Options) (*Suite, error) {
	if err := kernel.CheckSystem(runtime.GOOS, "every lab"); err != nil {
		return nil, err
	}
	s := &Suite{o: o}
	places, err := s.place(cases)
	if err != nil {
		return nil, err
	}
	if o.Control {
		places = withControls(places)
	}
	s.Runs = repeat(places, o.Repeat, o.Seed)
	if o.Dir != "" {
		s.store = newStore(o.Dir, s.Runs)
	}
	return s, nil
}

// repeat returns each run times times (at least once), with its number and seed.
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

// Observer follows runs while they go on. Its methods are called by several goroutines at once; for
// one run they are called in the order Begin, Event..., End, each with the same *Run.
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

// Main does the work of a process that was started as a lab, an actor or the init of a guest, and
// never returns there. In any other process it does nothing.
func Main() {
	harness.Main()
	vm.Main()
}

// Run runs the suite and returns the results in the order of s.Runs. see may be nil. The longest
// runs start first, so that no long one starts last. A canceled context ends the current runs,
// which become Canceled, and leaves out the rest, which become NotRun. The error is about storing
// evidence only: errors of runs are in the results.
func (s *Suite) Run(ctx context.Context, see Observer) ([]Result, error) {
	e := &engine{suite: s, see: see, results: make([]Result, len(s.Runs))}
	if see == nil {
		e.see = silent{}
	}
	if s.store != nil {
		e.dirs = map[*Result]string{}
		for i, dir := range s.store.dirsOf(s.Runs) {
			e.dirs[&e.results[i]] = dir
		}
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

// engine is a running suite.
type engine struct {
	suite   *Suite
	see     Observer
	results []Result
	// dirs has the directory of each result; nil if runs are not stored.
	dirs map[*Result]string

	mu sync.Mutex
	// unsaved are the errors of storing.
	unsaved []error
}

// runHere does runs on this machine, at most Jobs at a time.
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
	complete := false
	t, err := harness.Run(ctx, r.Scenario, harness.Options{
		Seed: r.Seed, NoTracepoints: e.suite.o.NoTracepoints,
		Emit: func(ev trace.Event) { e.see.Event(&r.Run, &ev) },
		Complete: func(t *trace.Trace) {
			complete = true
			e.end(ctx, r, t, nil, time.Since(began))
		},
	})
	if !complete {
		e.end(ctx, r, t, err, time.Since(began))
	}
}

// end judges a run that is over, stores it, and passes it to the observer.
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
	if e.dirs != nil {
		if err := save(r, e.dirs[r]); err != nil {
			e.mu.Lock()
			e.unsaved = append(e.unsaved, err)
			e.mu.Unlock()
		}
	}
	e.see.End(r)
	if r.Scenario.Without != nil {
		r.Trace = nil
	}
}
