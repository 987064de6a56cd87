package result

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadsOfAFewTimesAreExact(t *testing.T) {
	const ms = time.Millisecond
	parts := func(of map[int]int) []int {
		h := make([]int, bars)
		for i, n := range of {
			h[i] = n
		}
		return h
	}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[len(hundred)-1-i] = time.Duration(i+1) * ms
	}
	for _, tt := range []struct {
		name string
		in   []time.Duration
		want Spread
	}{
		{"one", []time.Duration{3 * ms}, Spread{"a", 1, 3 * ms, 3 * ms, 3 * ms, 3 * ms, parts(map[int]int{0: 1})}},
		{"equal ones", []time.Duration{3 * ms, 3 * ms}, Spread{"a", 2, 3 * ms, 3 * ms, 3 * ms, 3 * ms, parts(map[int]int{0: 2})}},
		{"an even number", []time.Duration{4 * ms, 1 * ms, 3 * ms, 2 * ms}, Spread{"a", 4, ms, 2 * ms, 4 * ms, 4 * ms, parts(map[int]int{0: 1, 5: 1, 10: 1, 15: 1})}},
		{"one far away", []time.Duration{ms, ms, ms, 17 * ms}, Spread{"a", 4, ms, ms, 17 * ms, 17 * ms, parts(map[int]int{0: 3, 15: 1})}},
		{"none at all", []time.Duration{0, 0}, Spread{"a", 2, 0, 0, 0, 0, parts(map[int]int{0: 2})}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all times
			for _, d := range tt.in {
				all.add(d)
			}
			if d := cmp.Diff(tt.want, all.spread("a")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	var all times
	for _, d := range hundred {
		all.add(d)
	}
	if s := all.spread("a"); s.Min != ms || s.Median != 50*ms || s.P95 != 95*ms || s.Max != 100*ms {
		t.Errorf("of 1 to 100 ms: %+v", s)
	}
}

// A million times need no more memory than a thousand, and their spread is right to 1 %.
func TestSpreadsOfManyTimesAreBounded(t *testing.T) {
	const n = 1_000_000
	var all times
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		// One in 10 000 hangs for ten hours; others take 1 to 2 s.
		d := time.Second + time.Duration(random.Int64N(int64(time.Second)))
		if i%10_000 == 0 {
			d = 10 * time.Hour
		}
		all.add(d)
	}
	s := all.spread("a")
	near := func(got, want time.Duration) bool { return (got - want).Abs() < want/100 }
	if s.N != n || !near(s.Median, 1500*time.Millisecond) || !near(s.P95, 1950*time.Millisecond) || s.Max != 10*time.Hour {
		t.Errorf("%+v", s)
	}
	sum := 0
	for _, part := range s.Histogram {
		sum += part
	}
	if sum != n || s.Histogram[0] != n-100 || s.Histogram[bars-1] != 100 {
		t.Errorf("the parts %d have %d times", s.Histogram, sum)
	}
	if size := all.many.ByteSize(); size > 64<<10 || all.exact != nil {
		t.Errorf("%d bytes, and %d times", size, len(all.exact))
	}
	all.add(1 << 62)
	if s := all.spread("a"); s.Max != 1<<62 {
		t.Errorf("the longest of all: %s", s.Max)
	}
}
