package outbox

import (
	"errors"
	"io"
	"testing"

	"halfopen/internal/codec"
)

type note struct {
	N        int  `json:"n"`
	Finished bool `json:"finished"`
}

// The reader of the pipe may be stopped: senders go on, and it gets everything in order later.
func TestSendersDoNotWaitForTheReader(t *testing.T) {
	r, w := io.Pipe()
	o := New(w, func(n *note) { n.Finished = true })
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
		if want := (note{N: i, Finished: true}); got != want {
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
	o := New[note](w, nil)
	o.Send(note{N: 1})
	o.Send(note{N: 2})
	if err := o.Close(); !errors.Is(err, gone) {
		t.Errorf("Close: %v, want %v", err, gone)
	}
	// A late message is not written, and its sender does not wait.
	o.Send(note{N: 3})
}

func TestCloseWithoutMessages(t *testing.T) {
	if err := New[note](io.Discard, nil).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
