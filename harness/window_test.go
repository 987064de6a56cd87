package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject/fault"
	"halfopen/scenarios/language"
)

func TestWindow(t *testing.T) {
	// open and start stand among the events for the calls of these methods.
	const open, start = "open", "start"
	for _, tt := range []struct {
		name   string
		spec   fault.Window
		events []string
		want   []change
	}{
		{
			name:   "a fault without a window is there before the actors make their listeners",
			events: []string{open},
			want:   []change{{fault: "f", on: true}},
		},
		{
			name:   "and is not put in force again when they start",
			events: []string{open, start, "client.connect"},
			want:   []change{{fault: "f", on: true}},
		},
		{
			name:   "a fault that begins later is not there before",
			spec:   fault.Window{After: time.Second},
			events: []string{open},
		},
		{
			name:   "after counts from the start of the actors",
			spec:   fault.Window{After: time.Second},
			events: []string{open, start},
			want:   []change{{fault: "f", on: true, after: time.Second}},
		},
		{
			name:   "for counts from the beginning",
			spec:   fault.Window{After: time.Second, For: 2 * time.Second},
			events: []string{open, start},
			want:   []change{{fault: "f", on: true, after: time.Second}, {fault: "f", after: 3 * time.Second}},
		},
		{
			name:   "from waits for its event, and takes the first only",
			spec:   fault.Window{From: "client.send"},
			events: []string{open, start, "client.connect", "client.send", "client.send"},
			want:   []change{{fault: "f", on: true}},
		},
		{
			name:   "a first execution may be named with its number or without",
			spec:   fault.Window{From: "client.send[1].start", Until: "client.send[1]"},
			events: []string{open, start, "client.send.start", "client.send"},
			want:   []change{{fault: "f", on: true}, {fault: "f"}},
		},
		{
			name:   "until ends it",
			spec:   fault.Window{Until: "server.accept"},
			events: []string{open, start, "server.accept"},
			want:   []change{{fault: "f", on: true}, {fault: "f"}},
		},
		{
			name:   "an until before from leaves the fault out",
			spec:   fault.Window{From: "client.send", Until: "server.accept"},
			events: []string{open, start, "server.accept", "client.send"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWindow("f", tt.spec)
			var got []change
			for _, e := range tt.events {
				switch e {
				case open:
					got = append(got, w.open()...)
				case start:
					got = append(got, w.start()...)
				default:
					got = append(got, w.happened(language.EventRef(e).Canonical())...)
				}
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(change{})); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}
