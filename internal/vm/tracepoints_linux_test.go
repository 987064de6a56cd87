package vm

import (
	"strings"
	"testing"

	"halfopen/harness/trace"
)

// The programs in the tracepoints were loaded before the snapshot was taken. They work in a guest
// that continues from it.
func TestAGuestSeesTheKernelsEvents(t *testing.T) {
	k := needMachine(t)
	for _, way := range []string{"boots for a snapshot, or is restored", "is restored"} {
		t.Run(way, func(t *testing.T) {
			a := trial(mustParse(silent))
			if err := a.run(t.Context(), Options{Kernel: k, Warp: true, AtOnce: 1}); err != nil {
				t.Fatal(err)
			}
			if a.err != nil {
				t.Fatal(a.err)
			}
			var life []string
			retransmits := 0
			for i := range a.trace.Events {
				switch e := &a.trace.Events[i]; {
				case e.Tracepoints != nil && e.Tracepoints.Off != "":
					t.Errorf("tracepoints are off: %+v", e.Tracepoints)
				case e.Lost != nil:
					t.Errorf("events were lost: %+v", e.Lost)
				case e.Transition != nil && e.Transition.Host == "client":
					life = append(life, strings.TrimSpace(e.Transition.From+" > "+
						e.Transition.State+" "+e.Transition.Errno))
				case e.Retransmit != nil:
					retransmits++
				}
			}
			want := "CLOSE > SYN_SENT, SYN_SENT > CLOSE ETIMEDOUT"
			if got := strings.Join(life, ", "); got != want {
				t.Errorf("the client's socket goes %s, want %s", got, want)
			}
			if retransmits != 6 {
				t.Errorf("%d SYNs were sent again, want 6", retransmits)
			}
		})
	}
}

func TestAGuestLeavesTheTracepointsAlone(t *testing.T) {
	k := needMachine(t)
	a := trial(mustParse(silent))
	o := Options{Kernel: k, Warp: true, AtOnce: 1, NoTracepoints: true}
	if err := a.run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if a.err != nil {
		t.Fatal(a.err)
	}
	var watched *trace.Tracepoints
	for i := range a.trace.Events {
		switch e := &a.trace.Events[i]; {
		case e.Tracepoints != nil:
			watched = e.Tracepoints
		case e.Transition != nil:
			t.Fatalf("event %d is a transition", i)
		}
	}
	if watched == nil || watched.Off == "" {
		t.Errorf("the trace says of its tracepoints %+v", watched)
	}
}
