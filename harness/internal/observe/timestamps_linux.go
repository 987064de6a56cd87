package observe

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stampingTime bounds how long the kernel may take to begin timestamping.
const stampingTime = 200 * time.Millisecond

// awaitTimestamps waits until the kernel timestamps packets as they pass, and reports whether it
// does. The kernel starts that some milliseconds after the first socket has asked for it, in a
// worker (net_enable_timestamp in net/core/dev.c). Until then the "timestamp" of a packet is the
// time at which it was read. awaitTimestamps tests that with a datagram over lo, in the first host
// where lo is up. It must be called after the packet sockets have asked for timestamps and before
// they are bound.
func awaitTimestamps(hosts []Host) (stamped bool, err error) {
	for _, h := range hosts {
		fd := -1
		if err := h.NS.Do(func() (err error) {
			fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			return os.NewSyscallError("socket", err)
		}); err != nil {
			return false, err
		}
		stamped, up := probeTimestamps(fd)
		_ = unix.Close(fd) // nothing is lost with it
		if up {
			return stamped, nil
		}
	}
	return false, nil
}

// probeTimestamps sends datagrams from a UDP socket to itself until one is timestamped on its way.
// up reports whether any arrived.
func probeTimestamps(fd int) (stamped, up bool) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) != nil ||
		unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}) != nil {
		return false, false
	}
	self, err := unix.Getsockname(fd)
	if err != nil {
		return false, false
	}
	var payload [1]byte
	var control [64]byte
	readable := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(stampingTime); time.Now().Before(deadline); {
		if unix.Sendto(fd, payload[:], 0, self) != nil {
			return false, up
		}
		if n, err := unix.Poll(readable, int(stampingTime/time.Millisecond)); err != nil || n == 0 {
			continue
		}
		up = true
		arrived := time.Now().UnixNano()
		_, n, _, _, err := unix.Recvmsg(fd, payload[:], control[:], unix.MSG_DONTWAIT)
		if err != nil {
			continue
		}
		if sec, nsec, ok := parseTimestamp(control[:n]); ok && sec*int64(time.Second)+nsec <= arrived {
			return true, true
		}
		_, _ = unix.Poll(nil, 1) // the worker needs a processor, too
	}
	return false, up
}

// parseTimestamp finds the timestamp in control messages.
func parseTimestamp(control []byte) (sec, nsec int64, ok bool) {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0, 0, false
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS && len(data) >= 16 {
			ne := binary.NativeEndian
			return int64(ne.Uint64(data)), int64(ne.Uint64(data[8:])), true
		}
		control = rest
	}
	return 0, 0, false
}
