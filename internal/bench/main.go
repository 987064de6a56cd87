// Command bench measures what a trivial halfopen run costs against a plain shell script that builds and removes the same
// lab, in turn with it, and how much memory the run's whole process tree takes. It runs as root. See make bench.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"
)

//go:embed plain.sh
var plain string

func main() {
	halfopen := flag.String("halfopen", "bin/halfopen", "the command to measure")
	scenario := flag.String("scenario", "connect-refused", "the scenario it runs")
	runs := flag.Int("runs", 20, "how often each is run")
	samples := flag.Int("memory-runs", 5, "how many more runs are sampled for memory")
	flag.Parse()
	if err := bench(*halfopen, *scenario, *runs, *samples); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(halfopen, scenario string, runs, samples int) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("the plain script names namespaces in /run/netns, which takes root; run make bench as root")
	}
	ours := func() *exec.Cmd { return exec.Command(halfopen, "run", scenario, "--case", "v4") }
	theirs := func() *exec.Cmd { return exec.Command("sh", "-c", plain) }
	// One of each first, so that neither pays for the page cache and the loading of kernel modules.
	for _, command := range []func() *exec.Cmd{ours, theirs} {
		if _, err := timed(command()); err != nil {
			return err
		}
	}
	var a, b []time.Duration
	for range runs {
		d, err := timed(ours())
		if err != nil {
			return err
		}
		a = append(a, d)
		if d, err = timed(theirs()); err != nil {
			return err
		}
		b = append(b, d)
	}

	fmt.Printf("wall time of the whole process, %d runs of each in turn, %d cores\n\n", runs, runtime.NumCPU())
	fmt.Printf("%-26s %10s %10s %10s\n", "", "median", "fastest", "slowest")
	row("halfopen run "+scenario, a)
	row("plain shell script", b)
	fmt.Printf("\nratio of the medians: %.2f\n", float64(median(a))/float64(median(b)))

	var peak memory
	for range samples {
		m, err := sampled(ours())
		if err != nil {
			return err
		}
		peak.pss, peak.rss, peak.samples = max(peak.pss, m.pss), max(peak.rss, m.rss), peak.samples+m.samples
	}
	fmt.Printf("\npeak memory of the whole process tree, %d more runs, %d samples:\n", samples, peak.samples)
	fmt.Printf("  %5.1f MB PSS summed (pages shared between the processes counted once)\n", mb(peak.pss))
	fmt.Printf("  %5.1f MB RSS summed (shared pages counted in each process)\n", mb(peak.rss))
	return nil
}

// timed runs the command and returns how long it took from fork to exit.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("running %s: %w\n%s", cmd.Path, err, out.Bytes())
	}
	return took, nil
}

func row(name string, ds []time.Duration) {
	fmt.Printf("%-26s %7.1f ms %7.1f ms %7.1f ms\n", name, ms(median(ds)), ms(slices.Min(ds)), ms(slices.Max(ds)))
}

func median(ds []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(ds))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
