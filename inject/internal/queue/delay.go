package queue

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"

	"halfopen/internal/packet"
)

// delay delays a packet by a fixed or random time.
type delay struct {
	by, jitter time.Duration
	normal     bool
	free       bool
	rng        *rand.Rand
	// last is the latest release so far, by sender and receiver, if order is kept.
	last map[[2]netip.Addr]time.Duration
}

// mostPairs bounds a map of addresses: a full map first drops the entries whose time has passed.
const mostPairs = 1024

func newDelay(r *Rule, rng *rand.Rand) action {
	d := r.Do.Delay
	return &delay{
		by:     time.Duration(d.By),
		jitter: time.Duration(d.Jitter),
		normal: d.Distribution == "normal",
		free:   d.Order == "free",
		rng:    rng,
		last:   map[[2]netip.Addr]time.Duration{},
	}
}

func (a *delay) strike(s *occasion) (Strike, bool) {
	by := a.by
	switch {
	case a.jitter == 0:
	case a.normal:
		by += time.Duration(a.rng.NormFloat64() * float64(a.jitter))
	default:
		by += time.Duration((2*a.rng.Float64() - 1) * float64(a.jitter))
	}
	by = max(by, 0)
	// Without jitter, packets leave in the order in which they came.
	if !a.free && a.jitter > 0 {
		if len(a.last) >= mostPairs {
			maps.DeleteFunc(a.last, func(_ [2]netip.Addr, at time.Duration) bool { return at <= s.now })
		}
		pair := [2]netip.Addr{s.packet.decoded.Src, s.packet.decoded.Dst}
		// Earlier rules may have delayed the packet; then it comes later.
		comes := max(s.decision.At, s.now)
		by = max(by, a.last[pair]-comes)
		a.last[pair] = comes + by
	}
	if by == 0 {
		return Strike{}, false
	}
	s.wait(by)
	return Strike{Effect: packet.EffectDelayed, By: by}, true
}
