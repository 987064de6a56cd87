package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Backlog finds out when packets on their way have come to the next device. A packet that leaves a
// veth or lo waits in a backlog of the processor it was sent on (enqueue_to_backlog in
// net/core/dev.c), which all namespaces share. Usually that is for the rest of the system call, but
// on a busy machine until ksoftirqd has run. The backlog keeps the order, so when a marker sent
// through it has come, everything before it has come, too.
type Backlog struct {
	// fd is a UDP socket that is connected to itself.
	fd   int
	cpus []int
	sent uint64
}

// OpenBacklog prepares markers on the device lo of the calling thread's namespace, which it brings
// up. In a lab that is the wire, or nothing, where no fault strikes them.
func OpenBacklog() (_ *Backlog, err error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("finding lo: %w", err)
	}
	if lo.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(lo); err != nil {
			return nil, fmt.Errorf("bringing up lo: %w", err)
		}
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	b := &Backlog{}
	for cpu := 0; len(b.cpus) < allowed.Count(); cpu++ {
		if allowed.IsSet(cpu) {
			b.cpus = append(b.cpus, cpu)
		}
	}
	b.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := b.connect(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// connect connects the socket to itself.
func (b *Backlog) connect() error {
	if err := unix.Bind(b.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	self, err := unix.Getsockname(b.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	return os.NewSyscallError("connect", unix.Connect(b.fd, self))
}

// Settle returns when all packets that were in a backlog at its call have been through it: they
// have come to the next queue, socket or device, or were dropped. It waits at most for patience; ok
// says whether that was long enough. It must not be called concurrently.
func (b *Backlog) Settle(patience time.Duration) (ok bool, err error) {
	type result struct {
		ok  bool
		err error
	}
	done := make(chan result)
	go func() {
		// The thread moves from processor to processor. It is never unlocked, so it ends with the
		// goroutine and nothing else is tied to the last one. Its priority keeps it from waiting
		// for each of them, where that is allowed.
		runtime.LockOSThread()
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: -20, Runtime: 100_000,
		}, 0)
		ok, err := b.visit(time.Now().Add(patience))
		done <- result{ok, err}
	}()
	r := <-done
	return r.ok, r.err
}

// visit sends a marker on each processor and waits for it.
func (b *Backlog) visit(deadline time.Time) (ok bool, err error) {
	for _, cpu := range b.cpus {
		var only unix.CPUSet
		only.Set(cpu)
		if err := unix.SchedSetaffinity(0, &only); err != nil {
			if errors.Is(err, unix.EINVAL) {
				continue // the processor has been taken away, and its backlog moved
			}
			return false, os.NewSyscallError("sched_setaffinity", err)
		}
		b.sent++
		if err := unix.Send(b.fd, binary.NativeEndian.AppendUint64(nil, b.sent), 0); err != nil {
			return false, os.NewSyscallError("send", err)
		}
		if ok, err := b.await(deadline); !ok {
			return false, err
		}
	}
	return true, nil
}

// await waits for the last marker sent.
func (b *Backlog) await(deadline time.Time) (ok bool, err error) {
	got := make([]byte, 8)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return false, nil
		}
		timeout := unix.NsecToTimeval(max(left, time.Millisecond).Nanoseconds())
		if err := unix.SetsockoptTimeval(b.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
			return false, os.NewSyscallError("setsockopt SO_RCVTIMEO", err)
		}
		n, _, err := unix.Recvfrom(b.fd, got, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		case err != nil:
			return false, os.NewSyscallError("recvfrom", err)
		case n == len(got) && binary.NativeEndian.Uint64(got) == b.sent:
			return true, nil
		}
	}
}

// Close closes the markers' socket.
func (b *Backlog) Close() error { return unix.Close(b.fd) }
