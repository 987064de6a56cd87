package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"

	"halfopen/internal/packet"
)

// outbox writes messages to a pipe, as JSON, by a goroutine of its own, so that nobody waits for the pipe's reader: observers
// must not, nor must the lab for an actor that a signal has stopped. Its methods are safe for concurrent use.
type outbox[M any] struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []M
	closed  bool

	written chan error
}

// newOutbox starts the goroutine, which calls finish, if not nil, with each message before it writes it.
func newOutbox[M any](w io.Writer, finish func(*M)) *outbox[M] {
	o := &outbox[M]{written: make(chan error, 1)}
	o.some.L = &o.mu
	go func() { o.written <- o.write(w, finish) }()
	return o
}

// send takes a message; it does not wait.
func (o *outbox[M]) send(m M) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, m)
	o.some.Signal()
}

// close waits until everything is written.
func (o *outbox[M]) close() error {
	o.mu.Lock()
	o.closed = true
	o.some.Signal()
	o.mu.Unlock()
	return <-o.written
}

func (o *outbox[M]) write(w io.Writer, finish func(*M)) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(buf)
	for {
		o.mu.Lock()
		for len(o.waiting) == 0 && !o.closed {
			o.some.Wait()
		}
		batch, last := o.waiting, o.closed
		o.waiting = nil
		o.mu.Unlock()
		for i := range batch {
			if finish != nil {
				finish(&batch[i])
			}
			if err := enc.Encode(&batch[i]); err != nil {
				return err
			}
		}
		if err := buf.Flush(); err != nil || last {
			return err
		}
	}
}

// summarize says what a packet is, for people.
func summarize(m *message) {
	if e := m.Event; e != nil && e.Packet != nil && e.Packet.Summary == "" {
		e.Packet.Summary = packet.Summarize(e.Packet.Decode())
	}
}
