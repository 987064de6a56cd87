package observe

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

// packetSockets returns the number of packet sockets in the namespace.
func (n *namespace) packetSockets(t *testing.T) (sockets int) {
	t.Helper()
	n.must(t, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/packet")
		sockets = bytes.Count(text, []byte("\n")) - 1 // without the heading
		return err
	})
	return sockets
}

func TestReleasedSocketsGo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hold  func(*testing.T, []int) holder
		stays bool
	}{
		{
			name: "held by an io_uring",
			hold: func(t *testing.T, fds []int) holder {
				h := hold(fds)
				if h == notHeld {
					testlab.Need(t, "io_uring", errors.New("it is not there or not allowed"))
				}
				return h
			},
			stays: true,
		},
		{name: "not held", hold: func(*testing.T, []int) holder { return notHeld }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := newNamespace(t, "256")
			fds := make([]int, 3)
			ns.must(t, func() (err error) {
				for i := range fds {
					fds[i], err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
					if err != nil {
						return err
					}
				}
				return nil
			})
			h := tt.hold(t, fds)
			// The process's own end of one of them.
			if err := unix.Close(fds[2]); err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{false: 2, true: 3}[tt.stays]; ns.packetSockets(t) != want {
				t.Errorf("%d packet sockets after one was closed, want %d", ns.packetSockets(t), want)
			}
			h.release(fds[:2])
			for _, fd := range fds[:2] {
				if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
					t.Errorf("descriptor %d after release: %v, want EBADF", fd, err)
				}
			}
			for began := time.Now(); ns.packetSockets(t) > 0; time.Sleep(time.Millisecond) {
				if time.Since(began) > 10*time.Second {
					t.Fatalf("%d packet sockets are left", ns.packetSockets(t))
				}
			}
		})
	}
}

func TestOtherFilesAreNotHeld(t *testing.T) {
	if h := hold([]int{-7}); h != notHeld {
		t.Errorf("hold of a descriptor that is not open: %d, want %d", h, notHeld)
	}
}
