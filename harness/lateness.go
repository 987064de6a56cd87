package harness

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"halfopen/harness/trace"
)

// mostLate is how many times are kept for one part of the lab and one name, the longest.
const mostLate = 64

// lateness collects when parts of a lab were late, until the run ends. A queue can be late a million
// times. It is safe for concurrent use.
type lateness struct {
	mu    sync.Mutex
	times map[latePart][]trace.Event // mu; in the order in which they came
}

type latePart struct {
	part trace.Part
	name string
}

func newLateness() *lateness { return &lateness{times: map[latePart][]trace.Event{}} }

// add adds a time in which something was late, and joins it to the last of its part if they overlap.
// A time shorter than [trace.Shortest] does not count. If there are too many, the shortest is
// dropped: what is left out explains less, never more.
func (l *lateness) add(part trace.Part, name string, due, done time.Duration) {
	if done-due < trace.Shortest {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := latePart{part, name}
	times := l.times[key]
	if n := len(times); n > 0 && due <= times[n-1].T && done >= times[n-1].Late.Due {
		last := &times[n-1]
		last.T, last.Late.Due = max(last.T, done), min(last.Late.Due, due)
		last.Late.Worst = max(last.Late.Worst, done-due)
		last.Late.N++
		return
	}
	times = append(times, trace.Event{
		T: done, Late: &trace.Late{Part: part, Name: name, Due: due, Worst: done - due, N: 1},
	})
	if len(times) > mostLate {
		i := shortest(times)
		times = slices.Delete(times, i, i+1)
	}
	l.times[key] = times
}

// shortest returns the index of the shortest time.
func shortest(times []trace.Event) int {
	at := 0
	for i := range times {
		if times[i].T-times[i].Late.Due < times[at].T-times[at].Late.Due {
			at = i
		}
	}
	return at
}

// events returns everything that was collected, in the order of time.
func (l *lateness) events() []trace.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []trace.Event
	for _, times := range l.times {
		all = append(all, times...)
	}
	slices.SortFunc(all, func(a, b trace.Event) int {
		return cmp.Or(cmp.Compare(a.T, b.T), cmp.Compare(a.Late.Part, b.Late.Part),
			cmp.Compare(a.Late.Name, b.Late.Name))
	})
	return all
}
