package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"

	"halfopen/harness/trace"
)

// outbox writes the lab's messages to its parent by a goroutine of its own: observers must not wait for a pipe. Its
// methods are safe for concurrent use.
type outbox struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []message
	closed  bool

	written chan error
}

func newOutbox(w io.Writer) *outbox {
	o := &outbox{written: make(chan error, 1)}
	o.some.L = &o.mu
	go func() { o.written <- o.write(w) }()
	return o
}

// send takes a message; it does not wait.
func (o *outbox) send(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, m)
	o.some.Signal()
}

// close waits until everything is written.
func (o *outbox) close() error {
	o.mu.Lock()
	o.closed = true
	o.some.Signal()
	o.mu.Unlock()
	return <-o.written
}

func (o *outbox) write(w io.Writer) error {
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
			if e := batch[i].Event; e != nil && e.Packet != nil && e.Packet.Summary == "" {
				e.Packet.Summary = trace.Summarize(e.Packet.Decode())
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
