package observe

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// diag is a sock_diag socket. A netlink socket stays in the namespace in which it was opened,
// whoever uses it.
type diag struct {
	fd  int
	seq uint32
	buf []byte
}

func openDiag(ns Namespace) (*diag, error) {
	d := &diag{fd: -1}
	err := ns.Do(func() (err error) {
		d.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return nil, err
	}
	// The kernel makes the parts of a dump as large as the buffer of the last read, up to 32 KiB.
	d.buf = make([]byte, 32<<10)
	// The kernel answers a dump at once. After a second the answer is lost.
	timeout := unix.Timeval{Sec: 1}
	if err := unix.SetsockoptTimeval(d.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		_ = d.close()
		return nil, os.NewSyscallError("setsockopt SO_RCVTIMEO", err)
	}
	// This dump loads TCP's part of sock_diag. A kernel without it fails here.
	if err := d.dump(func(*socket) {}); err != nil {
		_ = d.close()
		return nil, err
	}
	return d, nil
}

// dump passes every TCP socket of the namespace to add.
func (d *diag) dump(add func(*socket)) error {
	d.seq++
	kernel := unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	for {
		err := unix.Sendto(d.fd, dumpRequest(d.seq), 0, &kernel)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("sendto", err)
		}
		break
	}
	for {
		n, err := unix.Read(d.fd, d.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("read", err)
		}
		done, err := parseDump(d.buf[:n], d.seq, add)
		if err != nil {
			return fmt.Errorf("reading the answer of sock_diag: %w", err)
		}
		if done {
			return nil
		}
	}
}

func (d *diag) close() error { return os.NewSyscallError("close", unix.Close(d.fd)) }
