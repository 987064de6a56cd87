package suite

import (
	"context"
	"errors"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

// Place is where a run takes Place. The zero Place is this machine, in real time.
type Place struct {
	// Kernel is the guest's; its Version is "" on this machine itself.
	Kernel vm.Kernel
	// Warp is set where the guest's time jumps over idleness.
	Warp bool
}

func (p *Place) Virtual() bool { return p.Kernel.Version != "" }

// String says where, for people: "warped on Linux 6.1.0-50-cloud-amd64".
func (p *Place) String() string {
	switch {
	case p.Warp:
		return "warped on Linux " + p.Kernel.Version
	case p.Virtual():
		return "on Linux " + p.Kernel.Version
	}
	return ""
}

// Column names the place over a Column: its kernel.
func (p *Place) Column() string {
	if p.Virtual() {
		return p.Kernel.Version
	}
	return Running
}

// Long is how long a run may take to take place in real time by itself.
const Long = 20 * time.Second

// Running names, in place of a version, the kernel that this machine runs on.
const Running = "running"

// Placing says how runs are distributed to places.
type Placing struct {
	// Warp and kernels are the flags; Long has Long runs take place in real time.
	Warp, Long bool
	Kernels    []string
	// Named is set where the runs were asked for by name.
	Named bool
}

// Placed is a run at its place.
type Placed struct {
	Scenario *language.Scenario
	Place    Place
}

// Place decides where each run takes Place: on each of the kernels asked for, else where it suits. left are the runs that
// take Place nowhere, for the reason given.
func (p *Placing) Place(runs []*language.Scenario) (all []Placed, left []*language.Scenario, why string, err error) {
	kernels := p.Kernels
	if len(kernels) == 0 {
		kernels = []string{Running}
		if p.Warp {
			kernels = []string{""}
		}
	}
	var seen []vm.Kernel
	for _, name := range kernels {
		var k vm.Kernel // the zero one stands for the running one
		if name != Running {
			if k, err = vm.FindKernel(name); err != nil {
				return nil, nil, "", err
			}
		}
		if slices.Contains(seen, k) {
			continue // 6.1 and 6.1.0 may be the same
		}
		seen = append(seen, k)
		if name == Running {
			kept, none, reason := p.placeHere(runs)
			all, left, why = append(all, kept...), append(left, none...), reason
			continue
		}
		for _, s := range runs {
			all = append(all, Placed{s, Place{Kernel: k, Warp: p.Warp || s.Estimate() >= Long && !p.Long}})
		}
	}
	return all, left, why, nil
}

// placeHere has runs take place on this machine, but long ones in warped time, if that can be had. why is the reason if it
// cannot, and there are long ones.
func (p *Placing) placeHere(runs []*language.Scenario) (all []Placed, left []*language.Scenario, why string) {
	warped, err := Place{}, error(nil)
	looked := false
	for _, s := range runs {
		if s.Estimate() < Long || p.Long {
			all = append(all, Placed{Scenario: s})
			continue
		}
		if !looked {
			looked = true
			if len(p.Kernels) > 0 {
				err = errors.New("the running kernel, which was asked for, cannot be warped")
			} else {
				warped, err = WarpPlace()
			}
			if err != nil {
				why = err.Error()
			}
		}
		if err == nil || p.Named {
			all = append(all, Placed{s, warped})
		} else {
			left = append(left, s)
		}
	}
	return all, left, why
}

// LongHere counts the runs that take long in real time on this machine, and tells how long the longest is.
func LongHere(all []Placed) (n int, most time.Duration) {
	for i := range all {
		if e := all[i].Scenario.Estimate(); !all[i].Place.Virtual() && e >= Long {
			n++
			most = max(most, e)
		}
	}
	return n, most
}

// WarpPlace is where long runs take place by themselves, if this machine can.
func WarpPlace() (Place, error) {
	if _, err := vm.FindEmulator(); err != nil {
		return Place{}, err
	}
	k, err := vm.FindKernel("")
	if err != nil {
		return Place{}, err
	}
	return Place{Kernel: k, Warp: true}, nil
}

// jobs is how many runs go on at once in a guest. In warped time more than a few gain nothing, as runs
// take turns on its one processor; but idle hours cost something, too, and these pass for a few together.
func (p *Place) jobs() int {
	if p.Warp {
		return 3
	}
	return 8
}

// runGuests runs the tasks that take place in virtual machines: those on one kernel in the same machine, or in two where
// there are many.
func runGuests(ctx context.Context, tasks []*Result, see Observer, finish func(*Result)) {
	slices.SortStableFunc(tasks, func(a, b *Result) int { return int(b.Run.Scenario.Estimate() - a.Run.Scenario.Estimate()) })
	var groups []*guests
	for i, o := range tasks {
		var fits []*guests
		for _, g := range groups {
			if g.at == o.Run.Place {
				fits = append(fits, g)
			}
		}
		const few = 4
		if len(fits) == 0 || len(fits) == 1 && i >= few {
			fits = append(fits, &guests{at: o.Run.Place, see: see, finish: finish})
			groups = append(groups, fits[len(fits)-1])
		}
		g := slices.MinFunc(fits, func(a, b *guests) int { return len(a.outcomes) - len(b.outcomes) })
		g.outcomes = append(g.outcomes, o)
	}
	done := make(chan struct{})
	for _, g := range groups {
		go func() {
			g.run(ctx)
			done <- struct{}{}
		}()
	}
	for range groups {
		<-done
	}
}

// guests are the tasks of one virtual machine.
type guests struct {
	at       Place
	outcomes []*Result
	see      Observer
	finish   func(*Result)
}

func (g *guests) run(ctx context.Context) {
	runs := make([]vm.Run, len(g.outcomes))
	for i, o := range g.outcomes {
		began, shown := time.Now(), false
		show := func() {
			if !shown {
				shown = true
				g.see.Begin(&o.Run)
			}
		}
		runs[i] = vm.Run{
			Scenario: o.Run.Scenario,
			Seed:     o.Run.Seed,
			Began:    func() { began = time.Now(); show() },
			Emit:     func(e trace.Event) { g.see.Event(&o.Run, &e) },
			Ended: func(t *trace.Trace, err error) {
				if ctx.Err() != nil && !shown {
					return // it was never begun
				}
				show()
				o.Trace, o.Err, o.Took = t, err, time.Since(began)
				o.conclude(ctx)
				g.finish(o)
				g.see.End(o)
			},
		}
	}
	// Every run was told the error.
	_ = vm.Do(ctx, runs, vm.Options{
		Kernel: g.at.Kernel,
		Warp:   g.at.Warp,
		Jobs:   g.at.jobs(),
		Warn:   func(err error) { g.outcomes[0].Slow = err },
	})
}

// conclude says what came of a run from its trace or error.
func (o *Result) conclude(ctx context.Context) {
	var lacking *inject.MissingError
	switch {
	case o.Err == nil:
		o.Judge()
	case errors.As(o.Err, &lacking):
		o.Status = Missing
	case ctx.Err() != nil:
		o.Status = Canceled
	default:
		o.Status = Broken
	}
}
