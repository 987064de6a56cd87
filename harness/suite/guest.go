package suite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/vm"
)

// guest is the runs of one virtual machine.
type guest struct {
	at   Place
	runs []*Result
}

// guestsFor distributes runs to virtual machines: those at one place to the same machine, or to two where there are many.
func guestsFor(runs []*Result) []*guest {
	const few = 4
	var all []*guest
	for i, r := range runs {
		var fits []*guest
		for _, g := range all {
			if g.at == r.Place {
				fits = append(fits, g)
			}
		}
		if len(fits) == 0 || len(fits) == 1 && i >= few {
			g := &guest{at: r.Place}
			fits, all = append(fits, g), append(all, g)
		}
		g := slices.MinFunc(fits, func(a, b *guest) int { return len(a.runs) - len(b.runs) })
		g.runs = append(g.runs, r)
	}
	return all
}

// atOnce is how many runs go on at once in a guest. In warped time more than a few gain nothing, as runs take turns on its
// one processor; but idle hours cost something, too, and these pass for a few together.
func (g *guest) atOnce() int {
	if g.at.Warp {
		return 3
	}
	return 8
}

// runGuest boots a guest and does its runs. Where it cannot be booted, that is the error of each of its runs.
func (e *engine) runGuest(ctx context.Context, g *guest) {
	tasks := make([]vm.Task, len(g.runs))
	for i, r := range g.runs {
		began, shown := time.Now(), false
		show := func() {
			if !shown {
				shown = true
				e.see.Begin(&r.Run)
			}
		}
		tasks[i] = vm.Task{
			Scenario: r.Scenario,
			Seed:     r.Seed,
			Began:    func() { began = time.Now(); show() },
			Emit:     func(ev trace.Event) { e.see.Event(&r.Run, &ev) },
			Ended: func(t *trace.Trace, err error) {
				if ctx.Err() != nil && !shown {
					return // it was never begun
				}
				show()
				e.end(ctx, r, t, err, time.Since(began))
			},
		}
	}
	kernel, err := vm.FindKernel(cmp.Or(g.at.Image, g.at.Kernel))
	if err != nil { // it is gone since the suite was made
		for i := range tasks {
			tasks[i].Ended(nil, err)
		}
		return
	}
	// Every run got the error.
	_ = vm.Do(ctx, tasks, vm.Options{Kernel: kernel, Warp: g.at.Warp, AtOnce: g.atOnce(), Warn: e.suite.o.Warn})
}
