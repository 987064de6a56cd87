package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestADelayThatWasLateIsDrawnWithItsRealTime(t *testing.T) {
	s := &language.Scenario{Faults: []language.Fault{
		{Name: "far", Do: language.Action{Delay: &language.Delay{By: language.Duration(50 * ms)}}},
		{Name: "deep", Do: language.Action{Delay: &language.Delay{By: language.Duration(20 * ms)}}},
		{Name: "until", Do: language.Action{Hold: &language.Hold{Until: "client.send"}}},
	}}
	type hit struct {
		fault  string
		effect trace.Effect
		by     time.Duration
	}
	far, deep, held := hit{"far", "delayed", 50 * ms}, hit{"deep", "delayed", 20 * ms}, hit{"until", "held", 0}
	for _, tt := range []struct {
		name string
		kept time.Duration
		hits []hit
		want string
	}{
		{"in time", 50 * ms, []hit{far}, "→50ms far"},
		{"as late as a quiet machine may be", 54 * ms, []hit{far}, "→50ms far"},
		{"late", 141 * ms, []hit{far}, "→141ms far (asked 50ms)"},
		{"two delays, in time", 70 * ms, []hit{far, deep}, "→50ms far, →20ms deep"},
		{"two delays, late", 141 * ms, []hit{far, deep}, "→50ms far, →20ms deep, kept for 141ms"},
		{"how long an event took, nobody asked for", 141 * ms, []hit{far, held}, "→50ms far, held until"},
		{"no delay", 141 * ms, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, false)
			segment := l.tcp(seg{from: "server", flags: "A", seq: 9, ack: 1})
			l.see(0, "server", "eth0", true, segment)
			l.see(0, "wire", "server", false, segment)
			for _, h := range tt.hits {
				l.add(start, trace.Event{Fault: &trace.Fault{Name: h.fault, What: "hit", Effect: h.effect, By: h.by, Packet: segment[14:]}})
			}
			l.see(tt.kept, "wire", "client", true, segment)
			l.see(tt.kept, "client", "eth0", false, segment)
			all := Journeys(s, l.end(time.Second))
			if len(all) != 1 {
				t.Fatalf("%d journeys, want 1", len(all))
			}
			if got := all[0].marks(); got != tt.want {
				t.Errorf("drawn as %q, want %q", got, tt.want)
			}
		})
	}
}

// late adds that parts of the lab of a run were late.
func late(tr *trace.Trace) *trace.Trace {
	at := tr.Started() + 200*ms
	tr.Events = append(tr.Events,
		trace.Event{T: at, Late: &trace.Late{Part: trace.LateFault, Name: "silent-server", Due: at - 91*ms, N: 3, Worst: 41 * ms}},
		trace.Event{T: at, Late: &trace.Late{Part: trace.LateReport, Name: "client", Due: at - 2*ms}},
		trace.Event{T: at, Step: &trace.Step{Actor: "client", ID: "x", Op: "sleep", N: 1, Began: at, Late: 40 * ms}},
	)
	tr.Sort()
	return tr
}

func TestHowLateTheLabWasIsSaid(t *testing.T) {
	const sentence = "late  fault silent-server up to 41ms late; actors waited up to 40ms for a processor"
	r := passing(t)
	if got := Details(r, Look{Verbose: true}); strings.Contains(got, "late  ") {
		t.Errorf("a lab that was in time is late:\n%s", got)
	}
	late(r.Trace)
	if got := Details(r, Look{Verbose: true}); !strings.Contains(got, sentence) {
		t.Errorf("no %q in\n%s", sentence, got)
	}
	if got := Inspect(r, Look{}); !strings.Contains(got, strings.TrimPrefix(sentence, "late  ")) {
		t.Errorf("no %q in\n%s", sentence, got)
	}
	want := []lateLine{
		{Part: trace.LateFault, Name: "silent-server", Seconds: 0.041, At: 0.2, N: 3},
		{Part: trace.LateStep, Name: "client", Seconds: 0.04, At: 0.2, N: 1},
		{Part: trace.LateReport, Name: "client", Seconds: 0.002, At: 0.2, N: 1},
	}
	if diff := cmp.Diff(want, NewRecord(r).Late); diff != "" {
		t.Errorf("the record of a run (-want +got):\n%s", diff)
	}
}
