// Package outbox sends messages to another process without waiting for it.
package outbox

import (
	"bufio"
	"io"
	"sync"

	"halfopen/internal/codec"
)

// Outbox writes messages to a pipe, as package codec does. A goroutine writes, so that senders never wait for the
// pipe's reader: observers must not wait, and the lab must not wait for an actor that a signal has
// stopped. The methods are safe for concurrent use. Make it with [New].
type Outbox[M any] struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []M
	closed  bool

	written chan error
}

// New starts the goroutine that writes to w until Close. It calls finish, if not nil, on each
// message first.
func New[M any](w io.Writer, finish func(*M)) *Outbox[M] {
	o := &Outbox[M]{written: make(chan error, 1)}
	o.some.L = &o.mu
	go func() { o.written <- o.write(w, finish) }()
	return o
}

// Send queues a message. It does not wait.
func (o *Outbox[M]) Send(m M) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, m)
	o.some.Signal()
}

// Close waits until everything is written, and returns the first error of writing. It does not close
// the pipe.
func (o *Outbox[M]) Close() error {
	o.mu.Lock()
	o.closed = true
	o.some.Signal()
	o.mu.Unlock()
	return <-o.written
}

func (o *Outbox[M]) write(w io.Writer, finish func(*M)) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	enc := codec.NewEncoder(buf)
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
