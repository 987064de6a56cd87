package trace

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Trace is the events of one run in the order of their times.
type Trace struct {
	Events []Event
}

// Add appends an event. Call [Trace.Sort] once all are in: observers report packets and sockets a
// little late.
func (t *Trace) Add(e Event) { t.Events = append(t.Events, e) }

// Sort orders the events by time. Events of the same instant keep the order in which they were
// added.
func (t *Trace) Sort() {
	slices.SortStableFunc(t.Events, func(a, b Event) int { return cmp.Compare(a.T, b.T) })
}

// Run returns the run event, or nil.
func (t *Trace) Run() *Run {
	for i := range t.Events {
		if r := t.Events[i].Run; r != nil {
			return r
		}
	}
	return nil
}

// End returns the end event and its time, or nil.
func (t *Trace) End() (*End, time.Duration) {
	for i := len(t.Events) - 1; i >= 0; i-- {
		if e := t.Events[i].End; e != nil {
			return e, t.Events[i].T
		}
	}
	return nil, 0
}

// Hosts returns the host events in the order they came up.
func (t *Trace) Hosts() []*Host {
	var hosts []*Host
	for i := range t.Events {
		if h := t.Events[i].Host; h != nil {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// Addresses returns the addresses of the hosts by name, including those of the wire.
func (t *Trace) Addresses() map[string][]netip.Addr {
	all := map[string][]netip.Addr{}
	for _, h := range t.Hosts() {
		for _, text := range h.Addresses {
			text, _, _ = strings.Cut(text, "/")
			if a, err := netip.ParseAddr(text); err == nil {
				all[h.Name] = append(all[h.Name], a)
			}
		}
	}
	return all
}

// Started returns when the actors began; 0 if they never did.
func (t *Trace) Started() time.Duration {
	for i := range t.Events {
		if s := t.Events[i].Start; s != nil && s.Actor == "" {
			return t.Events[i].T
		}
	}
	return 0
}

// Write writes the trace as NDJSON: one event a line. A reader needs no other file.
func (t *Trace) Write(w io.Writer) error {
	return t.write(w, func(e *Event, _ int) *Event { return e })
}

// MostSummarized is how many packets of a stored trace have their link end, length and summary in
// the trace, too, for people who read it. A run has up to a million packets.
const MostSummarized = 10_000

// WriteReferring writes the trace as [Trace.Write] does, but for the packets: in place of their
// frames they have their number in the file that [Trace.WriteCapture] writes. The trace must be
// sorted.
func (t *Trace) WriteReferring(w io.Writer) error {
	return t.write(w, func(e *Event, packet int) *Event {
		if e.Packet == nil {
			return e
		}
		p := Packet{Number: packet}
		if packet <= MostSummarized {
			p.Host, p.Device, p.Out, p.Length = e.Packet.Host, e.Packet.Device, e.Packet.Out, e.Packet.Length
			p.Summary = e.Packet.summary()
		}
		return &Event{T: e.T, Packet: &p}
	})
}

// write writes each event as the form that is made of it and the number of packets so far.
func (t *Trace) write(w io.Writer, form func(*Event, int) *Event) error {
	bw := bufio.NewWriter(w)
	enc := json.NewEncoder(bw)
	packets := 0
	for i := range t.Events {
		if t.Events[i].Packet != nil {
			packets++
		}
		if err := enc.Encode(form(&t.Events[i], packets)); err != nil {
			return fmt.Errorf("writing event %d: %w", i, err)
		}
	}
	return bw.Flush()
}

// Read reads a trace written by [Trace.Write]. The packets of one that was written by
// [Trace.WriteReferring] have no frames until [Trace.ReadCapture] has read them.
func Read(r io.Reader) (*Trace, error) {
	t := &Trace{}
	dec := json.NewDecoder(bufio.NewReader(r))
	for {
		var e Event
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("reading event %d: the trace ends in the middle of it; was it written to its end? %w",
				len(t.Events), err)
		}
		if err != nil {
			return nil, fmt.Errorf("reading event %d: %w", len(t.Events), err)
		}
		// What is not read must not be judged: "none" would hold of events that nobody saw.
		if e.Kind() == "" {
			return nil, fmt.Errorf("reading event %d: its kind is unknown; was the trace written by a later version of halfopen?",
				len(t.Events))
		}
		t.Add(e)
	}
}
