package queue

import (
	"container/heap"
	"time"
)

// waiting is a packet that waits: one of the kernel's that has no verdict yet, or one to be sent.
type waiting struct {
	// id is the kernel's number of the packet; data what it becomes, nil for what it is. Where send is set, data is a
	// packet of its own.
	id   uint32
	data []byte
	send bool

	at        time.Duration
	until     string
	behind    int
	direction Direction
	extras    []Extra

	order uint64
	done  bool
}

// schedule holds the packets that wait, in the order in which they are due. It is not safe for concurrent use.
type schedule struct {
	due   dueHeap
	count uint64
	// held wait for an event, overtaken for packets of their direction; those are in due as well.
	held      map[string][]*waiting
	overtaken map[Direction][]*waiting
}

func newSchedule() *schedule {
	return &schedule{held: map[string][]*waiting{}, overtaken: map[Direction][]*waiting{}}
}

// add takes in a packet. Where it waits for an event, its time counts from when the event has happened, if that is later.
func (s *schedule) add(w *waiting) {
	s.count++
	w.order = s.count
	if w.until != "" {
		s.held[w.until] = append(s.held[w.until], w)
		return
	}
	heap.Push(&s.due, w)
	if w.behind > 0 {
		s.overtaken[w.direction] = append(s.overtaken[w.direction], w)
	}
}

// happened makes what waited for an event due, in the order in which it came.
func (s *schedule) happened(event string) {
	for _, w := range s.held[event] {
		w.until = ""
		heap.Push(&s.due, w)
	}
	delete(s.held, event)
}

// passed says that a packet of that direction has passed, and returns those that need wait for no more to overtake them.
func (s *schedule) passed(d Direction) []*waiting {
	list := s.overtaken[d]
	if len(list) == 0 {
		return nil
	}
	var free, rest []*waiting
	for _, w := range list {
		w.behind--
		switch {
		case w.done:
		case w.behind > 0:
			rest = append(rest, w)
		default:
			w.done = true // its entry among those due is passed over
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

// next returns when the first packet is due; ok is false where none waits for a time.
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
	if at, ok := s.next(); !ok || at > now {
		return nil
	}
	w := heap.Pop(&s.due).(*waiting)
	w.done = true
	return w
}

// dueHeap is ordered by time; of the same time, by arrival.
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
