package queue

import (
	"container/heap"
	"slices"
	"time"

	"halfopen/scenarios/language"
)

// waiting is a packet that waits: a packet of the kernel without a verdict yet, or a packet to be
// sent.
type waiting struct {
	// id is the kernel's number of the packet; data is its new content, nil if it is unchanged. If
	// send is set, data is a packet to be sent, unknown to the kernel.
	id   uint32
	data []byte
	send bool

	// at, until, behind and patience are as in [Decision]; at is never before the packet came.
	// until has only events that have not happened, each once.
	at        time.Duration
	until     []language.EventRef
	behind    int
	patience  time.Duration
	direction Direction
	extras    []Extra
	// open are strikes that count once the packet passes after it was overtaken or, if send is set,
	// once it is sent.
	open      []Strike
	overtaken bool
	// fault is the last fault that delayed the packet, "" if none did.
	fault string

	// order is the packet's place in the order of arrival; see [schedule.arrival].
	order uint64
	// impatient is set when the packet waits only for its patience to end.
	impatient bool
	done      bool
}

// schedule holds the waiting packets in the order in which they are due. It is not safe for
// concurrent use.
type schedule struct {
	due   dueHeap
	count uint64
	// held has packets that wait for an event, overtaken those that wait for packets of their
	// direction. Those in overtaken are also in due or held.
	held      map[language.EventRef][]*waiting
	overtaken map[Direction][]*waiting
}

func newSchedule() *schedule {
	return &schedule{held: map[language.EventRef][]*waiting{}, overtaken: map[Direction][]*waiting{}}
}

// arrival returns the next number of a packet. Every packet gets one as it comes, even if it does
// not wait.
func (s *schedule) arrival() uint64 {
	s.count++
	return s.count
}

// add adds a packet that has its number.
func (s *schedule) add(w *waiting) {
	if w.behind > 0 {
		s.overtaken[w.direction] = append(s.overtaken[w.direction], w)
	}
	if len(w.until) == 0 {
		heap.Push(&s.due, w)
		return
	}
	for _, event := range w.until {
		s.held[event] = append(s.held[event], w)
	}
}

// happened makes packets due that waited for the event and nothing else. Those that are already
// late become due now, in the order in which they came.
func (s *schedule) happened(event language.EventRef, now time.Duration) {
	for _, w := range s.held[event] {
		w.until = slices.DeleteFunc(w.until, func(u language.EventRef) bool { return u == event })
		if len(w.until) == 0 {
			w.at = max(w.at, now)
			heap.Push(&s.due, w)
		}
	}
	delete(s.held, event)
}

// passed notes that the packet with that direction and number has passed. It returns the packets
// that now need not wait any longer, neither to be overtaken nor for anything else.
func (s *schedule) passed(d Direction, order uint64, now time.Duration) []*waiting {
	list := s.overtaken[d]
	if len(list) == 0 {
		return nil
	}
	var free, rest []*waiting
	for _, w := range list {
		if w.done {
			continue
		}
		if order > w.order {
			w.behind--
			w.overtaken = true
		}
		switch {
		case w.behind > 0:
			rest = append(rest, w)
		case len(w.until) == 0 && (w.impatient || w.at <= now):
			w.done = true // its entry in due is skipped later
			free = append(free, w)
		}
	}
	if len(rest) == 0 {
		delete(s.overtaken, d)
	} else {
		s.overtaken[d] = rest
	}
	return free
}

// next returns when the first packet is due; ok is false if none waits for a time.
func (s *schedule) next() (at time.Duration, ok bool) {
	for len(s.due) > 0 && s.due[0].done {
		heap.Pop(&s.due)
	}
	if len(s.due) == 0 {
		return 0, false
	}
	return s.due[0].at, true
}

// pop returns the first packet due by now, or nil.
func (s *schedule) pop(now time.Duration) *waiting {
	for {
		if at, ok := s.next(); !ok || at > now {
			return nil
		}
		w := s.due[0]
		if w.behind > 0 && !w.impatient {
			w.impatient = true
			w.at += w.patience
			heap.Fix(&s.due, 0)
			continue
		}
		heap.Pop(&s.due)
		w.done = true
		return w
	}
}

// dueHeap is ordered by time, then by arrival.
type dueHeap []*waiting

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(*waiting)) }
func (h *dueHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}
