package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"

	"halfopen/internal/packet"
)

// outbox writes messages to a pipe as JSON. A goroutine writes, so that senders never wait for the
// pipe's reader: observers must not wait, and the lab must not wait for an actor that a signal has
// stopped. The methods are safe for concurrent use.
type outbox[M any] struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []M
	closed  bool

	written chan error
}

// newOutbox starts the goroutine that writes to w. It calls finish, if not nil, on each message
// first.
func newOutbox[M any](w io.Writer, finish func(*M)) *outbox[M] {
	o := &outbox[M]{written: make(chan error, 1)}
	o.some.L = &o.mu
	go func() { o.written <- o.write(w, finish) }()
	return o
}

// send queues a message. It does not wait.
func (o *outbox[M]) send(m M) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, m)
	o.some.Signal()
}

// close waits until everything is written, and returns the first error of writing.
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

// summarize sets the summary of a packet event.
func summarize(m *message) {
	if e := m.Event; e != nil && e.Packet != nil && e.Packet.Summary == "" {
		e.Packet.Summary = packet.Summarize(e.Packet.Decode())
	}
}
