package observe

import "time"

// The times between samples of a host's sockets.
const (
	// closest is the shortest time between two samples of a host, however many packets come.
	closest = time.Millisecond
	// busyShare and quietShare bound the cost of samples: after a sample that cost d, the next one
	// comes at least that many times d later. The cost is the walk through the kernel's connection
	// table: 13 us if the namespace has its own small table (net.ipv4.tcp_child_ehash_entries), but
	// more than 1 ms for the common table of a large machine.
	busyShare  = 20
	quietShare = 500
	// near is the interval soon after a packet. It grows to far. The interval is a patience-th part
	// of the time since the packet. After quiet without packets, samples must also cost less and
	// the interval may exceed far: only timers change sockets then, and the sockets report when
	// their timers are due.
	near     = 25 * time.Millisecond
	quiet    = 2 * time.Second
	far      = 100 * time.Millisecond
	patience = 8
	// exactPatience and exactFar take the place of patience and far if tracepoints report each
	// transition of a socket. Between packets, calls and timers only its queues may change then, when
	// a program that is not an actor reads or writes.
	exactPatience = 2
	exactFar      = time.Second
	// late is the usual time from the end of a socket's timer until its change is visible. The
	// kernel may fire the timer late by an eighth of its time. While the timer is overdue, the next
	// sample comes after an eighth of the time since it was due. With exact transitions, a sample also
	// comes as long before the timer: the remnant of a socket in FIN_WAIT2 or TIME_WAIT has no
	// transitions, and ends with its timer.
	late    = 5 * time.Millisecond
	overdue = 8
)

// steps are the times of the first samples after a packet. A timer such as the delayed ACK, or a
// program's answer, follows a packet by some milliseconds, without another packet.
var steps = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	20 * time.Millisecond,
}

// exactSteps are the times of these samples if tracepoints report each transition.
var exactSteps = [...]time.Duration{5 * time.Millisecond, 20 * time.Millisecond}

// schedule decides when a host's sockets are sampled next. All times are on the same clock, any
// clock.
type schedule struct {
	// packet is when the last packet was seen, sampled when the last sample began, cost the
	// processor time that it took.
	packet, sampled, cost time.Duration
	// expires is when the first timer of a socket fires, as of the last sample; 0 if no timer runs.
	// due is since when samples have found an overdue timer; 0 if no timer is overdue. wasDue is
	// the value of due as of the sample before.
	expires, due, wasDue time.Duration
	// pending is true between a packet and the sample that follows it.
	pending bool
	// often is true if samples must find a state that may not last.
	often bool
	// exact is true if tracepoints report each transition of the host's sockets.
	exact bool
}

// saw records a packet.
func (s *schedule) saw(now time.Duration) { s.packet, s.pending = now, true }

// did records a sample and its cost. The cost is processor time: on a busy machine the wait of a
// sample for a processor would otherwise delay the next sample by many times that wait.
func (s *schedule) did(began, cost time.Duration) {
	s.sampled, s.cost, s.expires, s.due, s.wasDue = began, cost, 0, 0, s.due
	if s.packet <= began {
		s.pending = false
	}
}

// timer records a socket's timer that fires after the given time, counted from the start of the
// last sample. 0 means that the timer is overdue.
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

// idle reports whether the last packet was at least quiet before the last sample.
func (s *schedule) idle() bool { return !s.pending && s.sampled-s.packet >= quiet }

// next returns when the next sample is due.
func (s *schedule) next() time.Duration {
	earliest := s.sampled + max(closest, busyShare*s.cost)
	if s.often {
		return earliest
	}
	if s.pending {
		return max(s.packet, earliest)
	}
	first, part, most := steps[:], time.Duration(patience), far
	if s.exact {
		first, part, most = exactSteps[:], exactPatience, exactFar
	}
	for _, step := range first {
		if s.packet+step > s.sampled {
			return max(s.packet+step, earliest)
		}
	}
	since := s.sampled - s.packet
	next := s.sampled + max(since/part, quietShare*s.cost)
	if !s.idle() {
		next = max(s.sampled+min(max(near, since/part), most), earliest)
	}
	if s.expires > 0 {
		due := s.expires + late
		if before := s.expires - late; s.exact && s.sampled < before {
			due = before
		}
		next = min(next, max(due, earliest))
	}
	if s.due > 0 {
		next = min(next, max(s.sampled+max(late, (s.sampled-s.due)/overdue), earliest))
	}
	return next
}
