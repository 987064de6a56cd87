package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

func TestNothingComesAfterTheEnd(t *testing.T) {
	var sent []time.Duration
	o := outlet{send: func(e trace.Event) { sent = append(sent, e.T) }}
	at := func(t time.Duration) trace.Event { return trace.Event{T: t, Note: &trace.Note{}} }
	o.emit(at(2))
	o.emit(at(1)) // observers are a little late
	o.hold(5)
	o.emit(at(4)) // it cannot be after the end
	o.emit(at(7))
	o.emit(at(9)) // the end is before it, as turns out
	o.emit(at(8))
	if diff := cmp.Diff([]time.Duration{2, 1, 4}, sent); diff != "" {
		t.Errorf("the events sent before the end (-want +got):\n%s", diff)
	}
	o.end(trace.Event{T: 8, End: &trace.End{Reason: trace.EndDone}})
	o.emit(at(6))
	if diff := cmp.Diff([]time.Duration{2, 1, 4, 7, 8, 8}, sent); diff != "" {
		t.Errorf("all events sent (-want +got):\n%s", diff)
	}
}
