package observe

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch receives many packets by one recvmmsg. Its memory is used anew by each receive.
type batch struct {
	headers [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
	from    [batchSize]unix.RawSockaddrLinklayer
	control [batchSize][controlSize]byte
	frames  []byte
}

// mmsghdr is struct mmsghdr of recvmmsg(2), which x/sys/unix lacks.
type mmsghdr struct {
	hdr    unix.Msghdr
	length uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// controlSize is room for a control message with a struct timespec.
const controlSize = 64

// newBatch takes the frames' memory from the kernel, as most of it is never touched: the collector would count it all, and
// come the sooner. It is freed by close.
func newBatch() (*batch, error) {
	frames, err := unix.Mmap(-1, 0, batchSize*snap, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	b := &batch{frames: frames}
	for i := range batchSize {
		b.vectors[i].Base = &b.frames[i*snap]
		b.vectors[i].SetLen(snap)
	}
	return b, nil
}

func (b *batch) close() { _ = unix.Munmap(b.frames) } // nothing is lost with it

// receive reads the packets that wait, at most batchSize, and returns how many. It does not block.
func (b *batch) receive(fd int) (int, error) {
	for i := range batchSize {
		h := &b.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.from[i]))
		h.Namelen = unix.SizeofSockaddrLinklayer
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Control = &b.control[i][0]
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	// MSG_TRUNC makes the length that of the packet on the wire.
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), batchSize,
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// length is the length of packet i on the wire.
func (b *batch) length(i int) int { return int(b.headers[i].length) }

// frame is packet i, as much of it as was kept, until the next receive.
func (b *batch) frame(i int) []byte {
	return b.frames[i*snap:][:min(b.length(i), snap)]
}

// outgoing reports whether the host sent packet i.
func (b *batch) outgoing(i int) bool { return b.from[i].Pkttype == unix.PACKET_OUTGOING }

// timestamp is when the kernel saw packet i, on CLOCK_REALTIME.
func (b *batch) timestamp(i int) (sec, nsec int64, ok bool) {
	length := min(int(b.headers[i].hdr.Controllen), controlSize)
	return parseTimestamp(b.control[i][:length])
}

// parseTimestamp finds the timestamp among control messages.
func parseTimestamp(control []byte) (sec, nsec int64, ok bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, 0, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			ne := binary.NativeEndian
			return int64(ne.Uint64(m.Data)), int64(ne.Uint64(m.Data[8:])), true
		}
	}
	return 0, 0, false
}
