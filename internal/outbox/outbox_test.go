package outbox

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"

	"halfopen/internal/codec"
)

type note struct {
	N int
}

// The reader of the pipe may be stopped: senders go on, and it gets everything in order later.
func TestSendersDoNotWaitForTheReader(t *testing.T) {
	r, w := io.Pipe()
	o := New[note](w)
	const many = 10_000
	for i := range many {
		o.Send(note{N: i})
	}
	closed := make(chan error, 1)
	go func() {
		err := o.Close()
		w.Close()
		closed <- err
	}()
	dec := codec.NewDecoder(r)
	for i := range many {
		var got note
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if want := (note{N: i}); got != want {
			t.Fatalf("message %d is %+v", i, got)
		}
	}
	if err := dec.Decode(new(note)); err != io.EOF {
		t.Errorf("after the last message: %v, want EOF", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestCloseReportsTheFirstError(t *testing.T) {
	r, w := io.Pipe()
	gone := errors.New("the reader is gone")
	r.CloseWithError(gone)
	o := New[note](w)
	o.Send(note{N: 1})
	o.Send(note{N: 2})
	if err := o.Close(); !errors.Is(err, gone) {
		t.Errorf("Close: %v, want %v", err, gone)
	}
	// A late message is not written, and its sender does not wait.
	o.Send(note{N: 3})
}

func TestCloseWithoutMessages(t *testing.T) {
	if err := New[note](io.Discard).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Whoever has many messages waits for room: in the meantime no more than that are in memory.
func TestAwaitWaitsForRoom(t *testing.T) {
	r, w := io.Pipe()
	o := New[note](w)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range 3 * Most {
			o.Await()
			o.Send(note{N: i})
		}
	}()
	dec := codec.NewDecoder(r)
	for i := range 3 * Most {
		o.mu.Lock()
		n := len(o.waiting)
		o.mu.Unlock()
		if n > Most {
			t.Fatalf("%d messages wait", n)
		}
		var got note
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.N != i {
			t.Fatalf("message %d is %+v", i, got)
		}
	}
	<-sent
	if err := o.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestNobodyWaitsForAReaderThatIsGone(t *testing.T) {
	r, w := io.Pipe()
	o := New[note](w)
	for range Most {
		o.Send(note{})
	}
	r.Close()
	o.Await()
	if err := o.Close(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Close: %v, want %v", err, io.ErrClosedPipe)
	}
}

// Whoever goes on to send after Close is not held up, and fills no memory.
func TestNobodyWaitsAfterClose(t *testing.T) {
	var out bytes.Buffer
	o := New[note](&out)
	o.Send(note{N: 1})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	written := out.Len()
	for range 2 * Most {
		o.Await()
		o.Send(note{N: 2})
		o.Join(func(*note) bool { return false }, func() note { return note{N: 3} })
	}
	if n := o.len(); n > 0 || out.Len() != written {
		t.Errorf("%d messages wait, %d bytes were written after Close", n, out.Len()-written)
	}
}

// What is joined to a message that still waits is part of it; a message that is being written is
// left alone.
func TestJoinAddsToTheMessageThatWaits(t *testing.T) {
	r, w := io.Pipe()
	o := New[note](w)
	join := func(n int) {
		o.Join(func(last *note) bool {
			if last.N >= 100 {
				return false
			}
			last.N += n
			return true
		}, func() note { return note{N: n} })
	}
	o.Send(note{N: 1})
	for o.len() > 0 { // until it is being written, to a pipe that nobody reads
		runtime.Gosched()
	}
	join(10) // nothing waits
	join(20)
	join(90)
	join(5) // the last takes no more
	o.Send(note{N: 7})
	closed := make(chan error, 1)
	go func() {
		err := o.Close()
		w.Close()
		closed <- err
	}()
	dec := codec.NewDecoder(r)
	var got []int
	for {
		var n note
		if err := dec.Decode(&n); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, n.N)
	}
	if want := []int{1, 120, 5, 7}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	join(1) // nobody reads any more: it is dropped
}

// len returns how many messages wait.
func (o *Outbox[M]) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}
