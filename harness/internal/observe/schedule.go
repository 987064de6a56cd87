package observe

import "time"

// The times between samples of a host's sockets.
const (
	// closest is the least time between two samples of a host, however many packets come.
	closest = time.Millisecond
	// busyShare and quietShare bound what samples may cost: after one that cost d, the next comes that many d later at the
	// earliest. What takes the time is the walk through the kernel's connection table: 13 us where the namespace has a
	// small one of its own (net.ipv4.tcp_child_ehash_entries), but more than 1 ms through a large machine's common one.
	busyShare  = 20
	quietShare = 500
	// near is the interval soon after a packet, which grows to far; quiet is the time after the last packet when a sample may
	// also cost less. The interval is a patience-th part of the time since the packet, and after quiet may be longer than far: what
	// changes then is what a timer changes, and the sockets tell when that will be.
	near     = 25 * time.Millisecond
	quiet    = 2 * time.Second
	far      = 100 * time.Millisecond
	patience = 8
	// late is how long after a socket's timer the change is there, as a rule. The kernel may fire it later by an eighth of its
	// time: while it is overdue, the next look comes after an eighth of the time since.
	late    = 5 * time.Millisecond
	overdue = 8
)

// steps are the first samples after a packet. A timer such as the delayed ACK, or a program's answer, comes some
// milliseconds after a packet, without another one.
var steps = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
}

// schedule says when a host's sockets are looked at next. Times are on any one clock.
type schedule struct {
	// packet is when the last packet was seen, sampled when the last sample began, cost what it took of a processor.
	packet, sampled, cost time.Duration
	// expires is when the first timer of a socket fires, as of the last sample; 0 where none runs. due is since when samples
	// have found one that should have fired; 0 where none should. wasDue is due as of the sample before.
	expires, due, wasDue time.Duration
	// pending is true between a packet and the sample that follows it.
	pending bool
}

// saw notes a packet.
func (s *schedule) saw(now time.Duration) { s.packet, s.pending = now, true }

// did notes a sample and its cost. That is time of a processor: on a busy machine a sample that had to wait for one would
// put off the next by many times its wait.
func (s *schedule) did(began, cost time.Duration) {
	s.sampled, s.cost, s.expires, s.due, s.wasDue = began, cost, 0, 0, s.due
	if s.packet <= began {
		s.pending = false
	}
}

// timer notes a socket's timer that fires after a time, counted from the sample that began last; 0 is one that should have
// fired.
func (s *schedule) timer(after time.Duration) {
	if after <= 0 {
		s.due = s.wasDue
		if s.due == 0 {
			s.due = s.sampled
		}
		return
	}
	if at := s.sampled + after; s.expires == 0 || at < s.expires {
		s.expires = at
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
	since := s.sampled - s.packet
	next := s.sampled + max(since/patience, quietShare*s.cost)
	if !s.idle() {
		next = max(s.sampled+min(max(near, since/patience), far), earliest)
	}
	if s.expires > 0 {
		next = min(next, max(s.expires+late, earliest))
	}
	if s.due > 0 {
		next = min(next, max(s.sampled+max(late, (s.sampled-s.due)/overdue), earliest))
	}
	return next
}
