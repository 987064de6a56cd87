package observe

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// holder is an io_uring that holds sockets for this process.
//
// The kernel closes a packet socket only after all processors have passed a grace period of RCU
// (packet_release in net/packet/af_packet.c), which takes some 10 ms for each, and the end of a
// process waits for them one after the other. A file that an io_uring holds is closed by a thread of
// the kernel after the ring has gone (io_ring_exit_work in io_uring/io_uring.c), and nobody waits
// for it, even if the process was killed.
type holder int

// notHeld is the holder where io_uring is not there or not allowed, as in most containers.
const notHeld holder = -1

// hold lets the kernel hold sockets until release, or until the process ends.
func hold(fds []int) holder {
	var params [120]byte // struct io_uring_params
	ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return notHeld
	}
	files := make([]int32, len(fds))
	for i, fd := range fds {
		files[i] = int32(fd)
	}
	const registerFiles = 2 // IORING_REGISTER_FILES of linux/io_uring.h
	_, _, errno = unix.Syscall6(unix.SYS_IO_URING_REGISTER, ring, registerFiles,
		uintptr(unsafe.Pointer(unsafe.SliceData(files))), uintptr(len(files)), 0, 0)
	if errno != 0 {
		_ = unix.Close(int(ring)) // it holds nothing
		return notHeld
	}
	return holder(ring)
}

// release closes the sockets. Without a ring that takes as long as the longest of them.
func (h holder) release(fds []int) {
	if h != notHeld {
		for _, fd := range fds {
			_ = unix.Close(fd) // nothing is lost with it
		}
		_ = unix.Close(int(h))
		return
	}
	var all sync.WaitGroup
	for _, fd := range fds {
		all.Go(func() { _ = unix.Close(fd) })
	}
	all.Wait()
}
