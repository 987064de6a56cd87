package trace

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLatenessOfATrace(t *testing.T) {
	const ms = time.Millisecond
	late := func(part Part, name string, due, done time.Duration) Event {
		return Event{T: done, Late: &Late{Part: part, Name: name, Due: due}}
	}
	many := func(part Part, due, done, worst time.Duration) Event {
		return Event{T: done, Late: &Late{Part: part, Name: "far", Due: due, Worst: worst, N: 9}}
	}
	step := func(began, ended, sum, worst time.Duration) Event {
		return Event{T: ended, Step: &Step{Actor: "client", Began: began, Late: sum, LateWorst: worst}}
	}
	for _, tt := range []struct {
		name                string
		events              []Event
		from, until         time.Duration
		within, once, onWay time.Duration
	}{
		{"a trace without any", nil, 0, time.Second, 0, 0, 0},
		{"a packet let go late", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 0, time.Second, 40 * ms, 40 * ms, 80 * ms},
		{"what is over before the time does not count", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 92 * ms, time.Second, 0, 0, 0},
		{"what ends as the time begins made its beginning late, and nothing in it", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 90 * ms, time.Second, 0, 40 * ms, 80 * ms},
		{"what begins after it does not count", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 0, 49 * ms, 0, 0, 0},
		{"what reaches into the time counts as far as it does", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 70 * ms, time.Second, 20 * ms, 40 * ms, 80 * ms},
		{"one after the other adds up", []Event{late(LateSwitch, "far", 50*ms, 60*ms), late(LateReport, "client", 80*ms, 95*ms)}, 0, time.Second, 25 * ms, 15 * ms, 0},
		{"one that the other made late counts as one", []Event{late(LateSwitch, "far", 50*ms, 60*ms), late(LateReport, "client", 55*ms, 70*ms)}, 0, time.Second, 20 * ms, 20 * ms, 0},
		{"of many packets at once, only the latest", []Event{many(LateFault, 50*ms, 650*ms, 7*ms)}, 0, time.Second, 600 * ms, 7 * ms, 14 * ms},
		{"looks count once", []Event{late(LateLook, "client", 30*ms, 50*ms), late(LateLook, "server", 60*ms, 90*ms)}, 0, time.Second, 30 * ms, 30 * ms, 0},
		{"looks do not add to the lab", []Event{late(LateLook, "client", 30*ms, 50*ms), late(LateReport, "client", 80*ms, 110*ms)}, 0, time.Second, 30 * ms, 30 * ms, 0},
		{"an actor that was stopped", []Event{late(LateStop, "client", 50*ms, 90*ms)}, 0, time.Second, 40 * ms, 40 * ms, 0},
		{"what was late before the actors began does not count", []Event{late(LateLook, "client", 5*ms, 90*ms), {T: 95 * ms, Start: &Start{}}}, 0, time.Second, 0, 0, 0},
		{"a step that waited once", []Event{step(20*ms, 40*ms, 15*ms, 0)}, 0, time.Second, 15 * ms, 15 * ms, 15 * ms},
		{"a step that waited many times", []Event{step(20*ms, 900*ms, 300*ms, 9*ms)}, 0, time.Second, 300 * ms, 9 * ms, 9 * ms},
		{"a part of a step that waited many times", []Event{step(20*ms, 900*ms, 300*ms, 9*ms)}, 800 * ms, 850 * ms, 50 * ms, 9 * ms, 9 * ms},
		{"two steps in turn", []Event{step(20*ms, 400*ms, 30*ms, 9*ms), step(400*ms, 900*ms, 50*ms, 8*ms)}, 0, time.Second, 80 * ms, 9 * ms, 9 * ms},
		{"never more than the time", []Event{step(20*ms, 400*ms, 300*ms, 0), step(20*ms, 400*ms, 300*ms, 0)}, 0, 400 * ms, 400 * ms, 300 * ms, 300 * ms},
		{"a packet, and a wait of the kernel", []Event{late(LateQueue, "wire", 50*ms, 60*ms), step(20*ms, 90*ms, 30*ms, 5*ms)}, 0, time.Second, 40 * ms, 10 * ms, 25 * ms},
		{"an actor's start", []Event{{T: 40 * ms, Start: &Start{Actor: "client", Step: "a", Late: 12 * ms}}}, 0, time.Second, 12 * ms, 12 * ms, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Of(tt.events...).Lateness()
			for _, m := range []struct {
				name      string
				got, want time.Duration
			}{
				{"within", l.Within(tt.from, tt.until), tt.within},
				{"once", l.Once(tt.from, tt.until), tt.once},
				{"on the way", l.OnWay(tt.from, tt.until), tt.onWay},
			} {
				if m.got != m.want {
					t.Errorf("%s, from %v to %v: %v, want %v", m.name, tt.from, tt.until, m.got, m.want)
				}
			}
		})
	}
}

func TestLatenessHasAPartForEachName(t *testing.T) {
	const ms = time.Millisecond
	got := Of([]Event{
		{T: 10 * ms, Step: &Step{Actor: "client", Late: 4 * ms}},
		{T: 60 * ms, Late: &Late{Part: LateFault, Name: "far", Due: 20 * ms, Worst: 30 * ms, N: 5}},
		{T: 90 * ms, Late: &Late{Part: LateFault, Name: "far", Due: 82 * ms}},
		{T: 95 * ms, Late: &Late{Part: LateFault, Name: "deep", Due: 93 * ms}},
		{T: 98 * ms, Late: &Late{Part: LateStop, Name: "client", Due: 18 * ms}},
		{T: 99 * ms, Late: &Late{Part: LateLook, Name: "client", Due: 59 * ms}},
	}...).Lateness()
	want := []PartLate{
		{Part: LateStop, Name: "client", Worst: 80 * ms, At: 98 * ms, N: 1},
		{Part: LateFault, Name: "deep", Worst: 2 * ms, At: 95 * ms, N: 1},
		{Part: LateFault, Name: "far", Worst: 30 * ms, At: 60 * ms, N: 6},
		{Part: LateStep, Name: "client", Worst: 4 * ms, At: 10 * ms, N: 1},
		{Part: LateLook, Name: "client", Worst: 40 * ms, At: 99 * ms, N: 1},
	}
	if diff := cmp.Diff(want, got.Parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if worst := got.Worst(); worst != 30*ms {
		t.Errorf("the worst, apart from looks and stops, is %v, want 30ms", worst)
	}
}

// Times are found by a search. Those that look through all of them are the same.
func TestTimesThatReachIntoAnother(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	span := func() lateTime {
		from := time.Duration(r.IntN(100)) * time.Millisecond
		return lateTime{from: from, until: from + time.Duration(r.IntN(1+r.IntN(60)))*time.Millisecond}
	}
	found := 0
	for range 200 {
		var l lateTimes
		times := make([]lateTime, r.IntN(12))
		for i := range times {
			times[i] = span()
		}
		slices.SortFunc(times, func(a, b lateTime) int { return int(a.until - b.until) })
		for _, at := range times {
			l.add(at)
		}
		for range 20 {
			in := span()
			var want, got []lateTime
			for _, at := range times {
				if at.reaches(in.from, in.until) {
					want = append(want, at)
				}
			}
			for at := range l.reaching(in.from, in.until) {
				got = append(got, *at)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("of %v, %v reach into %v, want %v", times, got, in, want)
			}
			found += len(want)
		}
	}
	if found < 1000 {
		t.Errorf("only %d times reach into another: the test shows little", found)
	}
}

func TestTimesThatWereLeftOutAreCounted(t *testing.T) {
	const ms = time.Millisecond
	l := Of(
		Event{T: 20 * ms, Late: &Late{Part: LateFault, Name: "far", Due: 10 * ms}},
		Event{T: 40 * ms, Late: &Late{Part: LateFault, Name: "far", Due: 30 * ms, N: 2, LeftOut: 7}},
	).Lateness()
	if l.LeftOut != 7 || len(l.Parts) != 1 || l.Parts[0].N != 10 {
		t.Errorf("%d times are left out of %+v, want 7 of a part that was late 10 times", l.LeftOut, l.Parts)
	}
}

// A step that waited often for a processor was late by the longest wait at any moment, not by their
// sum.
func TestTheWorstOfAStepIsItsLongestWait(t *testing.T) {
	step := func(sum, longest time.Duration) *Lateness {
		return Of(Event{T: time.Second, Step: &Step{Actor: "client", Late: sum, LateWorst: longest}}).Lateness()
	}
	for _, tt := range []struct {
		name         string
		sum, longest time.Duration
		want         time.Duration
	}{
		{"many short waits", 200 * time.Millisecond, time.Millisecond, time.Millisecond},
		{"one wait", 20 * time.Millisecond, 0, 20 * time.Millisecond},
	} {
		if got := step(tt.sum, tt.longest).Worst(); got != tt.want {
			t.Errorf("%s: the worst is %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTheLongestStopIsNamed(t *testing.T) {
	const ms = time.Millisecond
	stop := func(actor string, from, until time.Duration) Event {
		return Event{T: until, Late: &Late{Part: LateStop, Name: actor, Due: from}}
	}
	tr := Of(stop("client", 10*ms, 30*ms), stop("server", 40*ms, 90*ms),
		Event{T: 95 * ms, Late: &Late{Part: LateFault, Name: "far", Due: 5 * ms}})
	for _, tt := range []struct {
		name        string
		l           *Lateness
		from, until time.Duration
		actor       string
		by          time.Duration
	}{
		{"of two", tr.Lateness(), 0, 100 * ms, "server", 50 * ms},
		{"in a part of the time", tr.Lateness(), 0, 20 * ms, "client", 20 * ms},
		{"in a time without any", tr.Lateness(), 92 * ms, 100 * ms, "", 0},
		{"of the actors that count", tr.LatenessOf(func(a string) bool { return a == "client" }), 0, 100 * ms, "client", 20 * ms},
	} {
		if actor, by := tt.l.Stopped(tt.from, tt.until); actor != tt.actor || by != tt.by {
			t.Errorf("%s: %q for %v, want %q for %v", tt.name, actor, by, tt.actor, tt.by)
		}
	}
}
