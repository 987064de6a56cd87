package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// trivialScenario is a lab of three namespaces, the same as the script's. trivialCase is one of its
// cases.
const (
	trivialScenario = "connect-refused"
	trivialCase     = "nobody-listens"
)

// trivial measures one small run and the plain script, in turn, and then the memory that the run
// takes.
func (b *bench) trivial() error {
	ours := func() *exec.Cmd {
		return exec.Command(b.halfopen, "run", trivialScenario, "--case", trivialCase, "--case", "v4")
	}
	theirs := func() *exec.Cmd { return exec.Command("sh", "-c", plain) }
	// Run each once first, so that neither pays for the page cache and the loading of kernel
	// modules.
	for _, command := range []func() *exec.Cmd{ours, theirs} {
		if _, err := timed(command()); err != nil {
			return err
		}
	}
	b.head(fmt.Sprintf("wall time of the whole process, %d runs of each in turn", b.runs))
	var a, s, busyA, busyS []time.Duration
	for range b.runs {
		for _, one := range []struct {
			cmd        *exec.Cmd
			wall, busy *[]time.Duration
		}{{ours(), &a, &busyA}, {theirs(), &s, &busyS}} {
			d, err := timed(one.cmd)
			if err != nil {
				return err
			}
			*one.wall, *one.busy = append(*one.wall, d), append(*one.busy, busy(one.cmd))
		}
	}
	fmt.Printf("  %-28s %10s %10s %10s\n", "", "median", "fastest", "slowest")
	row("halfopen run "+trivialScenario, a)
	row("plain shell script", s)
	row("processor time of halfopen", busyA)
	row("processor time of script", busyS)
	const most, mostBusy = 45 * time.Millisecond, 22 * time.Millisecond
	const mostRatio, mostMemory = 1.3, 60.0
	ratio := float64(median(a)) / float64(median(s))
	b.figure("median of halfopen run; before: 78 ms", fmt.Sprintf("%.1f ms", ms(median(a))),
		"<= 45 ms", median(a) <= most)
	b.figure("ratio of the medians; before: 2.2", fmt.Sprintf("%.2f", ratio),
		"<= 1.3", ratio <= mostRatio)
	b.figure("processor time; before: 29 ms", fmt.Sprintf("%.1f ms", ms(median(busyA))),
		"<= 22 ms", median(busyA) <= mostBusy)

	b.head(fmt.Sprintf("peak memory of the whole process tree, %d more runs", b.samples))
	var peak memory
	for range b.samples {
		m, err := sampled(ours())
		if err != nil {
			return err
		}
		peak.pss, peak.rss, peak.samples = max(peak.pss, m.pss), max(peak.rss, m.rss),
			peak.samples+m.samples
	}
	b.figure("PSS summed (pages shared between them counted once)",
		fmt.Sprintf("%.1f MB", mb(peak.pss)), "< 60 MB", mb(peak.pss) < mostMemory)
	b.plain("RSS summed (shared pages counted in each process)", fmt.Sprintf("%.1f MB", mb(peak.rss)))
	b.plain("samples", fmt.Sprint(peak.samples))
	return nil
}

// lastLine returns the last line of a text, without white space around it. For halfopen run it
// counts the passed runs.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func row(name string, ds []time.Duration) {
	fmt.Printf("  %-28s %7.1f ms %7.1f ms %7.1f ms\n",
		name, ms(median(ds)), ms(slices.Min(ds)), ms(slices.Max(ds)))
}

// labs measures 64 labs at once, each with a run of 3 s.
func (b *bench) labs() error {
	const most = 20 * time.Second
	b.head(
		"64 labs at once, each with a connect() that takes 3 s (halfopen run --jobs 64 --repeat 64)")
	cmd := exec.Command(b.halfopen, "run", b.file("hold.yaml"), "--jobs", "64", "--repeat", "64")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	fmt.Printf("  %s\n", lastLine(out.String()))
	b.figure("all pass", yesNo(err == nil), "yes", err == nil)
	b.figure("wall time", sText(took), "< 20 s", took < most)
	b.plain("processor time", sText(busy(cmd)))
	return nil
}
