package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/vm"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// machines measures virtual machines: how long they take to boot, and how fast time passes in them.
func (b *bench) machines() error {
	b.head("virtual machine: from the start of halfopen's work to the first step, real time")
	k, err := vm.FindKernel(b.kernel)
	if err != nil {
		b.skip(err.Error())
		return nil
	}
	if _, err := exec.LookPath(vm.Emulator); err != nil {
		b.skip("install " + vm.Emulator + " (make deps-vm)")
		return nil
	}
	fmt.Printf("  Linux %s\n", k.Version)
	for _, part := range []func(vm.Kernel) error{b.boot, b.keepalive, b.long, b.guestDelay} {
		var lacking *inject.MissingError
		if err := part(k); errors.As(err, &lacking) {
			b.skip(err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// options returns the options of a machine in warped time.
func (b *bench) options(k vm.Kernel) vm.Options {
	return vm.Options{Kernel: k, Warp: true, AtOnce: 1, Program: b.halfopen}
}

// stage is a stage of a guest between its start and its first step. until describes the work that
// it ends.
type stage struct{ name, until string }

var (
	// firstStages are the stages of a guest that boots, as the first one with a kernel and a
	// program does. A snapshot is taken of it.
	firstStages = []stage{
		{"packed", "file system packed, kernel unpacked"},
		{"started", "QEMU started"},
		{"up", "kernel booted: its init is running"},
		{"modules loaded", "kernel modules loaded"},
		{"prepared", "eBPF programs loaded"},
		{"saved", "snapshot taken"},
		{"restored", "snapshot restored"},
		{"ready", "job read"},
		{"step", "lab built: its first step begins"},
	}
	// laterStages are the stages of the guests after it.
	laterStages = []stage{
		{"started", "snapshot found, QEMU started"},
		{"restored", "snapshot restored"},
		{"ready", "job read"},
		{"step", "lab built: its first step begins"},
	}
)

// boot measures the time to the first step, the fastest of several boots, and its parts: without a
// snapshot of the guest, and with one.
func (b *bench) boot(k vm.Kernel) error {
	cache, had := os.LookupEnv("XDG_CACHE_HOME")
	if err := os.Setenv("XDG_CACHE_HOME", filepath.Join(b.dir, "cache")); err != nil {
		return err
	}
	defer func() {
		if had {
			os.Setenv("XDG_CACHE_HOME", cache)
		} else {
			os.Unsetenv("XDG_CACHE_HOME")
		}
	}()
	for _, way := range []struct {
		name   string
		stages []stage
		before func() error
	}{
		{"booted", firstStages, func() error { return os.RemoveAll(filepath.Join(b.dir, "cache")) }},
		{"restored", laterStages, func() error { return nil }},
	} {
		if err := b.bootOften(k, way.name, way.stages, way.before); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) bootOften(k vm.Kernel, name string, stages []stage, before func() error) error {
	const most = 3 * time.Second
	var best map[string]time.Duration
	worked := busyChildren()
	for range b.repeat {
		if err := before(); err != nil {
			return err
		}
		at, err := b.bootOnce(k, stages)
		if err != nil {
			return err
		}
		if best == nil || at["step"] < best["step"] {
			best = at
		}
	}
	last := time.Duration(0)
	for _, s := range stages {
		b.plain(s.until, fmt.Sprintf("+ %.2f s", (best[s.name]-last).Seconds()))
		last = best[s.name]
	}
	text := fmt.Sprintf("%s to first step, the fastest of %d", name, b.repeat)
	b.figure(text, fmt.Sprintf("%.2f s", best["step"].Seconds()), "< 3 s", best["step"] < most)
	b.plain("QEMU's processor time for the whole of it, mean",
		fmt.Sprintf("%.2f s", (busyChildren()-worked).Seconds()/float64(b.repeat)))
	return nil
}

// bootOnce returns the time from the start to the first time that each stage was reached.
func (b *bench) bootOnce(k vm.Kernel, stages []stage) (map[string]time.Duration, error) {
	s, err := builtin(trivialScenario)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var mu sync.Mutex
	at := map[string]time.Duration{}
	reached := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if at[name] == 0 {
			at[name] = time.Since(began)
		}
	}
	o := b.options(k)
	o.Stage = reached
	_, err = inGuest([]*language.Scenario{s}, o, func(e *trace.Event) {
		if e.Start != nil && e.Start.Actor != "" {
			reached("step")
		}
	})
	if err != nil {
		return nil, err
	}
	for _, s := range stages {
		if at[s.name] == 0 {
			return nil, fmt.Errorf("the guest never reported the stage %q", s.name)
		}
	}
	return at, nil
}

// inGuest does runs in one machine and returns their traces in order. Runs that break off or fail
// are errors.
func inGuest(
	list []*language.Scenario, o vm.Options, see func(*trace.Event),
) ([]*trace.Trace, error) {
	traces := make([]*trace.Trace, len(list))
	var errs []error
	var tasks []vm.Task
	for i, s := range list {
		tasks = append(tasks, vm.Task{
			Scenario: s,
			Seed:     1,
			Began:    func() {},
			Emit:     func(e trace.Event) { see(&e) },
			Ended: func(t *trace.Trace, err error) {
				traces[i] = t
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", s.ID(), err))
				} else if assertions.Failed(assertions.Check(s, t)) {
					errs = append(errs, fmt.Errorf("%s fails", s.ID()))
				}
			},
		})
	}
	err := vm.Do(context.Background(), tasks, o)
	if err != nil {
		return nil, err
	}
	return traces, errors.Join(errs...)
}

// builtin returns the first case, in IPv4, of a built-in scenario.
func builtin(name string) (*language.Scenario, error) {
	f, err := scenarios.Builtin(name)
	if err != nil {
		return nil, err
	}
	cases, err := f.Expand(nil)
	if err != nil {
		return nil, err
	}
	return cases[0], nil
}

// keepalive measures the whole command for a scenario of over two hours, and for one IP version of
// it.
func (b *bench) keepalive(k vm.Kernel) error {
	const most = 10 * time.Second
	b.head("keepalive-default, 2 h 11 min 15 s in warped time: the whole command, real time")
	for _, args := range [][]string{nil, {"--case", "v4"}} {
		cmd := exec.Command(b.halfopen, append([]string{
			"run", "keepalive-default", "--warp", "--kernel", k.Version,
		}, args...)...)
		took, err := timed(cmd)
		if err != nil {
			return err
		}
		name := "halfopen run keepalive-default --warp"
		if args == nil {
			b.figure(name+" (v4 and v6)", sText(took), "< 10 s", took < most)
		} else {
			b.plain(name+" --case v4", sText(took))
		}
		b.plain("its processor time", sText(busy(cmd)))
	}
	return nil
}

// longest is the duration from which halfopen run chooses warped time by itself.
const longest = 20 * time.Second

// long measures all long runs of the library, in two machines as halfopen run does them.
func (b *bench) long(k vm.Kernel) error {
	const most = 60 * time.Second
	library, err := scenarios.Library()
	if err != nil {
		return err
	}
	var list []*language.Scenario
	for _, f := range library {
		cases, err := f.Expand(nil)
		if err != nil {
			return err
		}
		for _, s := range cases {
			if s.Estimate() >= longest {
				list = append(list, s)
			}
		}
	}
	b.head(fmt.Sprintf(
		"all %d long runs of the library in warped time, in two machines at once, real time", len(list)))
	groups := share(list, 2)
	worked, began := busyChildren(), time.Now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	virtual, errs := time.Duration(0), []error(nil)
	for _, g := range groups {
		wait.Go(func() {
			traces, err := inGuest(g, b.options(k), func(*trace.Event) {})
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			for _, t := range traces {
				if t != nil {
					_, took := t.End()
					virtual += took
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		fmt.Printf("  %v\n", err)
		b.figure("all pass", "no", "yes", false)
	}
	b.figure("wall time", sText(took), "< 60 s", took < most)
	b.plain("its processor time", sText(busyChildren()-worked))
	b.plain("virtual time", virtual.Round(time.Second).String())
	b.plain("virtual seconds per real second", fmt.Sprintf("%.0f", virtual.Seconds()/took.Seconds()))
	return nil
}

// share distributes runs to machines in turn, the longest first.
func share(list []*language.Scenario, machines int) [][]*language.Scenario {
	sorted := slices.SortedStableFunc(slices.Values(list),
		func(x, y *language.Scenario) int { return int(y.Estimate() - x.Estimate()) })
	groups := make([][]*language.Scenario, machines)
	for i, s := range sorted {
		groups[i%machines] = append(groups[i%machines], s)
	}
	return groups
}

// guestDelay measures the delay in a guest, where netem and the queue run on the same kernel. The
// guest's time is warped, so other load on this machine has no effect.
func (b *bench) guestDelay(k vm.Kernel) error {
	b.head("delay of 20 ms at 1000 packets/s on that kernel, in warped time, where one " +
		"instruction takes 1 ns: actual minus asked")
	distributionHead()
	for _, way := range []struct{ via, name string }{{"nfqueue", "nfqueue"}, {"tc", "netem"}} {
		s, err := load("delay.yaml", map[string]string{"via": way.via})
		if err != nil {
			return err
		}
		traces, err := inGuest([]*language.Scenario{s}, b.options(k), func(*trace.Event) {})
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		best := b.distributions(way.name, [][]time.Duration{delayErrors(traces[0])})
		if way.via == "nfqueue" {
			b.delayGoals("nfqueue in the guest: ", best)
		}
	}
	return nil
}

// busyChildren returns the processor time of all commands that have ended so far.
func busyChildren() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
