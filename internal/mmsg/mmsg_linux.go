// Package mmsg receives many messages with one system call.
package mmsg

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlSize is the room, in bytes, for a control message with a struct timespec.
const controlSize = 64

// Enlarge sets the size in bytes of a socket's receive buffer. Without CAP_NET_ADMIN on the
// machine, net.core.rmem_max limits it.
func Enlarge(fd, bytes int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) == nil {
		return nil
	}
	return os.NewSyscallError("setsockopt SO_RCVBUF",
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes))
}

// Batch receives messages with recvmmsg(2). Each receive reuses its memory. It is not safe for
// concurrent use.
type Batch struct {
	size     int
	messages []byte
	headers  []mmsghdr
	vectors  []unix.Iovec
	from     []unix.RawSockaddrLinklayer
	control  [][controlSize]byte
}

// mmsghdr is struct mmsghdr of recvmmsg(2), which x/sys/unix lacks.
type mmsghdr struct {
	hdr    unix.Msghdr
	length uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// New returns a batch for count messages of at most size bytes. Buffers are mmapped: most pages are
// never touched, but on the Go heap all of them would bring the next GC closer. [Batch.Close] frees
// them.
func New(count, size int) (*Batch, error) {
	messages, err := unix.Mmap(-1, 0, count*size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	b := &Batch{
		size: size, messages: messages,
		headers: make([]mmsghdr, count), vectors: make([]unix.Iovec, count),
		from: make([]unix.RawSockaddrLinklayer, count), control: make([][controlSize]byte, count),
	}
	for i := range count {
		b.vectors[i].Base = &messages[i*size]
		b.vectors[i].SetLen(size)
		h := &b.headers[i].hdr
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.from[i]))
		h.Control = &b.control[i][0]
	}
	return b, nil
}

// Close frees the memory of the messages.
func (b *Batch) Close() { _ = unix.Munmap(b.messages) } // nothing is lost with it

// Receive reads the waiting messages, as many as the batch has room for, and returns their number.
// It does not block. The error is a unix.Errno: EAGAIN if no message waits.
func (b *Batch) Receive(fd int) (int, error) { return b.receive(fd, unix.MSG_DONTWAIT) }

// Await is like [Batch.Receive], but if no message waits it blocks until one comes.
func (b *Batch) Await(fd int) (int, error) { return b.receive(fd, unix.MSG_WAITFORONE) }

func (b *Batch) receive(fd, flags int) (int, error) {
	for i := range b.headers {
		h := &b.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrLinklayer
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	// With MSG_TRUNC the length is that of the whole message.
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&b.headers[0])), uintptr(len(b.headers)),
		uintptr(flags|unix.MSG_TRUNC), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Length returns the length in bytes of message i as it was sent.
func (b *Batch) Length(i int) int { return int(b.headers[i].length) }

// Message returns message i, cut to the size of the batch's buffers. It is valid until the next
// receive.
func (b *Batch) Message(i int) []byte {
	return b.messages[i*b.size:][:min(b.Length(i), b.size)]
}

// From returns the source of message i if the socket is a packet socket. It is valid until the next
// receive.
func (b *Batch) From(i int) *unix.RawSockaddrLinklayer { return &b.from[i] }

// Control returns the control messages of message i. They are valid until the next receive.
func (b *Batch) Control(i int) []byte {
	return b.control[i][:min(int(b.headers[i].hdr.Controllen), controlSize)]
}
