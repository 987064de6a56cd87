package harness

import (
	"time"

	"halfopen/harness/trace"
)

// starvation measures how long the programs of each actor waited for a processor while they could run.
// What several threads of an actor's programs wait at once counts once, as the longest of them: on one
// thread waits the other.
type starvation struct {
	// late is called with each time that they waited.
	late func(actor string, due, done time.Duration)
	// began and read are when saw was called first and last; waited is what it then got, by thread.
	began, read time.Duration
	waited      map[int]time.Duration
	// stretches are, by actor, the times in which its programs wait most of the time.
	stretches map[string]stretch
}

// stretch is a time in which the programs of an actor waited most of the time, until now.
type stretch struct{ sum, until time.Duration }

// waiting is a thread of a program of an actor, and how long it has waited since it exists.
type waiting struct {
	thread int
	actor  string
	waited time.Duration
}

// saw takes the threads that there are at a time. With the first call nothing is late yet.
func (s *starvation) saw(now time.Duration, threads []waiting) {
	first := s.waited == nil
	if first {
		s.began = now
	}
	passed := now - s.read
	before := s.waited
	s.read, s.waited = now, make(map[int]time.Duration, len(threads))
	longest := map[string]time.Duration{}
	for _, t := range threads {
		s.waited[t.thread] = t.waited
		// The kernel counts a wait when it is over: it may have begun before the last look.
		grown := min(t.waited-before[t.thread], now-s.began)
		longest[t.actor] = max(longest[t.actor], grown)
	}
	if first {
		return
	}
	for actor, f := range s.stretches {
		if longest[actor] < passed/2 {
			s.end(actor, f)
		}
	}
	for actor, by := range longest {
		switch {
		case by < trace.Shortest:
		case by >= passed/2:
			if s.stretches == nil {
				s.stretches = map[string]stretch{}
			}
			s.stretches[actor] = stretch{s.stretches[actor].sum + by, now}
		default:
			s.late(actor, now-by, now)
		}
	}
}

// end reports a time of waiting.
func (s *starvation) end(actor string, f stretch) {
	delete(s.stretches, actor)
	s.late(actor, f.until-f.sum, f.until)
}

// finish reports what has not been reported.
func (s *starvation) finish() {
	for actor, f := range s.stretches {
		s.end(actor, f)
	}
}
