package result

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// mostExact is how many times of a step are kept as they are. More are counted in a histogram, to 1 %.
	mostExact = 1000
	// bars is the number of parts of [Spread.Histogram].
	bars = 16
	// longest is the longest time that is told from longer ones: a year.
	longest = 365 * 24 * time.Hour
)

// Spread is how long a step took in all repetitions of a case.
type Spread struct {
	// Of is the step or the process, as the expectation that judges its time names it.
	Of string
	// N is the number of times, of all executions in all repetitions.
	N int
	// Median and P95 are exact for up to 1000 times, and to 1 % for more. At least half of the times,
	// and 95 % of them, are no longer.
	Min, Median, P95, Max time.Duration
	// Histogram counts the times in 16 equal parts from Min to Max.
	Histogram []int
}

// times collects how long a step took. Its size is bounded. The zero value is ready to use.
type times struct {
	exact    []time.Duration
	many     *hdrhistogram.Histogram // takes the place of exact
	n        int
	min, max time.Duration
}

func (t *times) add(d time.Duration) {
	if t.n == 0 {
		t.min, t.max = d, d
	}
	t.n++
	t.min, t.max = min(t.min, d), max(t.max, d)
	switch {
	case t.many != nil:
		t.count(d)
	case len(t.exact) < mostExact:
		t.exact = append(t.exact, d)
	default:
		t.many = hdrhistogram.New(1, int64(longest), 2)
		for _, d := range append(t.exact, d) {
			t.count(d)
		}
		t.exact = nil
	}
}

// count adds a time to the histogram.
func (t *times) count(d time.Duration) {
	if err := t.many.RecordValue(int64(min(max(d, 0), longest))); err != nil {
		panic(err) // the value is within the bounds of the histogram
	}
}

// spread sums up the times. There must be one.
func (t *times) spread(of string) Spread {
	s := Spread{Of: of, N: t.n, Min: t.min, Max: t.max, Histogram: make([]int, bars)}
	width := float64(t.max-t.min) / bars
	put := func(d time.Duration, n int) {
		i := 0
		if width > 0 {
			i = min(int(float64(d-t.min)/width), bars-1)
		}
		s.Histogram[max(i, 0)] += n
	}
	if t.many == nil {
		sorted := slices.Sorted(slices.Values(t.exact))
		at := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
		s.Median, s.P95 = at(50), at(95)
		for _, d := range sorted {
			put(d, 1)
		}
		return s
	}
	at := func(percent float64) time.Duration {
		return min(max(time.Duration(t.many.ValueAtPercentile(percent)), t.min), t.max)
	}
	s.Median, s.P95 = at(50), at(95)
	for _, b := range t.many.Distribution() {
		if b.Count > 0 {
			put(time.Duration(b.From/2+b.To/2), int(b.Count))
		}
	}
	return s
}
