package mmsg

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReceiveManyAtOnceAndNoMoreThanThereIsRoomFor(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	b, err := New(3, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Receive(fds[1]); err != unix.EAGAIN {
		t.Fatalf("with nothing to read: %v, want EAGAIN", err)
	}
	sent := [][]byte{[]byte("a"), []byte("is longer than 8"), []byte("c"), []byte("d")}
	for _, m := range sent {
		if err := unix.Send(fds[0], m, 0); err != nil {
			t.Fatal(err)
		}
	}
	for from := 0; from < len(sent); {
		n, err := b.Receive(fds[1])
		if err != nil {
			t.Fatal(err)
		}
		if want := min(3, len(sent)-from); n != want {
			t.Fatalf("%d messages, want %d", n, want)
		}
		for i := range n {
			want := sent[from+i]
			if b.Length(i) != len(want) || !bytes.Equal(b.Message(i), want[:min(len(want), 8)]) {
				t.Errorf("message %d: %q of %d bytes, want %q of %d", from+i, b.Message(i), b.Length(i), want, len(want))
			}
		}
		from += n
	}
}
