package suite

import (
	"context"
	"math"
	"runtime"
	"sync"
	"time"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
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
	NotRun       = result.NotRun
	Pass         = result.Pass
	Fail         = result.Fail
	Inconclusive = result.Inconclusive
	Skip         = result.Skip
	Error        = result.Error
	Canceled     = result.Canceled
)

// Options say where and how often cases are run. The zero value runs each once on this machine,
// with seed 0. Cases of [Long] and more run in warped time, and are left out if this machine cannot
// warp.
type Options struct {
	// Repeat is how often each case is run; 0 and 1 mean once. With UntilFail it is the most, and 0
	// means that there is none.
	Repeat int
	// UntilFail repeats the cases, all of them in turn, until a run fails or breaks off, which ends the
	// suite. A case that is skipped is not repeated. Only runs that did not pass are stored.
	UntilFail bool
	// Seed is the seed of the first run of each case; repetition n has Seed+n-1. It does not depend
	// on the other cases, so a seed repeats a run whatever runs with it.
	Seed uint64
	// Jobs is how many runs go on at once on this machine, where they mostly wait; 0 means [Jobs].
	// While the machine is late, fewer do; see [Results.Pace]. It does not apply to guests.
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

	// Opened, if not nil, is called when the actors of a run begin, with its lab, which is nil in a virtual
	// machine: nobody reaches it there. It must return at once. What it returns is called when the lab is
	// gone.
	Opened func(*Run, *harness.Lab) (gone func())
	// Keep, if not nil, is called with the result of each run on this machine that has failed, after
	// [Observer.End]. The lab is kept as it is until it returns.
	Keep func(context.Context, *Result, *harness.Lab)

	// Hold keeps the lab of each run on this machine, see [harness.Options.Hold]; Opened gets it. Off are
	// faults that only its holder switches.
	Hold harness.Hold
	Off  []string

	// NoRepeat leaves inconclusive runs as they are. Without it, each is repeated, at most twice, when
	// no other run goes on.
	NoRepeat bool

	// Writable are folders of this machine that programs of the scenarios may write to, as absolute
	// paths. Guests do not have them.
	Writable []string
	// NoTracepoints leaves the kernel's tracepoints alone, as on a machine that does not allow them.
	NoTracepoints bool

	// FailFast ends the suite when a run has not passed. Skipped runs are left alone, unless NoSkip is
	// set, which does nothing else here. Controls are no reason.
	FailFast, NoSkip bool
	// MaxTime, if not 0, ends the suite after this time.
	MaxTime time.Duration

	// Control adds to each run its controls: the same run without each of the scenario's faults,
	// kernel parameters and socket options. [result.Controls] compares them.
	Control bool

	// Shard is the part of the suite that this machine does; the zero Shard is all of it. The shards of
	// a suite need the same cases and options, the seed included. It does not apply to UntilFail.
	Shard Shard

	// Dir, if not "", is the directory below which each run's trace, capture and verdict are stored, as
	// Dir/SCENARIO/[CASE/]FAMILY[/KERNEL][/without_SETTING][/N]: KERNEL with Kernels or Warp, N with
	// Repeat. Files of an older run are replaced. See [result.Find] and [result.Load].
	Dir string
	// DirName, if not "", is the name of Dir in [Result.Dir]: that of an archive which it becomes.
	DirName string
	// Shared are the names of scenarios that several files have: SCENARIO is NAME@FILE there. nil takes
	// those of the cases. Whoever runs only some cases of many files has the names of all.
	Shared map[string]bool
	// NoConfig says that halfopen.yaml must be left alone when a run is repeated, because its values are
	// here: see [Result.Rerun].
	NoConfig bool
	// Warn, if not nil, is called with each reason why virtual machines run slower than they could.
	// It must be safe for concurrent use: guests run side by side.
	Warn func(error)
}

// Suite is a set of runs. Make it with [New].
type Suite struct {
	// Runs are in the order of the cases, kernel by kernel: those of all shards. Each is done as often
	// as [Options.Repeat] says; here it is the first of its repetitions, with the number 0. The caller
	// must not change them.
	Runs []Run
	// LeftOut are the cases that take [Long] or more and are not run, because they would have to
	// run in real time.
	LeftOut []*language.Scenario
	// WhyReal says why long cases cannot be warped. It is nil if they can, or if no case is long.
	WhyReal error

	o     Options
	store *store
	// mine are the runs that this machine does.
	mine portion
	// lab does a run on this machine: [harness.Run].
	lab func(context.Context, *language.Scenario, harness.Options) (*trace.Trace, error)
	// boot does runs in a virtual machine: [Suite.bootGuest].
	boot func(context.Context, *guest, []vm.Task)
	// placed is the number of runs that New made.
	placed int
	// after is [time.AfterFunc].
	after func(time.Duration, func()) *time.Timer
}

// New decides where each case is run, and how often. The error is a *inject.MissingError: a kernel is
// missing, this machine has too few threads, or it does not run Linux. Any other is about
// [Options.Shard], or about symbolic links below [Options.Dir].
func New(cases []*language.Scenario, o Options) (*Suite, error) {
	if err := kernel.CheckSystem(runtime.GOOS, "every lab"); err != nil {
		return nil, err
	}
	if err := kernel.CheckRoom(); err != nil {
		return nil, err
	}
	s := &Suite{o: o, lab: harness.Run, after: time.AfterFunc}
	s.boot = s.bootGuest
	runs, err := s.place(cases)
	if err != nil {
		return nil, err
	}
	if o.Control {
		runs = withControls(runs)
	}
	s.placed = len(runs)
	each := max(o.Repeat, 1)
	if o.UntilFail {
		each = 1 // they take turns
	}
	for i := range runs {
		runs[i].Seed, runs[i].Index = o.Seed, firstIndex(i, each)
	}
	s.Runs = runs
	if !o.Shard.IsZero() {
		if s.mine, err = portionOf(runs, o.Repeat, o.Shard); err != nil {
			return nil, err
		}
	}
	if o.Dir != "" {
		s.store = newStore(&o, s.Runs)
		if err := s.store.checkLinks(o.Dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// mostIndex is the largest index of a run, up to which every reader of JSON counts exactly. No suite
// gets there.
const mostIndex int = min(math.MaxInt, 1<<53-1)

// firstIndex returns the index of the first repetition of the run i of a suite: how many are before it.
func firstIndex(i, repeat int) int {
	if i > 0 && repeat > mostIndex/i {
		return mostIndex
	}
	return i * repeat
}

// conditions are what of the options a command needs to repeat a run.
func (s *Suite) conditions() result.Conditions {
	return result.Conditions{
		Kernels: len(s.o.Kernels) > 0, NoRepeat: s.o.NoRepeat, NoTracepoints: s.o.NoTracepoints,
		Writable: s.o.Writable, NoConfig: s.o.NoConfig,
	}
}

// Observer follows runs while they go on. Its methods are called by several goroutines at once; for
// one run they are called in the order Begin, Event..., End, each with the same *Run.
type Observer interface {
	// Begin is called when a run begins.
	Begin(*Run)
	// Event is called with each event as it arrives; packets and sockets arrive a little late and out
	// of order. The event must not be changed.
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

// Run runs the suite. see may be nil. The longest runs start first, so that no long one starts last.
// A canceled context ends the current runs, which become Canceled, and leaves out the rest, which
// are counted as NotRun. So do [Options.FailFast], MaxTime and UntilFail; see [Results.Stop]. Errors of runs are in the results. The error returned is about the time
// after the verdicts: evidence that was not stored, labs that did not end.
func (s *Suite) Run(ctx context.Context, see Observer) (Results, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	e := &engine{
		suite: s, see: see, starting: newStarting(), outcomes: outcomes{all: s.o.Control}, stop: stop,
	}
	if (s.o.Repeat > 1 || s.o.UntilFail) && !s.o.Control {
		for _, r := range s.Runs {
			e.repeated = append(e.repeated, result.NewRepetitions(r))
		}
	}
	if s.o.MaxTime > 0 {
		defer s.after(s.o.MaxTime, func() { stop(ended(result.OutOfTime)) }).Stop()
	}
	if see == nil {
		e.see = silent{}
	}
	var dirs []string
	if s.store != nil {
		dirs = s.store.dirsOf(s.Runs)
	}
	var here, virtual []*todo
	for i, r := range s.Runs {
		t := &todo{run: r, index: i, part: s.mine.of(i)}
		if t.part.from > t.part.to {
			continue // another shard's
		}
		if dirs != nil {
			t.dir = dirs[i]
		}
		if r.Place.Virtual() {
			virtual = append(virtual, t)
		} else {
			here = append(here, t)
		}
	}
	longestFirst(here)
	longestFirst(virtual)
	var all sync.WaitGroup
	all.Go(func() { e.runVirtual(ctx, virtual) })
	e.runHere(ctx, here)
	all.Wait()
	e.repeatAlone(ctx)
	results := e.results(s.Count())
	results.Pace = e.pace
	results.Rest = e.rest()
	results.Stop = e.stopped(ctx, &results)
	return results, e.notDoneErr()
}
