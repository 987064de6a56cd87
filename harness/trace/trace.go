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
	"strconv"
	"strings"
	"time"
)

// Trace is the events of one run in the order of their times.
type Trace struct {
	Events []Entry
	// ends are the link ends of the packets: packets of one end share its names.
	ends []*LinkEnd
}

// Entry is an event in a trace, with the same fields. It takes little memory for a packet, of which
// there are millions. [Trace.Add] and [Of] make entries; the zero Entry is not ready to use.
type Entry struct {
	T      time.Duration
	Packet *Packet
	// Event is the event if it is no packet. That of a packet is empty.
	*Event
}

// notPacket is the Event of all packets.
var notPacket Event

// Kind is the JSON key of the event, as [Event.Kind] returns it.
func (e *Entry) Kind() string {
	if e.Packet != nil {
		return "packet"
	}
	return e.Event.Kind()
}

// Whole returns the event as it was added.
func (e *Entry) Whole() Event {
	if e.Packet != nil {
		return Event{T: e.T, Packet: e.Packet}
	}
	return *e.Event
}

// Of returns a trace of these events.
func Of(events ...Event) *Trace {
	t := &Trace{}
	for _, e := range events {
		t.Add(e)
	}
	return t
}

// Add appends an event. Call [Trace.Sort] once all are in: observers report packets and sockets a
// little late. The trace takes a packet over, and shares its link end with others.
func (t *Trace) Add(e Event) {
	if e.Packet != nil {
		t.addPacket(e.T, e.Packet)
		return
	}
	kept := e
	t.Events = append(t.Events, Entry{T: e.T, Event: &kept})
}

func (t *Trace) addPacket(at time.Duration, p *Packet) {
	if end := t.end(p.LinkEnd); p.LinkEnd != end {
		p.LinkEnd = end
	}
	t.Events = append(t.Events, Entry{T: at, Packet: p, Event: &notPacket})
}

// end returns the link end that all packets with these names share.
func (t *Trace) end(of *LinkEnd) *LinkEnd {
	if of == nil {
		of = &LinkEnd{}
	}
	for _, end := range t.ends {
		if end == of || *end == *of {
			return end
		}
	}
	t.ends = append(t.ends, of)
	return of
}

// Sort orders the events by time. Events of the same instant keep the order in which they were
// added.
func (t *Trace) Sort() {
	slices.SortStableFunc(t.Events, func(a, b Entry) int { return cmp.Compare(a.T, b.T) })
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
	return t.write(w, func(l *lines, e *Entry, _ int) error {
		whole := e.Whole()
		return l.json.Encode(&whole)
	})
}

// MostSummarized is how many packets of a stored trace have their link end, length and summary in
// the trace, too, for people who read it. A run has up to a million packets.
const MostSummarized = 10_000

// WriteReferring writes the trace as [Trace.Write] does, but for the packets: in place of their
// frames they have their number in the file that [Trace.WriteCapture] writes. The trace must be
// sorted.
func (t *Trace) WriteReferring(w io.Writer) error {
	return t.write(w, func(l *lines, e *Entry, number int) error {
		if number <= MostSummarized {
			return l.json.Encode(e.Packet.referring(e.T, number))
		}
		return l.reference(e.T, number)
	})
}

// lines writes events, each to a line.
type lines struct {
	w    *bufio.Writer
	json *json.Encoder
}

// reference writes a packet that has nothing but its number. There may be millions.
func (l *lines) reference(at time.Duration, number int) error {
	b := append(l.w.AvailableBuffer(), `{"t":`...)
	b = strconv.AppendInt(b, int64(at), 10)
	b = append(b, `,"packet":{"number":`...)
	b = strconv.AppendInt(b, int64(number), 10)
	_, err := l.w.Write(append(b, "}}\n"...))
	return err
}

// write writes each event to a line; packet writes the packets, which have numbers from 1.
func (t *Trace) write(w io.Writer, packet func(*lines, *Entry, int) error) error {
	l := lines{w: bufio.NewWriter(w)}
	l.json = json.NewEncoder(l.w)
	packets := 0
	for i := range t.Events {
		e := &t.Events[i]
		var err error
		if e.Packet != nil {
			packets++
			err = packet(&l, e, packets)
		} else {
			err = l.json.Encode(e.Event)
		}
		if err != nil {
			return fmt.Errorf("writing event %d: %w", i, err)
		}
	}
	return l.w.Flush()
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
