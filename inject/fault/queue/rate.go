package queue

import (
	"time"

	"halfopen/scenarios"
)

// The defaults of a rate, in bytes, as those of tc.
const (
	defaultQueue = 64 << 10
	defaultBurst = 3 << 10
	// linkHeader is what tc counts besides the IP packet.
	linkHeader = 14
)

// rate makes packets pass one after the other at a bandwidth: a token bucket, like tbf, told by the time at which it will be
// full again.
type rate struct {
	// perByte is the time of one byte in nanoseconds.
	perByte float64
	queue   time.Duration
	burst   time.Duration
	// full is when the bucket is full again.
	full time.Duration
}

func newRate(r *scenarios.Rate) *rate {
	a := &rate{perByte: 8e9 / float64(r.To)}
	queue, burst := r.Queue, r.Burst
	if queue == 0 {
		queue = defaultQueue
	}
	if burst == 0 {
		burst = defaultBurst
	}
	a.queue, a.burst = a.time(int(queue)), a.time(int(burst))
	return a
}

func (a *rate) time(bytes int) time.Duration { return time.Duration(float64(bytes) * a.perByte) }

func (a *rate) strike(s *strike) (Strike, bool) {
	takes := a.time(len(s.packet.bytes()) + linkHeader)
	full := max(a.full, s.now) + takes
	wait := full - a.burst - s.now
	if wait > a.queue {
		s.decision.Drop = true
		return Strike{Effect: "dropped"}, true
	}
	a.full = full
	if wait <= 0 {
		return Strike{}, false
	}
	s.wait(wait)
	return Strike{Effect: "delayed", By: wait}, true
}
