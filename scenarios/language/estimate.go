package language

import (
	"fmt"
	"time"

	"halfopen/internal/say"
)

// deadlineSlack is added for time that timers do not explain: building the lab, a busy machine.
const deadlineSlack = 10 * time.Second

// DeadlineOrDefault returns when the run is ended even if an actor still hangs: the deadline of the
// scenario, or 1.5 times its estimate, plus 10 s. Without a duration, it is at least 10 s more than
// the run can take if all is as expected.
func (s *Scenario) DeadlineOrDefault() time.Duration {
	if s.Deadline > 0 {
		return time.Duration(s.Deadline)
	}
	e, latest := s.estimate()
	return max(plus(e, e/2), latest) + deadlineSlack
}

// DeadlineReason says where the deadline comes from and how to change it.
func (s *Scenario) DeadlineReason() string {
	const change = "set duration or deadline to change it"
	e, latest := s.estimate()
	switch {
	case s.Deadline > 0:
		return "the key deadline of the scenario"
	case s.Duration > 0:
		return fmt.Sprintf("1.5 times the duration of %s, plus %s; set deadline to change it",
			say.Duration(e), say.Duration(deadlineSlack))
	case latest > plus(e, e/2):
		return fmt.Sprintf("%s, which it may take if all is as expected, plus %s; %s",
			say.Duration(latest), say.Duration(deadlineSlack), change)
	}
	return fmt.Sprintf("1.5 times the estimate of %s, plus %s; %s",
		say.Duration(e), say.Duration(deadlineSlack), change)
}

// Estimate returns roughly how long the run takes: the duration of the scenario if it is set.
// Otherwise it is the longest of the time that each actor needs for its steps, the times that
// expectations name for packets and states, and the ends of faults; times that count from an event
// are added to the time of the event. A step needs its sleep, its timeout, or the time that its rate
// implies; the time that a program gets counts only if the step is expected to fail. An expected
// duration replaces that, a bound limits it: a longer time than a lower bound is as likely, and a
// shorter one than an upper bound.
func (s *Scenario) Estimate() time.Duration {
	e, _ := s.estimate()
	return e
}

// estimate returns the estimate, and how long a run may take that is as expected: if everything takes
// as long as it may, and the expectations whose times count from something of which the time is not
// known begin at the end.
func (s *Scenario) estimate() (likely, latest time.Duration) {
	if s.Duration > 0 {
		return time.Duration(s.Duration), 0
	}
	likely, _ = s.timetable(false).run()
	latest, open := s.timetable(true).run()
	return likely, plus(latest, open)
}

// timetable returns the timetable of a run that takes as long as is likely, or as it may.
func (s *Scenario) timetable(latest bool) *timetable {
	t := &timetable{
		s: s, latest: latest, took: map[string][]*Span{}, ends: map[string][]*StepExpectation{},
	}
	for i := range s.Expect {
		e := &s.Expect[i]
		switch {
		case e.Step != nil:
			step := ofStep(e.Step.Step)
			if e.Step.Took != nil {
				t.took[step] = append(t.took[step], e.Step.Took)
			}
			if e.Step.At != nil {
				t.ends[step] = append(t.ends[step], e.Step)
			}
		case e.Process != nil && e.Process.Took != nil:
			// The process may be a step's; that of an actor has the name of no step.
			name := e.Process.Process
			t.took[name] = append(t.took[name], e.Process.Took)
		}
	}
	return t
}

// run returns how long the run takes, and the longest of the times that count from something of which
// the time is not known.
func (t *timetable) run() (longest, open time.Duration) {
	longest = t.round()
	first := longest
	// An event may be known only after the round in which something waits for it.
	for range mostRounds {
		again := t.round()
		if again == longest && !t.changed {
			return longest, t.open
		}
		longest = again
	}
	// Things wait for each other in a circle: none of them will happen.
	return first, t.open
}

// mostRounds bounds how often the times of events are worked out.
const mostRounds = 32

// timetable says roughly when the events of a run happen.
type timetable struct {
	s *Scenario
	// latest is set if everything takes as long as it may.
	latest bool
	// took has the durations that are expected of steps, ends the expectations of when they end, by
	// ACTOR.STEP.
	took map[string][]*Span
	ends map[string][]*StepExpectation
	// at is when each event happens first, as far as it is known; changed is set if a round found
	// another time.
	at      map[EventRef]time.Duration
	changed bool
	// open is the longest of the times that count from something of which the time is not known.
	open time.Duration
}

// ofStep returns ACTOR.STEP for all executions or one of them.
func ofStep(r StepRef) string {
	actor, step, _ := r.Split()
	return actor + "." + step
}

// when returns when an event happens. One whose time is not known happens at the start, a later
// execution or hit no later than the first.
func (t *timetable) when(ref EventRef) time.Duration {
	e, err := ref.Parse()
	if ref == "" || err != nil {
		return 0
	}
	e.N = 1
	return t.at[e.Ref()]
}

func (t *timetable) happens(ref EventRef, at time.Duration) {
	if t.at[ref] != at {
		t.at[ref], t.changed = at, true
	}
}

// round works out the times of all events, with those of the round before, and returns how long the
// run takes.
func (t *timetable) round() time.Duration {
	if t.at == nil {
		t.at = map[EventRef]time.Duration{}
	}
	t.changed = false
	longest := time.Duration(0)
	for i := range t.s.Actors {
		a := &t.s.Actors[i]
		longest = max(longest, t.steps(a.Name, a.Steps, 0))
	}
	for i := range t.s.Faults {
		f := &t.s.Faults[i]
		begins := plus(t.when(f.From), time.Duration(f.After))
		t.happens(EventRef("fault."+f.Name+".hit"), begins)
		if f.After > 0 || f.For > 0 {
			longest = max(longest, plus(begins, time.Duration(f.For)))
		}
	}
	for i := range t.s.Expect {
		since, d := t.s.Expect[i].lasts(t.latest)
		if d > 0 {
			longest = max(longest, plus(t.when(since), d))
		}
		if !t.knows(&t.s.Expect[i], since) {
			t.open = max(t.open, d)
		}
	}
	return longest
}

// knows reports whether it is known when the times of an expectation begin to count. It is not known
// when the first packet comes, a state begins or a line is printed, and of a step that is executed
// several times, only the first end is known.
func (t *timetable) knows(e *Expectation, since EventRef) bool {
	if since == "" {
		return e.Packets == nil && e.Holds == nil
	}
	event, err := since.Parse()
	return err == nil && event.N <= 1 && !event.IsWatched()
}

// steps returns when the steps of an actor have ended that begin at now.
func (t *timetable) steps(actor string, steps []Step, now time.Duration) time.Duration {
	for i := range steps {
		st := &steps[i]
		name := actor + "." + st.ID
		now = max(now, t.when(st.After))
		t.happens(EventRef(name+".start"), now)
		d := time.Duration(0)
		if op := st.Op.Operation(); op != nil {
			if t.latest || !st.Op.boundsProgram() || t.s.ExpectsError(actor, st.ID) {
				d = op.lasts()
			}
			lists, n := st.Op.Nested()
			for _, list := range lists {
				d = max(d, times(t.steps(actor, list, now)-now, n))
			}
		}
		d = t.lasts(name, d)
		first := plus(now, d)
		if st.Op.Wait != nil {
			first = max(first, t.when(st.Op.Wait.Event))
		}
		now = plus(now, times(d, max(st.Times, 1)))
		for _, e := range t.ends[name] {
			first = max(first, plus(t.when(e.Since), e.At.lasts(t.latest)))
		}
		now = max(now, first)
		t.happens(EventRef(name), first)
		if st.Op.Exec != nil {
			t.happens(EventRef(name+".ended"), first)
		}
		if st.Op.Stop != nil {
			t.happens(EventRef(ofStep(st.Op.Stop.Program)+".ended"), first)
		}
		if st.Op.Signal != nil {
			signal := Event{Kind: EventSignal, Actor: actor, Signal: st.Op.Signal.Name, N: 1}
			t.happens(signal.Ref(), first)
		}
	}
	return now
}

// lasts returns how long a step takes of which the operands ask for a time.
func (t *timetable) lasts(step string, asked time.Duration) time.Duration {
	expected := t.took[step]
	if len(expected) == 0 {
		return asked
	}
	longest := time.Duration(0)
	for _, s := range expected {
		longest = max(longest, s.lastsWith(asked, t.latest))
	}
	return longest
}

// plus adds two times. The result is at most maxDuration.
func plus(a, b time.Duration) time.Duration { return min(a+b, maxDuration) }

// times multiplies d by n. The result is at most maxDuration.
func times(d time.Duration, n int) time.Duration {
	if n > 0 && d > maxDuration/time.Duration(n) {
		return maxDuration
	}
	return d * time.Duration(n)
}
