package main

import (
	"math"
	"testing"
)

func TestMeanOfRatios(t *testing.T) {
	for _, c := range []struct {
		name        string
		ratios      []float64
		mean, error float64
	}{
		{"all the same", []float64{0.9, 0.9, 0.9}, 0.9, 0},
		{"half and double", []float64{0.5, 2}, 1, math.Ln2},
		{"the error shrinks with the number", []float64{0.5, 2, 0.5, 2, 0.5, 2, 0.5, 2}, 1, math.Ln2 / math.Sqrt(7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			mean, wrong := mean(c.ratios)
			if math.Abs(mean-c.mean) > 1e-9 || math.Abs(wrong-c.error) > 1e-9 {
				t.Errorf("mean = %v ± %v, want %v ± %v", mean, wrong, c.mean, c.error)
			}
		})
	}
}
