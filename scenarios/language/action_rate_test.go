package language

import "testing"

func TestRateHasABurstThatFitsIt(t *testing.T) {
	for _, c := range []struct {
		name string
		rate Rate
		want Size
	}{
		{"a slow one has room for packets", Rate{To: 1e6}, 3 << 10},
		{"the fastest with room for packets", Rate{To: 2_457_600_000}, 3 << 10},
		{"a fast one has 10 µs", Rate{To: 30e9}, 37_500},
		{"the fastest there is", Rate{To: 1e12}, 1_250_000},
		{"one that is set stays", Rate{To: 30e9, Burst: 4000}, 4000},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.rate.BurstLength(); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}
