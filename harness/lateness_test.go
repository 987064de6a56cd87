package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

func TestTimesOfLatenessAreJoined(t *testing.T) {
	const ms = time.Millisecond
	l := newLateness()
	for _, at := range []struct {
		part      trace.Part
		name      string
		due, done time.Duration
	}{
		{trace.LateFault, "far", 10 * ms, 20 * ms},
		{trace.LateFault, "far", 12 * ms, 21 * ms},         // overlaps the one before
		{trace.LateFault, "deep", 12 * ms, 30 * ms},        // of another fault
		{trace.LateFault, "far", 40 * ms, 45 * ms},         // later
		{trace.LateReport, "client", 50 * ms, 50*ms + 900}, // too short to count
	} {
		l.add(at.part, at.name, at.due, at.done)
	}
	late := func(name string, due, done, worst time.Duration, n int) trace.Event {
		return trace.Event{T: done, Late: &trace.Late{Part: trace.LateFault, Name: name, Due: due, Worst: worst, N: n}}
	}
	want := []trace.Event{
		late("far", 10*ms, 21*ms, 10*ms, 2),
		late("deep", 12*ms, 30*ms, 18*ms, 1),
		late("far", 40*ms, 45*ms, 5*ms, 1),
	}
	if diff := cmp.Diff(want, l.events()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLongestTimesOfLatenessAreKept(t *testing.T) {
	const ms = time.Millisecond
	l := newLateness()
	for i := range time.Duration(10 * mostLate) {
		by := 2 * ms
		if i%10 == 0 {
			by = 20 * ms
		}
		l.add(trace.LateFault, "far", i*100*ms, i*100*ms+by)
	}
	all := l.events()
	if left := all[mostLate-1].Late.LeftOut; left != 9*mostLate {
		t.Errorf("%d times are said to be left out, want %d", left, 9*mostLate)
	}
	if len(all) != mostLate {
		t.Fatalf("%d times are kept, want %d", len(all), mostLate)
	}
	for i, e := range all {
		if e.Late.Worst != 20*ms {
			t.Errorf("time %d of those kept is %v long, want 20ms, the longest", i, e.Late.Worst)
		}
	}
}
