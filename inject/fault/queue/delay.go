package queue

import (
	"math/rand/v2"
	"time"

	"halfopen/scenarios"
)

// delay puts a packet off by a time.
type delay struct {
	by, jitter time.Duration
	normal     bool
	free       bool
	rng        *rand.Rand
	// last is the latest release so far, by direction, where order is kept.
	last map[Direction]time.Duration
}

func newDelay(d *scenarios.Delay, rng *rand.Rand) *delay {
	return &delay{
		by:     time.Duration(d.By),
		jitter: time.Duration(d.Jitter),
		normal: d.Distribution == "normal",
		free:   d.Order == "free",
		rng:    rng,
		last:   map[Direction]time.Duration{},
	}
}

func (a *delay) strike(s *strike) (Strike, bool) {
	by := a.by
	switch {
	case a.jitter == 0:
	case a.normal:
		by += time.Duration(a.rng.NormFloat64() * float64(a.jitter))
	default:
		by += time.Duration((2*a.rng.Float64() - 1) * float64(a.jitter))
	}
	by = max(by, 0)
	if !a.free {
		dir := s.decision.Direction
		by = max(by, a.last[dir]-s.now)
		a.last[dir] = s.now + by
	}
	s.wait(by)
	return Strike{Effect: "delayed", By: by}, true
}
