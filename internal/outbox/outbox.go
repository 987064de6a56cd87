// Package outbox sends messages to another process without waiting for it.
package outbox

import (
	"bufio"
	"io"
	"sync"

	"halfopen/internal/codec"
)

// Outbox writes messages to a pipe, as package codec does. A goroutine writes, so that senders never
// wait for the pipe's reader: observers must not wait, and the lab must not wait for an actor that a
// signal has stopped. Only whoever calls [Outbox.Await] waits. The methods are safe for concurrent
// use. Make it with [New].
type Outbox[M any] struct {
	mu sync.Mutex
	// some is signaled when a message comes, room when messages have been written.
	some, room sync.Cond
	waiting    []M
	writing    int // messages that are being written
	closed     bool
	// failed is set if nobody reads any more, or everything before Close has been written.
	failed bool

	written chan error
}

// Most is how many messages wait, or are being written, before [Outbox.Await] waits.
const Most = 1000

// New starts the goroutine that writes to w until Close.
func New[M any](w io.Writer) *Outbox[M] {
	o := &Outbox[M]{written: make(chan error, 1)}
	o.some.L, o.room.L = &o.mu, &o.mu
	go func() { o.written <- o.write(w) }()
	return o
}

// Send queues a message. It does not wait. A message is dropped if nobody reads any more, or after
// Close.
func (o *Outbox[M]) Send(m M) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed {
		return
	}
	o.waiting = append(o.waiting, m)
	o.some.Signal()
}

// Join is like Send, but join may add what is sent to the message that was queued last and is not
// being written yet. If there is none, or join returns false, the message that alone returns is
// queued.
func (o *Outbox[M]) Join(join func(last *M) bool, alone func() M) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.waiting); o.failed || n > 0 && join(&o.waiting[n-1]) {
		return
	}
	o.waiting = append(o.waiting, alone())
	o.some.Signal()
}

// Await waits until there is room for more messages, or none are written any more. Those who send many
// call it first, so that the messages of a slow reader do not fill the memory.
func (o *Outbox[M]) Await() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting)+o.writing >= Most && !o.failed {
		o.room.Wait()
	}
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

func (o *Outbox[M]) write(w io.Writer) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	enc := codec.NewEncoder(buf)
	var spare []M
	for {
		batch, last := o.take(spare)
		for i := range batch {
			if err := enc.Encode(&batch[i]); err != nil {
				return o.fail(err)
			}
		}
		if err := buf.Flush(); err != nil {
			return o.fail(err)
		}
		if last {
			return o.fail(nil) // whoever sends after Close must not wait
		}
		clear(batch)
		spare = batch[:0]
	}
}

// take waits for messages and returns them. It says that those before have been written; their
// memory is used again.
func (o *Outbox[M]) take(spare []M) (batch []M, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = 0
	o.room.Broadcast()
	for len(o.waiting) == 0 && !o.closed {
		o.some.Wait()
	}
	batch, o.waiting = o.waiting, spare
	o.writing = len(batch)
	return batch, o.closed
}

func (o *Outbox[M]) fail(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed, o.waiting = true, nil
	o.room.Broadcast()
	return err
}
