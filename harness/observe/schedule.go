package observe

import "time"

// The times between samples of a host's sockets.
const (
	// closest is the least time between two samples of a host, however many packets come.
	closest = time.Millisecond
	// busyShare and quietShare bound what samples may cost: after one that took d, the next comes that many d later at the
	// earliest. What takes the time is the walk through the kernel's connection table: 13 us where the namespace has a
	// small one of its own (net.ipv4.tcp_child_ehash_entries), but more than 1 ms through a large machine's common one.
	busyShare  = 20
	quietShare = 500
	// near is the interval after a packet, quiet the time after the last packet when far begins.
	near  = 25 * time.Millisecond
	quiet = 2 * time.Second
	far   = 100 * time.Millisecond
)

// steps are the first samples after a packet. A timer such as the delayed ACK, or a program's answer, comes some
// milliseconds after a packet, without another one.
var steps = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
}

// schedule says when a host's sockets are looked at next. Times are on any one clock.
type schedule struct {
	// packet is when the last packet was seen, sampled when the last sample began, cost how long it took.
	packet, sampled, cost time.Duration
	// pending is true between a packet and the sample that follows it.
	pending bool
}

// saw notes a packet.
func (s *schedule) saw(now time.Duration) { s.packet, s.pending = now, true }

// did notes a sample.
func (s *schedule) did(began, ended time.Duration) {
	s.sampled, s.cost = began, ended-began
	if s.packet <= began {
		s.pending = false
	}
}

// idle reports whether the host has been quiet for long.
func (s *schedule) idle() bool { return !s.pending && s.sampled-s.packet >= quiet }

// next returns when the next sample is due.
func (s *schedule) next() time.Duration {
	earliest := s.sampled + max(closest, busyShare*s.cost)
	if s.pending {
		return max(s.packet, earliest)
	}
	for _, step := range steps {
		if s.packet+step > s.sampled {
			return max(s.packet+step, earliest)
		}
	}
	if !s.idle() {
		return max(s.sampled+near, earliest)
	}
	return s.sampled + max(far, quietShare*s.cost)
}
