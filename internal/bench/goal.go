package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figures prints the figures measured and collects the names of missed goals.
type figures struct{ missed []string }

// figure prints a figure with its goal, and whether the goal is met.
func (f *figures) figure(name, value, goal string, met bool) {
	verdict := "met"
	if !met {
		verdict = "MISSED"
		f.missed = append(f.missed, strings.TrimSpace(name))
	}
	fmt.Printf("  %-58s %12s   goal %-10s %s\n", name, value, goal, verdict)
}

// plain prints a figure without a goal.
func (f *figures) plain(name, value string) { fmt.Printf("  %-58s %12s\n", name, value) }

// head begins a section. Other load on the machine affects all figures, so each section shows the
// load average.
func (f *figures) head(title string) {
	fmt.Printf("\n%s\n", title)
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Printf("  (%d cores, load average before: %s)\n",
			runtime.NumCPU(), strings.Fields(string(text))[0])
	}
}

// skip prints why a section has no figures.
func (f *figures) skip(why string) { fmt.Printf("  skipped: %s\n", why) }

// close prints the missed goals.
func (f *figures) close() {
	if len(f.missed) == 0 {
		fmt.Printf("\nAll goals are met.\n")
		return
	}
	fmt.Printf("\nGoals missed: %d\n", len(f.missed))
	for _, name := range f.missed {
		fmt.Printf("  %s\n", name)
	}
}

func median(ds []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(ds))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// percentile returns the smallest of the sorted durations that is not exceeded by at least p % of
// them (nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	n := len(sorted)
	rank := int(p / 100 * float64(n))
	if float64(rank)*100 < p*float64(n) {
		rank++
	}
	return sorted[min(max(rank, 1), n)-1]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func msText(d time.Duration) string { return fmt.Sprintf("%.3f ms", ms(d)) }

func sText(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
