package trace

import (
	"cmp"
	"iter"
	"slices"
	"sort"
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
	// LeftOut is how many times of the part and name are not in the trace, because there were too many:
	// the shortest. The last one that is says so.
	LeftOut int `json:"left_out,omitempty"`
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
	// LateStop: a signal from outside of the scenario had stopped the process of the actor.
	LateStop Part = "stop"
	// LateProgram: programs of the actor waited for a processor.
	LateProgram Part = "program"
	// LateEnd: the lab ended the run after its deadline, or its duration.
	LateEnd Part = "end"
	// LateStart and LateStep are those of actors, which [Start] and [Step] report.
	LateStart Part = "start"
	LateStep  Part = "step"
)

// ofActor reports whether only what concerns the actor can be late by it.
func (p Part) ofActor() bool { return p == LateStop || p == LateProgram }

// Shortest is the shortest lateness that is recorded. A quiet machine has less.
const Shortest = time.Millisecond

// Lateness is when and how much the lab of a run was late.
type Lateness struct {
	// Parts has each part that was late, for each of its names, in the order of the kinds of parts
	// and of the names.
	Parts []PartLate
	// LeftOut is how many times the trace does not have, because there were too many: the shortest.
	LeftOut int
	// times are those in which a part was late, chains those of which it is known which thing was late
	// in them. Both are merged.
	times, chains lateTimes
	// once are the times of which it is only known how late the latest thing in them was; looks are
	// among them. packets are those of packets on their way.
	once, packets lateTimes
	// waits are the times of steps, and how long they waited for processors in them.
	waits lateTimes
	// stops are the times in which actors were stopped.
	stops []stop
}

// lateTimes are times in the order of their ends. longest is the length of the longest.
type lateTimes struct {
	all     []lateTime
	longest time.Duration
}

func (l *lateTimes) add(t lateTime) {
	l.all = append(l.all, t)
	l.longest = max(l.longest, t.until-t.from)
}

// reaching yields the times that have a part between two others, or end as the first begins.
func (l *lateTimes) reaching(from, until time.Duration) iter.Seq[*lateTime] {
	return func(yield func(*lateTime) bool) {
		first := sort.Search(len(l.all), func(i int) bool { return l.all[i].until >= from-Shortest })
		for i := first; i < len(l.all) && l.all[i].until <= until+l.longest; i++ {
			if t := &l.all[i]; t.reaches(from, until) && !yield(t) {
				return
			}
		}
	}
}

// stop is a time in which an actor was stopped.
type stop struct {
	lateTime
	actor string
}

// PartLate is how late a part was for one fault, host or actor.
type PartLate struct {
	Part Part
	Name string
	// Worst is how late it was at most, at the time At. N is how often it was late.
	Worst, At time.Duration
	N         int
}

// lateTime is a time in which something was late: by worst at most, and by sum together.
type lateTime struct{ from, until, worst, sum time.Duration }

// order is the order of the parts, by how much they say.
var order = []Part{
	LateStop, LateFault, LateQueue, LateSwitch, LateStart, LateStep, LateProgram, LateReport,
	LateLook, LateEnd,
}

// Lateness returns how late the lab was since the actors began. It is a pure function of the trace. A
// trace of an earlier version has no lateness.
func (t *Trace) Lateness() *Lateness {
	return t.LatenessOf(func(string) bool { return true })
}

// LatenessOf returns the same, without what was late of other actors than those that concern what is
// judged.
func (t *Trace) LatenessOf(concerns func(actor string) bool) *Lateness {
	l := &Lateness{}
	started := t.Started()
	for i := range t.Events {
		e := &t.Events[i]
		switch {
		case e.T < started:
		case e.Late != nil && e.Late.Part.ofActor() && !concerns(e.Late.Name),
			e.Start != nil && !concerns(e.Start.Actor), e.Step != nil && !concerns(e.Step.Actor):
		case e.Late != nil:
			l.LeftOut += e.Late.LeftOut
			worst := cmp.Or(e.Late.Worst, e.T-e.Late.Due)
			l.add(e.Late.Part, lateTime{e.Late.Due, e.T, worst, e.T - e.Late.Due}, e.Late.N)
			l.count(e.Late.Part, e.Late.Name, worst, e.T, max(e.Late.N, 1)+e.Late.LeftOut)
			if e.Late.Part == LateStop {
				l.stops = append(l.stops, stop{lateTime{e.Late.Due, e.T, worst, worst}, e.Late.Name})
			}
		case e.Start != nil && e.Start.Late > 0:
			l.add(LateStart, lateTime{e.T - e.Start.Late, e.T, e.Start.Late, e.Start.Late}, 1)
			l.count(LateStart, e.Start.Actor, e.Start.Late, e.T, 1)
		case e.Step != nil && e.Step.Late > 0:
			worst := cmp.Or(e.Step.LateWorst, e.Step.Late)
			at := lateTime{min(e.Step.Began, e.T-e.Step.Late), e.T, worst, e.Step.Late}
			l.waits.add(at)
			l.once.add(at)
			l.count(LateStep, e.Step.Actor, worst, e.T, 1)
		}
	}
	slices.SortStableFunc(l.Parts, func(a, b PartLate) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Part), slices.Index(order, b.Part)),
			cmp.Compare(a.Name, b.Name))
	})
	l.times.merge()
	l.chains.merge()
	return l
}

// add adds a time in which n things were late.
func (l *Lateness) add(part Part, at lateTime, n int) {
	if part == LateFault || part == LateQueue {
		l.packets.add(at)
	}
	if part == LateLook {
		// They are due whether or not anything had to be done then, so they do not add up.
		at.from = at.until - at.worst
		l.once.add(at)
		return
	}
	l.times.add(at)
	if n <= 1 {
		l.chains.add(at)
	} else {
		l.once.add(at)
	}
}

func (l *Lateness) count(part Part, name string, worst, at time.Duration, n int) {
	i := slices.IndexFunc(l.Parts, func(p PartLate) bool { return p.Part == part && p.Name == name })
	if i < 0 {
		l.Parts = append(l.Parts, PartLate{Part: part, Name: name})
		i = len(l.Parts) - 1
	}
	p := &l.Parts[i]
	if p.N += n; worst > p.Worst {
		p.Worst, p.At = worst, at
	}
}

// merge joins times that overlap or follow each other within [Shortest]: what was late by one made
// the next late.
func (l *lateTimes) merge() {
	times := l.all
	*l = lateTimes{}
	slices.SortFunc(times, func(a, b lateTime) int { return cmp.Compare(a.from, b.from) })
	for _, t := range times {
		if last := len(l.all) - 1; last >= 0 && t.from <= l.all[last].until+Shortest {
			joined := &l.all[last]
			joined.until = max(joined.until, t.until)
			l.longest = max(l.longest, joined.until-joined.from)
			continue
		}
		l.add(t)
	}
}

// Within returns by how much longer what lasted from one time until another may have taken because
// the lab was late: the time in between in which it was, plus what its steps waited for processors.
// Looks at sockets count once: nothing waits for them.
func (l *Lateness) Within(from, until time.Duration) time.Duration {
	sum, look := time.Duration(0), time.Duration(0)
	for t := range l.times.reaching(from, until) {
		sum += t.overlap(from, until)
	}
	for t := range l.waits.reaching(from, until) {
		sum += min(t.sum, t.overlap(from, until))
	}
	for t := range l.once.reaching(from, until) {
		look = max(look, min(t.worst, t.overlap(from, until)))
	}
	return min(max(sum, look), max(until-from, 0))
}

// overlap returns how much of a time is between two others.
func (t *lateTime) overlap(from, until time.Duration) time.Duration {
	return max(min(t.until, until)-max(t.from, from), 0)
}

// reaches reports whether a time has a part between two others, or ends as the first begins.
func (t *lateTime) reaches(from, until time.Duration) bool {
	return t.from <= until && t.until >= from-Shortest
}

// Once returns by how much one thing that happened between two times may have been late because the
// lab was: the longest time in which one thing was late, or one after the other.
func (l *Lateness) Once(from, until time.Duration) time.Duration {
	longest := time.Duration(0)
	for t := range l.chains.reaching(from, until) {
		longest = max(longest, t.until-t.from)
	}
	for t := range l.once.reaching(from, until) {
		longest = max(longest, t.worst)
	}
	return longest
}

// OnWay returns by how much later the answer to a packet may have come, between two times, because the
// lab was late: as much as the latest packet, there and back, and one wait for a processor, which the
// kernel may have needed, too.
func (l *Lateness) OnWay(from, until time.Duration) time.Duration {
	packet, wait := time.Duration(0), time.Duration(0)
	for t := range l.packets.reaching(from, until) {
		packet = max(packet, t.worst)
	}
	for t := range l.waits.reaching(from, until) {
		wait = max(wait, t.worst)
	}
	return 2*packet + wait
}

// Stopped returns the actor that was stopped the longest between two times, or right before them, and
// for how long; 0 if none was.
func (l *Lateness) Stopped(from, until time.Duration) (actor string, by time.Duration) {
	for i := range l.stops {
		if s := &l.stops[i]; s.reaches(from, until) && s.worst > by {
			actor, by = s.actor, s.worst
		}
	}
	return actor, by
}

// Worst returns how late the lab was at most, apart from looks at sockets, for which nothing waits, and
// from actors that were stopped, for which the machine can do nothing; 0 if it never was.
func (l *Lateness) Worst() time.Duration {
	worst := time.Duration(0)
	for i := range l.Parts {
		if p := l.Parts[i].Part; p != LateLook && p != LateStop {
			worst = max(worst, l.Parts[i].Worst)
		}
	}
	return worst
}
