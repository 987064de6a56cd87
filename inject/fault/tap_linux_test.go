package fault

import (
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tap sees the packets on both sides of the wire, in one order: those that arrive and those that
// leave.
type tap struct {
	*lab
	fd     int
	buffer []byte
	// knows decides which packets count, by their numbers and contents.
	knows func(number int, packet []byte) bool
	seen  []passing
}

// passing is a numbered packet that passes; at is on CLOCK_REALTIME, by the kernel.
type passing struct {
	number int
	out    bool
	at     time.Duration
	data   []byte
}

func newTap(l *lab) *tap {
	l.t.Helper()
	t := &tap{lab: l, fd: l.packetSocket("wire"), buffer: make([]byte, 1<<16)}
	l.try(unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	l.try(unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20))
	return t
}

func realtime() time.Duration {
	var now unix.Timespec
	must(unix.ClockGettime(unix.CLOCK_REALTIME, &now))
	return time.Duration(now.Nano())
}

// read reads the packets that have passed, and reports whether the kernel stamped all of them. It
// starts to do so shortly after the first socket asks for it.
func (t *tap) read() (stamped bool) {
	t.t.Helper()
	stamped = true
	control := make([]byte, 256)
	for {
		asked := realtime()
		n, oobn, _, from, err := unix.Recvmsg(t.fd, t.buffer, control, 0)
		if err == unix.EAGAIN {
			return stamped
		}
		t.try(err)
		number := numberOf(t.buffer[:n])
		if number < 0 || !t.knows(number, t.buffer[:n]) {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(control[:oobn])
		t.try(err)
		p := passing{number: number, data: slices.Clone(t.buffer[:n])}
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS {
				p.at = time.Duration((*unix.Timespec)(unsafe.Pointer(unsafe.SliceData(m.Data))).Nano())
			}
		}
		if link, ok := from.(*unix.SockaddrLinklayer); ok {
			p.out = link.Pkttype == unix.PACKET_OUTGOING
		}
		stamped = stamped && p.at <= asked
		t.seen = append(t.seen, p)
	}
}

// until reads until done returns true. It reports false if that takes too long.
func (t *tap) until(done func() bool) bool {
	t.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		t.read()
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		// The wait may be for a hit, not for a packet.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLIN}}, 1)
	}
}
