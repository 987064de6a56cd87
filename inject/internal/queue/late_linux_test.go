package queue

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPacketsThatGoOnLateAreReported(t *testing.T) {
	const ms = time.Millisecond
	type late struct {
		host, fault string
		due, done   time.Duration
	}
	const now = 100 * ms
	for _, tt := range []struct {
		name string
		w    waiting
		want []late
	}{
		{"in time", waiting{at: now, fault: "far"}, nil},
		{"by less than is recorded", waiting{at: now - Shortest + 1, fault: "far"}, nil},
		{"delayed by a fault", waiting{at: 9 * ms, fault: "far"}, []late{{"wire", "far", 9 * ms, now}}},
		{"by no fault, waiting for its verdict", waiting{at: 98 * ms}, []late{{"wire", "", 98 * ms, now}}},
		{"a packet that waited for others was never due", waiting{at: 9 * ms, fault: "swap", overtaken: true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []late
			q := &Queue{Config: Config{
				Host: "wire", Now: func() time.Duration { return now },
				Late: func(host, fault string, due, done time.Duration) {
					got = append(got, late{host, fault, due, done})
				},
			}}
			q.timed(&tt.w)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(late{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLastFaultThatDelaysAPacketIsTheOneThatIsLate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		strikes []Strike
		want    string
	}{
		{"none", nil, ""},
		{"only another effect", []Strike{{Fault: "edit", Effect: "rewritten"}}, ""},
		{"the last of two", []Strike{{Fault: "far", Effect: "delayed"}, {Fault: "deep", Effect: "delayed"}, {Fault: "edit", Effect: "rewritten"}}, "deep"},
	} {
		if got := (&Decision{Strikes: tt.strikes}).delayedBy(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
