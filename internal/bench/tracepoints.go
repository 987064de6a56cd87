package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// unwatched leaves the kernel's tracepoints alone.
const unwatched = "--no-tracepoints"

// tracepoints measures what it costs to watch the kernel's tracepoints: a stream, a small run, and
// a run of a suite, each in turn with and without.
func (b *bench) tracepoints() error {
	for _, part := range []func() error{b.watchedStream, b.watchedRun, b.watchedSuite} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) watchedStream() error {
	b.head(fmt.Sprintf("one stream of TCP through the wire, without and with the kernel's "+
		"tracepoints, %d of each in turn", b.repeat))
	for _, way := range []struct {
		name     string
		offloads bool
		bytes    int64
	}{{"offloads on", true, 4 << 30}, {"offloads off", false, 32 << 20}} {
		var rates [2][]float64
		for range b.repeat {
			for i, flags := range [][]string{{unwatched}, nil} {
				rate, _, err := b.streamRun("plain", way.offloads, way.bytes, flags...)
				if err != nil {
					return err
				}
				rates[i] = append(rates[i], rate)
			}
		}
		without, with := middle(rates[0]), middle(rates[1])
		b.plain(way.name+": without tracepoints, median", fmt.Sprintf("%.0f Mbit/s", without))
		b.plain(way.name+": with tracepoints, median", fmt.Sprintf("%.0f Mbit/s", with))
		b.figure(way.name+": ratio", fmt.Sprintf("%.0f %%", 100*with/without), ">= 95 %",
			with >= 0.95*without)
	}
	return nil
}

// watchedRun measures a run that loads the programs for itself.
func (b *bench) watchedRun() error {
	const most = 5 * time.Millisecond
	b.head(fmt.Sprintf("wall time of halfopen run %s without and with the kernel's tracepoints, "+
		"%d of each in turn", trivialScenario, b.runs))
	without, with, err := b.pairs(b.runs)
	if err != nil {
		return err
	}
	b.plain("without tracepoints, median", msText(without))
	b.plain("with tracepoints, median", msText(with))
	b.figure("a run takes longer by", msText(with-without), "<= 5 ms", with-without <= most)
	return nil
}

// watchedSuite measures a run of a suite, where the programs are loaded once.
func (b *bench) watchedSuite() error {
	const most, many = time.Millisecond, 20
	b.head(fmt.Sprintf("wall time of %d such runs, one after another in a process", many))
	without, with, err := b.pairs(b.repeat, "--jobs", "1", "--repeat", strconv.Itoa(many))
	if err != nil {
		return err
	}
	b.plain("without tracepoints, each", msText(without/many))
	b.plain("with tracepoints, each", msText(with/many))
	more := (with - without) / many
	b.figure("a run takes longer by", msText(more), "<= 1 ms", more <= most)
	return nil
}

// pairs runs the trivial scenario without and with tracepoints, in turn, and returns the medians of
// the wall times.
func (b *bench) pairs(times int, flags ...string) (without, with time.Duration, err error) {
	var took [2][]time.Duration
	for i := range times + 1 {
		for j, more := range [][]string{{unwatched}, nil} {
			args := append([]string{
				"run", trivialScenario, "--case", trivialCase, "--case", "v4",
			}, flags...)
			d, err := timed(exec.Command(b.halfopen, append(args, more...)...))
			if err != nil {
				return 0, 0, err
			}
			if i > 0 { // the first pays for caches and kernel modules
				took[j] = append(took[j], d)
			}
		}
	}
	return median(took[0]), median(took[1]), nil
}
