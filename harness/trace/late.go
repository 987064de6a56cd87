package trace

import (
	"cmp"
	"slices"
	"time"
)

// Late is a time in which a part of the lab was late with what it had to do: from Due to the event's
// T. Times of one part that overlap are one event. Actors say so in [Start] and [Step] instead.
type Late struct {
	Part Part `json:"part"`
	// Name is the fault, host or actor that the part worked for; "" for the machine.
	Name string `json:"name,omitempty"`
	// Due is when the first thing in this time should have been done.
	Due time.Duration `json:"due"`
	// Worst is how late the latest of them was; 0 means T - Due. N counts them; 0 means 1.
	Worst time.Duration `json:"worst,omitempty"`
	N     int           `json:"n,omitempty"`
}

// Part is a part of the lab that can be late.
type Part string

// The parts. What they do for a fault, host or actor is late if the machine does not run them in
// time.
const (
	// LateFault: a queue let a packet go later than the fault asked for.
	LateFault Part = "fault"
	// LateQueue: a packet that no fault delayed waited for its verdict on the host.
	LateQueue Part = "queue"
	// LateSwitch: the fault was put in force, or out of it, after its time.
	LateSwitch Part = "switch"
	// LateReport: the lab learned late of what the actor did.
	LateReport Part = "report"
	// LateLook: the sockets of the host were looked at late.
	LateLook Part = "look"
	// LateMachine: a thread that measures the machine, outside the lab, got a processor late.
	LateMachine Part = "machine"
	// LateStart and LateStep are those of actors, which [Start] and [Step] report.
	LateStart Part = "start"
	LateStep  Part = "step"
)

// Shortest is the shortest lateness that is recorded. A quiet machine has less.
const Shortest = time.Millisecond

// Lateness is when and how much the lab of a run was late.
type Lateness struct {
	// Parts has each part that was late, for each of its names, in the order of the kinds of parts
	// and of the names.
	Parts []PartLate
	times []lateTime // merged, in order
	waits []lateTime // of the machine, and of looks
}

// PartLate is how late a part was for one fault, host or actor.
type PartLate struct {
	Part Part
	Name string
	// Worst is how late it was at most, at the time At. N is how often it was late.
	Worst, At time.Duration
	N         int
}

// lateTime is a time in which something was late.
type lateTime struct{ from, until time.Duration }

// order is the order of the parts, by how much they say.
var order = []Part{
	LateFault, LateQueue, LateSwitch, LateStart, LateStep, LateReport, LateLook, LateMachine,
}

// Lateness returns how late the lab was since the actors began. It is a pure function of the trace. A
// trace of an earlier version has no lateness.
func (t *Trace) Lateness() *Lateness {
	l := &Lateness{}
	started := t.Started()
	for i := range t.Events {
		e := &t.Events[i]
		switch {
		case e.T < started:
		case e.Late != nil:
			worst, n := cmp.Or(e.Late.Worst, e.T-e.Late.Due), max(e.Late.N, 1)
			l.add(e.Late.Part, e.Late.Name, lateTime{e.Late.Due, e.T}, worst, n)
		case e.Start != nil && e.Start.Late > 0:
			l.add(LateStart, e.Start.Actor, lateTime{e.T - e.Start.Late, e.T}, e.Start.Late, 1)
		case e.Step != nil && e.Step.Late > 0:
			l.add(LateStep, e.Step.Actor, lateTime{e.T - e.Step.Late, e.T}, e.Step.Late, 1)
		}
	}
	slices.SortStableFunc(l.Parts, func(a, b PartLate) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Part), slices.Index(order, b.Part)),
			cmp.Compare(a.Name, b.Name))
	})
	l.times = merged(l.times)
	return l
}

func (l *Lateness) add(part Part, name string, at lateTime, worst time.Duration, n int) {
	if part == LateMachine || part == LateLook {
		// These are measured whether or not anything had to be done then, so their times do not add up
		// as those of the rest do.
		l.waits = append(l.waits, lateTime{at.until - worst, at.until})
	} else {
		l.times = append(l.times, at)
	}
	i := slices.IndexFunc(l.Parts, func(p PartLate) bool { return p.Part == part && p.Name == name })
	if i < 0 {
		l.Parts = append(l.Parts, PartLate{Part: part, Name: name})
		i = len(l.Parts) - 1
	}
	p := &l.Parts[i]
	if p.N += n; worst > p.Worst {
		p.Worst, p.At = worst, at.until
	}
}

// merged joins times that overlap or follow each other within [Shortest]: what was late by one made
// the next late.
func merged(times []lateTime) []lateTime {
	slices.SortFunc(times, func(a, b lateTime) int { return cmp.Compare(a.from, b.from) })
	var all []lateTime
	for _, t := range times {
		if last := len(all) - 1; last >= 0 && t.from <= all[last].until+Shortest {
			all[last].until = max(all[last].until, t.until)
			continue
		}
		all = append(all, t)
	}
	return all
}

// Within returns by how much what happened between two times may have been late because the lab
// was: the sum of the times in which it was, of those that reach into the time between. What only
// shows that the machine was late, looks at sockets for example, counts once.
func (l *Lateness) Within(from, until time.Duration) time.Duration {
	sum, wait := time.Duration(0), time.Duration(0)
	within := func(t lateTime) bool { return t.from <= until && t.until >= from-Shortest }
	for _, t := range l.times {
		if within(t) {
			sum += t.until - t.from
		}
	}
	for _, t := range l.waits {
		if within(t) {
			wait = max(wait, t.until-t.from)
		}
	}
	return max(sum, wait)
}

// Longest returns by how much one thing that happened up to a time may have been late because the
// lab was: the longest time in which it was.
func (l *Lateness) Longest(until time.Duration) time.Duration {
	longest := time.Duration(0)
	for _, all := range [][]lateTime{l.times, l.waits} {
		for _, t := range all {
			if t.from <= until {
				longest = max(longest, t.until-t.from)
			}
		}
	}
	return longest
}

// Worst returns how late the lab was at most, apart from looks at sockets, for which nothing waits; 0
// if it never was.
func (l *Lateness) Worst() time.Duration {
	worst := time.Duration(0)
	for i := range l.Parts {
		if l.Parts[i].Part != LateLook {
			worst = max(worst, l.Parts[i].Worst)
		}
	}
	return worst
}
