package main

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

// place is where a run takes place. The zero place is this machine, in real time.
type place struct {
	// kernel is the guest's; its Version is "" on this machine itself.
	kernel vm.Kernel
	// warp is set where the guest's time jumps over idleness.
	warp bool
}

func (p *place) virtual() bool { return p.kernel.Version != "" }

// String says where, for people: "warped on Linux 6.1.0-50-cloud-amd64".
func (p *place) String() string {
	switch {
	case p.warp:
		return "warped on Linux " + p.kernel.Version
	case p.virtual():
		return "on Linux " + p.kernel.Version
	}
	return ""
}

// column names the place over a column: its kernel.
func (p *place) column() string {
	if p.virtual() {
		return p.kernel.Version
	}
	return running
}

// running names, in place of a version, the kernel that this machine runs on.
const running = "running"

// placing says how runs are distributed to places.
type placing struct {
	// warp and kernels are the flags; long has long runs take place in real time.
	warp, long bool
	kernels    []string
	// named is set where the runs were asked for by name.
	named bool
}

// placed is a run at its place.
type placed struct {
	scenario *language.Scenario
	place    place
}

// place decides where each run takes place: on each of the kernels asked for, else where it suits. left are the runs that
// take place nowhere, for the reason given.
func (p *placing) place(runs []*language.Scenario) (all []placed, left []*language.Scenario, why string, err error) {
	kernels := p.kernels
	if len(kernels) == 0 {
		kernels = []string{running}
		if p.warp {
			kernels = []string{""}
		}
	}
	var seen []vm.Kernel
	for _, name := range kernels {
		var k vm.Kernel // the zero one stands for the running one
		if name != running {
			if k, err = vm.FindKernel(name); err != nil {
				return nil, nil, "", err
			}
		}
		if slices.Contains(seen, k) {
			continue // 6.1 and 6.1.0 may be the same
		}
		seen = append(seen, k)
		if name == running {
			kept, none, reason := p.placeHere(runs)
			all, left, why = append(all, kept...), append(left, none...), reason
			continue
		}
		for _, s := range runs {
			all = append(all, placed{s, place{kernel: k, warp: p.warp || s.Estimate() >= longest && !p.long}})
		}
	}
	return all, left, why, nil
}

// placeHere has runs take place on this machine, but long ones in warped time, if that can be had. why is the reason if it
// cannot, and there are long ones.
func (p *placing) placeHere(runs []*language.Scenario) (all []placed, left []*language.Scenario, why string) {
	warped, err := place{}, error(nil)
	looked := false
	for _, s := range runs {
		if s.Estimate() < longest || p.long {
			all = append(all, placed{scenario: s})
			continue
		}
		if !looked {
			looked = true
			if len(p.kernels) > 0 {
				err = errors.New("the running kernel, which was asked for, cannot be warped")
			} else {
				warped, err = warpPlace()
			}
			if err != nil {
				why = err.Error()
			}
		}
		if err == nil || p.named {
			all = append(all, placed{s, warped})
		} else {
			left = append(left, s)
		}
	}
	return all, left, why
}

// longHere counts the runs that take long in real time on this machine, and tells how long the longest is.
func longHere(all []placed) (n int, most time.Duration) {
	for i := range all {
		if e := all[i].scenario.Estimate(); !all[i].place.virtual() && e >= longest {
			n++
			most = max(most, e)
		}
	}
	return n, most
}

// warpPlace is where long runs take place by themselves, if this machine can.
func warpPlace() (place, error) {
	if _, err := vm.FindEmulator(); err != nil {
		return place{}, err
	}
	k, err := vm.FindKernel("")
	if err != nil {
		return place{}, err
	}
	return place{kernel: k, warp: true}, nil
}

// jobs is how many runs go on at once in a guest. In warped time more than a few gain nothing, as runs
// take turns on its one processor; but idle hours cost something, too, and these pass for a few together.
func (p *place) jobs() int {
	if p.warp {
		return 3
	}
	return 8
}

// runGuests runs the tasks that take place in virtual machines: those on one kernel in the same machine, or in two where
// there are many.
func runGuests(ctx context.Context, tasks []*outcome, see observer, finish func(*outcome)) {
	slices.SortStableFunc(tasks, func(a, b *outcome) int { return int(b.task.scenario.Estimate() - a.task.scenario.Estimate()) })
	var groups []*guests
	for i, o := range tasks {
		var fits []*guests
		for _, g := range groups {
			if g.at == o.task.place {
				fits = append(fits, g)
			}
		}
		const few = 4
		if len(fits) == 0 || len(fits) == 1 && i >= few {
			fits = append(fits, &guests{at: o.task.place, see: see, finish: finish})
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
	at       place
	outcomes []*outcome
	see      observer
	finish   func(*outcome)
}

func (g *guests) run(ctx context.Context) {
	runs := make([]vm.Run, len(g.outcomes))
	for i, o := range g.outcomes {
		began, shown := time.Now(), false
		show := func() {
			if !shown {
				shown = true
				g.see.begin(&o.task)
			}
		}
		runs[i] = vm.Run{
			Scenario: o.task.scenario,
			Seed:     o.task.seed,
			Began:    func() { began = time.Now(); show() },
			Emit:     func(e trace.Event) { g.see.event(&o.task, &e) },
			Ended: func(t *trace.Trace, err error) {
				if ctx.Err() != nil && !shown {
					return // it was never begun
				}
				show()
				o.trace, o.err, o.took = t, err, time.Since(began)
				o.conclude(ctx)
				g.finish(o)
				g.see.end(o)
			},
		}
	}
	// Every run was told the error.
	_ = vm.Do(ctx, runs, vm.Options{
		Kernel: g.at.kernel,
		Warp:   g.at.warp,
		Jobs:   g.at.jobs(),
		Warn:   func(err error) { g.outcomes[0].slow = err },
	})
}

// conclude says what came of a run from its trace or error.
func (o *outcome) conclude(ctx context.Context) {
	var lacking *inject.MissingError
	switch {
	case o.err == nil:
		o.judge()
	case errors.As(o.err, &lacking):
		o.result = missing
	case ctx.Err() != nil:
		o.result = canceled
	default:
		o.result = broken
	}
}
