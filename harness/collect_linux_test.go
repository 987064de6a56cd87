package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"halfopen/internal/codec"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
)

// The lab may write its events long after they happened, and go on after the end of the run while
// it writes. The kernel's events are in their place all the same.
func TestTheKernelsEventsAreInTheirPlace(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, m := range []message{
		{Event: &trace.Event{T: 10, Note: &trace.Note{Text: "lab"}}},
		{Event: &trace.Event{T: 8, Note: &trace.Note{Text: "lab, late"}}},
		{Event: &trace.Event{T: 30, End: &trace.End{Reason: trace.EndDone}}},
	} {
		if err := codec.NewEncoder(w).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()

	kernel := newTracepoints(true)
	host := &watchedHost{name: "client"}
	kernel.hosts = []*watchedHost{host}
	kernel.stopped = true // there is no watch
	for _, at := range []time.Duration{5, 20, 19, 30, 31} {
		kernel.keep(host, tracepoint.Reset{Head: tracepoint.Head{At: at}})
	}
	host.lost[tracepoint.KindDrop] = 2

	var emitted []trace.Event
	c := collector{
		lab:    &labProcess{events: r, keeper: newKeeper(usual, 0, time.Now())},
		kernel: kernel, trace: &trace.Trace{}, most: mostPackets,
		emit: func(e trace.Event) { emitted = append(emitted, e) },
	}
	if err := c.collect(); err != nil {
		t.Fatal(err)
	}
	type event struct {
		T    time.Duration
		Kind string
	}
	want := []event{
		{5, "reset"},
		{10, "note"},
		{8, "note"},
		{20, "reset"},
		{19, "reset"},
		{30, "reset"},
		{30, "lost"},
		{30, "end"},
	}
	var got []event
	for _, e := range emitted {
		got = append(got, event{e.T, e.Kind()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the events emitted (-want +got):\n%s", diff)
	}
	var added []trace.Event
	for i := range c.trace.Events {
		added = append(added, c.trace.Events[i].Whole())
	}
	if diff := cmp.Diff(emitted, added); diff != "" {
		t.Errorf("the trace (-emitted +trace):\n%s", diff)
	}
}

// A run may have more packets than fit into memory: the trace has the first ones, and says that it is
// not the whole truth.
func TestOnlySoManyPacketsAreInATrace(t *testing.T) {
	for _, tt := range []struct {
		name         string
		packets      int
		forget       bool
		emitted, has []string
	}{
		{"as many as fit", 2, false, []string{"packet", "packet", "end"}, []string{"packet", "packet", "end"}},
		{"more than fit", 4, false, []string{"packet", "packet", "note", "end"}, []string{"packet", "packet", "note", "end"}},
		{"more than fit, and only emitted", 4, true, []string{"packet", "packet", "note", "end"}, []string{"end"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			enc := codec.NewEncoder(w)
			for i := range tt.packets {
				p := &trace.Packet{LinkEnd: &trace.LinkEnd{Host: "client", Device: "eth0"}, Frame: []byte{1}}
				var ps trace.Packets
				ps.Append(time.Duration(i), p)
				if err := enc.Encode(message{Packets: &ps}); err != nil {
					t.Fatal(err)
				}
			}
			end := trace.Event{T: 9, End: &trace.End{Reason: trace.EndDone}}
			if err := enc.Encode(message{Event: &end}); err != nil {
				t.Fatal(err)
			}
			w.Close()
			kernel := newTracepoints(true)
			kernel.stopped = true
			var emitted, has []string
			var note *trace.Note
			c := collector{
				lab:    &labProcess{events: r, keeper: newKeeper(usual, 0, time.Now())},
				kernel: kernel, trace: &trace.Trace{}, most: 2, forget: tt.forget,
				emit: func(e trace.Event) {
					emitted = append(emitted, e.Kind())
					if e.Note != nil {
						note = e.Note
					}
				},
			}
			if err := c.collect(); err != nil {
				t.Fatal(err)
			}
			for i := range c.trace.Events {
				has = append(has, c.trace.Events[i].Kind())
			}
			if diff := cmp.Diff([][]string{tt.emitted, tt.has}, [][]string{emitted, has}); diff != "" {
				t.Errorf("emitted, and in the trace (-want +got):\n%s", diff)
			}
			const text = "the trace has 2 packets; the last 2 were left out, because more do not fit into memory"
			if note != nil && (note.Text != text || !note.Untrue) {
				t.Errorf("the note is %+v", note)
			}
		})
	}
}

// Packets beyond a bound go to a file. Without one they are left out, and the trace says so.
func TestPacketsWithoutAFileAreLeftOut(t *testing.T) {
	const packets, frame = 600, 128 << 10 // 75 MiB
	for _, tt := range []struct {
		name, dir string
		complete  bool
	}{
		{"with a directory for the file", t.TempDir(), true},
		{"without one", filepath.Join(t.TempDir(), "missing"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TMPDIR", tt.dir)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			written := make(chan error, 1)
			go func() {
				defer w.Close()
				enc := codec.NewEncoder(w)
				for i := range packets {
					var ps trace.Packets
					ps.Append(time.Duration(i), &trace.Packet{
						LinkEnd: &trace.LinkEnd{Host: "client", Device: "eth0"}, Frame: make([]byte, frame),
					})
					if err := enc.Encode(message{Packets: &ps}); err != nil {
						written <- err
						return
					}
				}
				end := trace.Event{T: packets, End: &trace.End{Reason: trace.EndDone}}
				written <- enc.Encode(message{Event: &end})
			}()
			kernel := newTracepoints(true)
			kernel.stopped = true
			c := collector{
				lab:    &labProcess{events: r, keeper: newKeeper(usual, 0, time.Now())},
				kernel: kernel, trace: &trace.Trace{}, most: mostPackets,
			}
			if err := errors.Join(c.collect(), <-written); err != nil {
				t.Fatal(err)
			}
			has, note := 0, ""
			for i := range c.trace.Events {
				switch e := &c.trace.Events[i]; {
				case e.IsPacket():
					has++
				case e.Note != nil && e.Note.Untrue:
					note = e.Note.Text
				}
			}
			if tt.complete {
				if has != packets || note != "" {
					t.Errorf("the trace has %d packets, and the note %q", has, note)
				}
				return
			}
			text := fmt.Sprintf("the trace has %d packets; the last %d were left out, because there was no "+
				"file for more: making a file for packets: open %s: no such file or directory",
				has, packets-has, tt.dir)
			if has == 0 || has == packets || note != text {
				t.Errorf("the trace has %d packets, and the note\n%s, want\n%s", has, note, text)
			}
		})
	}
}
