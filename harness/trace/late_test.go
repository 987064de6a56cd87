package trace

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLatenessOfATrace(t *testing.T) {
	const ms = time.Millisecond
	late := func(part Part, name string, due, done time.Duration) Event {
		return Event{T: done, Late: &Late{Part: part, Name: name, Due: due}}
	}
	machine := func(done, worst time.Duration) Event {
		return Event{T: done, Late: &Late{Part: LateMachine, Due: done - worst}}
	}
	for _, tt := range []struct {
		name        string
		events      []Event
		from, until time.Duration
		within      time.Duration
		longest     time.Duration
	}{
		{"a trace without any", nil, 0, time.Second, 0, 0},
		{"a packet let go late", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 0, time.Second, 40 * ms, 40 * ms},
		{"what is over before the time between does not count", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 92 * ms, time.Second, 0, 40 * ms},
		{"what ends as the time begins made its beginning late", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 90 * ms, time.Second, 40 * ms, 40 * ms},
		{"what begins after it does not count", []Event{late(LateFault, "far", 50*ms, 90*ms)}, 0, 49 * ms, 0, 0},
		{"one after the other adds up", []Event{late(LateFault, "far", 50*ms, 60*ms), late(LateReport, "client", 80*ms, 95*ms)}, 0, time.Second, 25 * ms, 15 * ms},
		{"at the same time does not", []Event{late(LateFault, "far", 50*ms, 60*ms), late(LateReport, "client", 55*ms, 70*ms)}, 0, time.Second, 20 * ms, 20 * ms},
		{"the machine counts once, not for each time it was measured", []Event{machine(50*ms, 20*ms), machine(90*ms, 30*ms)}, 0, time.Second, 30 * ms, 30 * ms},
		{"looks count once, too", []Event{late(LateLook, "client", 30*ms, 50*ms), late(LateLook, "server", 60*ms, 90*ms)}, 0, time.Second, 30 * ms, 30 * ms},
		{"the machine does not add to the lab", []Event{machine(50*ms, 20*ms), late(LateReport, "client", 80*ms, 110*ms)}, 0, time.Second, 30 * ms, 30 * ms},
		{"what was late before the actors began does not count", []Event{late(LateLook, "client", 5*ms, 90*ms), {T: 95 * ms, Start: &Start{}}}, 0, time.Second, 0, 0},
		{"an actor's step", []Event{{T: 40 * ms, Step: &Step{Actor: "client", Late: 15 * ms}}}, 0, time.Second, 15 * ms, 15 * ms},
		{"an actor's start", []Event{{T: 40 * ms, Start: &Start{Actor: "client", Step: "a", Late: 12 * ms}}}, 0, time.Second, 12 * ms, 12 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Of(tt.events...).Lateness()
			if got := l.Within(tt.from, tt.until); got != tt.within {
				t.Errorf("within %v to %v: %v, want %v", tt.from, tt.until, got, tt.within)
			}
			if got := l.Longest(tt.until); got != tt.longest {
				t.Errorf("the longest up to %v: %v, want %v", tt.until, got, tt.longest)
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
		{T: 99 * ms, Late: &Late{Part: LateLook, Name: "client", Due: 59 * ms}},
	}...).Lateness()
	want := []PartLate{
		{Part: LateFault, Name: "deep", Worst: 2 * ms, At: 95 * ms, N: 1},
		{Part: LateFault, Name: "far", Worst: 30 * ms, At: 60 * ms, N: 6},
		{Part: LateStep, Name: "client", Worst: 4 * ms, At: 10 * ms, N: 1},
		{Part: LateLook, Name: "client", Worst: 40 * ms, At: 99 * ms, N: 1},
	}
	if diff := cmp.Diff(want, got.Parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if worst := got.Worst(); worst != 30*ms {
		t.Errorf("the worst, apart from looks, is %v, want 30ms", worst)
	}
}
