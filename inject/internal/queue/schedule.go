package queue

import (
	"container/heap"
	"slices"
	"time"

	"halfopen/scenarios/language"
)

// waiting is a packet that waits: one of the kernel's that has no verdict yet, or one to be sent.
type waiting struct {
	// id is the kernel's number of the packet; data what it becomes, nil for what it is. Where send is set, data is a
	// packet of its own.
	id   uint32
	data []byte
	send bool

	// at, until, behind and patience are those of the [Decision]; at is never before the packet came. until has only events
	// that have not happened, each once.
	at        time.Duration
	until     []language.EventRef
	behind    int
	patience  time.Duration
	direction Direction
	extras    []Extra

	// order is the packet's place among those that arrived; see [schedule.arrival].
	order uint64
	// impatient is set when patience is all that it still waits for.
	impatient bool
	done      bool
}

// schedule holds the packets that wait, in the order in which they are due. It is not safe for concurrent use.
type schedule struct {
	due   dueHeap
	count uint64
	// held wait for an event, overtaken for packets of their direction. Those overtaken are in due as well, or held.
	held      map[language.EventRef][]*waiting
	overtaken map[Direction][]*waiting
}

func newSchedule() *schedule {
	return &schedule{held: map[language.EventRef][]*waiting{}, overtaken: map[Direction][]*waiting{}}
}

// arrival numbers packets, whether they are to wait or not, as they come.
func (s *schedule) arrival() uint64 {
	s.count++
	return s.count
}

// add takes in a packet that has its number.
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

// happened makes what waited for an event, and for nothing else, due: those due by now in the order in which they came.
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

// passed says that the packet of that direction and number has passed, and returns those that need wait for no more to
// overtake them, nor for anything else.
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
		}
		switch {
		case w.behind > 0:
			rest = append(rest, w)
		case len(w.until) == 0 && (w.impatient || w.at <= now):
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
