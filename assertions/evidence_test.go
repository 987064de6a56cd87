package assertions

import (
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestMoments(t *testing.T) {
	const ms = time.Millisecond
	tr := &trace.Trace{}
	for _, e := range []trace.Event{
		{T: 1 * ms, Start: &trace.Start{Actor: "a", Step: "send", N: 1}},
		{T: 4 * ms, Step: &trace.Step{Actor: "a", ID: "send", N: 1, Began: 3 * ms}},
		{T: 5 * ms, Signal: &trace.Signal{Actor: "a", Name: "go"}},
		{T: 6 * ms, Sampled: &trace.Sampled{Event: "a.send[2].start"}},
		{T: 7 * ms, Start: &trace.Start{Actor: "a", Step: "send", N: 2}},
		{T: 8 * ms, Fault: &trace.Fault{Name: "f", What: trace.FaultHits, Hits: 2}},
	} {
		tr.Add(e)
	}
	ev := newEvidence(&language.Scenario{}, tr)
	for _, tt := range []struct {
		name string
		ref  language.EventRef
		// at and sockets are -1 for an event that never happened.
		at, sockets time.Duration
	}{
		{"the end of a step", "a.send", 4 * ms, 4 * ms},
		{"a start that was reported before the system call", "a.send.start", 3 * ms, 3 * ms},
		{"a start of a step that hangs, with sockets read before it", "a.send.start[2]", 7 * ms, 6 * ms},
		{"the end of a step that hangs", "a.send[2]", -1, -1},
		{"a start that never was", "a.recv.start", -1, -1},
		{"a signal", "a.signal.go", 5 * ms, 5 * ms},
		{"a hit that was counted with the next", "fault.f.hit", 8 * ms, 8 * ms},
		{"a hit that never was", "fault.f.hit[3]", -1, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, err := ev.moment(tt.ref)
			if err != nil {
				at = -1
			}
			sockets, err := ev.socketMoment(tt.ref)
			if err != nil {
				sockets = -1
			}
			if at != tt.at || sockets != tt.sockets {
				t.Errorf("%s was at %v, and its sockets were read at %v, want %v and %v", tt.ref, at, sockets, tt.at, tt.sockets)
			}
		})
	}
}
