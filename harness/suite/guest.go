package suite

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/vm"
)

// guest is a virtual machine and its runs.
type guest struct {
	at   Place
	runs []task
}

// mostPlanned is how many runs are distributed to guests at a time: each is in memory, and in the
// job of its guest. The next ones begin when all of these have ended.
const mostPlanned = 1000

// runVirtual does runs in virtual machines.
func (e *engine) runVirtual(ctx context.Context, list []*todo) {
	var planned []task
	do := func() {
		var all sync.WaitGroup
		for _, g := range guestsFor(planned, runtime.NumCPU()) {
			all.Go(func() { e.runGuest(ctx, g) })
		}
		all.Wait()
		planned = nil
	}
	for t := range e.tasks(list) {
		if ctx.Err() != nil {
			return
		}
		if planned = append(planned, t); len(planned) == mostPlanned {
			do()
		}
	}
	do()
}

// guestsFor distributes runs to virtual machines. In warped time, runs wait for each other's work, so
// each of the first runs of a place gets a guest, as long as there are processors for them. In real
// time, a guest does a few runs without another; two do any number.
func guestsFor(runs []task, processors int) []*guest {
	const few, most = 4, 4
	var all []*guest
	for _, r := range runs {
		var fits []*guest
		for _, g := range all {
			if g.at == r.Place {
				fits = append(fits, g)
			}
		}
		more := len(fits) == 0 || len(fits) == 1 && len(fits[0].runs) >= few ||
			r.Place.Warp && len(fits) < min(processors, most)
		if more {
			g := &guest{at: r.Place}
			fits, all = append(fits, g), append(all, g)
		}
		g := slices.MinFunc(fits, func(a, b *guest) int { return len(a.runs) - len(b.runs) })
		g.runs = append(g.runs, r)
	}
	return all
}

// atOnce is how many runs go on at once in a guest. In warped time more than a few gain nothing,
// because they take turns on the guest's one processor. A few do gain: idle hours cost some time,
// too, and pass for all of them together.
func (g *guest) atOnce() int {
	if g.at.Warp {
		return 3
	}
	return 8
}

// Booter is an [Observer] that also follows the virtual machines of the suite.
type Booter interface {
	// Boots is called when a virtual machine begins to boot, and what it returns once: when the first
	// run in it begins, or when it has ended without one.
	Boots(Place) (booted func())
}

// boots passes the boot of a guest to the observer.
func (e *engine) boots(at Place) (booted func()) {
	if see, ok := e.see.(Booter); ok {
		return sync.OnceFunc(see.Boots(at))
	}
	return func() {}
}

// runGuest does the runs of a guest. If it does not boot, each of them gets the error.
func (e *engine) runGuest(ctx context.Context, g *guest) {
	booted := e.boots(g.at)
	defer booted()
	tasks := make([]vm.Task, len(g.runs))
	for i, r := range g.runs {
		began, shown := time.Now(), len(r.Attempts) > 0
		gone := func() {}
		show := func() {
			if !shown {
				shown = true
				e.begin(r)
			}
		}
		tasks[i] = vm.Task{
			Scenario: r.Scenario,
			Seed:     r.Seed,
			Began: func() {
				booted()
				began = time.Now()
				show()
				gone = e.opened(&r.Run, nil)
			},
			Emit: func(ev trace.Event) { e.see.Event(&r.Run, &ev) },
			Ended: func(t *trace.Trace, err error) {
				gone()
				if ctx.Err() != nil && !shown {
					return // it never began
				}
				show()
				e.end(ctx, r, t, err, began)
			},
		}
		dir, err := prepareLogs(&r)
		if err != nil {
			e.notDone(err)
		}
		if dir != "" {
			tasks[i].Log = (&guestLogs{dir: dir, failed: e.notDone}).add
		}
	}
	e.suite.boot(ctx, g, tasks)
}

// bootGuest boots a guest and does its tasks.
func (s *Suite) bootGuest(ctx context.Context, g *guest, tasks []vm.Task) {
	kernel, err := vm.FindKernel(cmp.Or(g.at.Image, g.at.Kernel))
	if err != nil { // the image has gone since New
		for i := range tasks {
			tasks[i].Ended(nil, err)
		}
		return
	}
	// Every run got the error.
	_ = vm.Do(ctx, tasks, vm.Options{
		Kernel: kernel, Warp: g.at.Warp, AtOnce: g.atOnce(), Warn: s.o.Warn,
		NoTracepoints: s.o.NoTracepoints,
	})
}
