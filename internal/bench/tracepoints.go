package main

import (
	"fmt"
	"math"
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

// watchedStream measures pairs of streams, because the rate of one differs by a fifth from that of
// the next: sender, receiver and capture share the processors.
func (b *bench) watchedStream() error {
	pairs := 4 * b.repeat
	b.head(fmt.Sprintf("one stream of TCP through the wire, without and with the kernel's "+
		"tracepoints, %d pairs", pairs))
	for _, way := range []struct {
		name     string
		offloads bool
		bytes    int64
	}{{"offloads on", true, 4 << 30}, {"offloads off", false, 32 << 20}} {
		var without, with, ratios []float64
		for i := range pairs {
			var rates [2]float64
			for _, watched := range [2]int{i % 2, 1 - i%2} {
				flags := [][]string{{unwatched}, nil}[watched]
				var err error
				rates[watched], _, err = b.streamRun("plain", way.offloads, way.bytes, flags...)
				if err != nil {
					return err
				}
			}
			without, with = append(without, rates[0]), append(with, rates[1])
			ratios = append(ratios, rates[1]/rates[0])
		}
		b.plain(way.name+": without tracepoints, median", fmt.Sprintf("%.0f Mbit/s", middle(without)))
		b.plain(way.name+": with tracepoints, median", fmt.Sprintf("%.0f Mbit/s", middle(with)))
		ratio, wrong := mean(ratios)
		b.figure(way.name+": ratio, mean and its standard error",
			fmt.Sprintf("%.0f ± %.0f %%", 100*ratio, 100*wrong), ">= 95 %", ratio+wrong >= 0.95)
	}
	return nil
}

// mean returns the geometric mean of ratios, which is 1 if as many are 1/2 as are 2, and its
// standard error.
func mean(ratios []float64) (mean, standardError float64) {
	var sum, squares float64
	for _, r := range ratios {
		sum += math.Log(r)
	}
	n := float64(len(ratios))
	for _, r := range ratios {
		d := math.Log(r) - sum/n
		squares += d * d
	}
	mean = math.Exp(sum / n)
	return mean, mean * math.Sqrt(squares/(n-1)/n)
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
