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

// Trace is the events of one run in the order of their times. Add packets from one goroutine, and read
// them once all are in; then several may read.
type Trace struct {
	Events []Entry
	// packets has the packets of the trace; nil if it has none.
	packets *seen
}

// Entry is an event in a trace, with the same fields, but [Entry.Packet] returns its packet. It takes
// little memory for a packet, of which there are millions. [Trace.Add] and [Of] make entries; the zero
// Entry is not ready to use.
type Entry struct {
	T time.Duration
	*seen
	// at is where the packet is in the store.
	at place
}

// seen is an event in a trace. Without any field of the event set it is all packets of one trace.
type seen struct {
	Event
	// store has the packets; nil for other events.
	store *store
}

// IsPacket reports whether the event is a packet.
func (e *Entry) IsPacket() bool { return e.store != nil }

// Packet returns the packet. If the event is not a packet, it returns one without a link end.
func (e *Entry) Packet() Packet {
	if e.store == nil {
		return Packet{}
	}
	return e.store.packet(e.at)
}

// Kind is the JSON key of the event, as [Event.Kind] returns it.
func (e *Entry) Kind() string {
	if e.IsPacket() {
		return "packet"
	}
	return e.Event.Kind()
}

// Whole returns the event as it was added.
func (e *Entry) Whole() Event {
	if e.IsPacket() {
		p := e.Packet()
		return Event{T: e.T, Packet: &p}
	}
	return e.Event
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
// little late. The trace copies a packet.
func (t *Trace) Add(e Event) {
	if e.Packet != nil {
		t.AddPacket(e.T, e.Packet)
		return
	}
	t.Events = append(t.Events, Entry{T: e.T, seen: &seen{Event: e}})
}

// AddPacket appends a packet, as [Trace.Add] does.
func (t *Trace) AddPacket(at time.Duration, p *Packet) {
	if t.packets == nil {
		t.packets = &seen{store: &store{}}
	}
	t.Events = append(t.Events, Entry{T: at, seen: t.packets, at: t.packets.store.add(p)})
}

// Spilled says why the trace can no longer write packets to a file; nil if it can. Packets that are
// added then take memory.
func (t *Trace) Spilled() error {
	if t.packets == nil {
		return nil
	}
	return t.packets.store.unwritten
}

// Err returns the first error of reading packets back from the file that has those for which there is
// no memory. What rests on the trace is then worth nothing.
func (t *Trace) Err() error {
	if t.packets == nil {
		return nil
	}
	return t.packets.store.err()
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
// the trace, too, for people who read it. Most runs have fewer packets.
const MostSummarized = 10_000

// WriteReferring writes the trace as [Trace.Write] does, but for the packets: in place of their
// frames they have their number in the file that [Trace.WriteCapture] writes. The trace must be
// sorted.
func (t *Trace) WriteReferring(w io.Writer) error {
	return t.write(w, func(l *lines, e *Entry, number int) error {
		if number <= MostSummarized {
			p := e.Packet()
			return l.json.Encode(p.referring(e.T, number))
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
		if e.IsPacket() {
			packets++
			err = packet(&l, e, packets)
		} else {
			err = l.json.Encode(&e.Event)
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
