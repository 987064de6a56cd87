package harness

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"halfopen/harness/trace"
)

// mostLate is how many times are kept for one part of the lab and one name, the longest.
const mostLate = 1024

// lateness collects when parts of a lab were late, until the run ends. A queue can be late a million
// times. It is safe for concurrent use.
type lateness struct {
	mu    sync.Mutex
	times map[latePart]*lateTimes // mu
}

// lateTimes are the times of one part.
type lateTimes struct {
	kept []lateTime // in the order in which they came
	// shortest is the index in kept of the shortest time once there are mostLate of them.
	shortest int
	// leftOut counts those that are not kept.
	leftOut int
}

// lateTime is a time from when the first of n things was due until the last of them was done; the
// latest of them by worst.
type lateTime struct {
	due, done, worst time.Duration
	n                int
}

func (t *lateTime) length() time.Duration { return t.done - t.due }

type latePart struct {
	part trace.Part
	name string
}

func newLateness() *lateness { return &lateness{times: map[latePart]*lateTimes{}} }

// add adds a time in which something was late, and joins it to the last of its part if they overlap.
// A time shorter than [trace.Shortest] does not count. If there are too many, the shortest is
// dropped and counted: what is left out explains less, never more.
func (l *lateness) add(part trace.Part, name string, due, done time.Duration) {
	if done-due < trace.Shortest {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := latePart{part, name}
	times := l.times[key]
	if times == nil {
		times = &lateTimes{}
		l.times[key] = times
	}
	times.add(lateTime{due, done, done - due, 1})
}

func (l *lateTimes) add(t lateTime) {
	n := len(l.kept)
	if n > 0 && t.due <= l.kept[n-1].done && t.done >= l.kept[n-1].due {
		last := &l.kept[n-1]
		last.done, last.due = max(last.done, t.done), min(last.due, t.due)
		last.worst = max(last.worst, t.worst)
		last.n++
		if l.shortest == n-1 {
			l.shortest = shortest(l.kept)
		}
		return
	}
	switch {
	case n < mostLate:
		l.kept = append(l.kept, t)
	case t.length() <= l.kept[l.shortest].length():
		l.leftOut++
		return
	default:
		l.leftOut += l.kept[l.shortest].n
		l.kept = append(slices.Delete(l.kept, l.shortest, l.shortest+1), t)
	}
	if len(l.kept) == mostLate {
		l.shortest = shortest(l.kept)
	}
}

// shortest returns the index of the shortest time.
func shortest(times []lateTime) int {
	at := 0
	for i := range times {
		if times[i].length() < times[at].length() {
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
	for of, times := range l.times {
		for _, t := range times.kept {
			all = append(all, trace.Event{T: t.done, Late: &trace.Late{
				Part: of.part, Name: of.name, Due: t.due, Worst: t.worst, N: t.n,
			}})
		}
		all[len(all)-1].Late.LeftOut = times.leftOut
	}
	slices.SortFunc(all, func(a, b trace.Event) int {
		return cmp.Or(cmp.Compare(a.T, b.T), cmp.Compare(a.Late.Part, b.Late.Part),
			cmp.Compare(a.Late.Name, b.Late.Name))
	})
	return all
}
