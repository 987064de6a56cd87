package main

import (
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []time.Duration
		want time.Duration
	}{
		{"one", []time.Duration{7}, 7},
		{"odd, unsorted", []time.Duration{9, 1, 5}, 5},
		{"even is the middle of the two", []time.Duration{8, 2, 4, 100}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := median(tt.in); got != tt.want {
				t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, tt := range []struct {
		name string
		in   []time.Duration
		p    float64
		want time.Duration
	}{
		{"any of a single one", []time.Duration{7}, 99, 7},
		{"the median of an odd number", []time.Duration{1, 5, 9}, 50, 5},
		{"the lower one of an even number", []time.Duration{1, 5, 9, 11}, 50, 5},
		{"99 of 100", hundred, 99, 99},
		{"100 % is the largest", hundred, 100, 100},
		{"0 % is the smallest", hundred, 0, 1},
		{"rounds up to a rank", []time.Duration{1, 2, 3}, 99, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := percentile(tt.in, tt.p); got != tt.want {
				t.Errorf("percentile(%v, %v) = %d, want %d", tt.in, tt.p, got, tt.want)
			}
		})
	}
}
