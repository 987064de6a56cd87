package queue

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"

	"halfopen/internal/packet"
)

// linkHeader is how many bytes tc counts in addition to the IP packet.
const linkHeader = 14

// rate makes packets pass one after the other at a bandwidth. It is a token bucket, like tbf,
// represented by the time at which it will be full again.
type rate struct {
	// perByte is the time of one byte in nanoseconds.
	perByte float64
	queue   time.Duration
	burst   time.Duration
	// oneWay is set if the fault names a sender or a receiver: there is then a single bucket.
	// Otherwise each receiver has a separate one, as the links of the wire have with tc.
	oneWay bool
	// full is when a bucket is full again, by the receiver's address.
	full map[netip.Addr]time.Duration
}

func newRate(r *Rule, _ *rand.Rand) action {
	oneWay := r.Match.From != "" || r.Match.To != ""
	a := &rate{
		perByte: 8e9 / float64(r.Do.Rate.To), oneWay: oneWay, full: map[netip.Addr]time.Duration{},
	}
	a.queue, a.burst = a.time(int(r.Do.Rate.QueueLength())), a.time(int(r.Do.Rate.BurstLength()))
	return a
}

func (a *rate) time(bytes int) time.Duration { return time.Duration(float64(bytes) * a.perByte) }

func (a *rate) strike(s *occasion) (Strike, bool) {
	bucket := s.receiver()
	if a.oneWay {
		bucket = netip.Addr{}
	}
	// Earlier rules may have delayed the packet; then it comes later.
	comes := max(s.decision.At, s.now)
	full := max(a.full[bucket], comes) + a.time(s.packet.length()+linkHeader)
	wait := full - a.burst - comes
	if wait > a.queue {
		s.decision.Drop = true
		return Strike{Effect: packet.EffectDropped}, true
	}
	if len(a.full) >= mostPairs {
		maps.DeleteFunc(a.full, func(_ netip.Addr, at time.Duration) bool { return at <= s.now })
	}
	a.full[bucket] = full
	if wait <= 0 {
		return Strike{}, false
	}
	s.wait(wait)
	return Strike{Effect: packet.EffectDelayed, By: wait}, true
}
