// Package mmsg receives many messages by one system call.
package mmsg

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlSize is room for a control message with a struct timespec.
const controlSize = 64

// Enlarge gives a socket a receive buffer of so many bytes; or, without CAP_NET_ADMIN on the machine, of what
// net.core.rmem_max allows.
func Enlarge(fd, bytes int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) == nil {
		return nil
	}
	return os.NewSyscallError("setsockopt SO_RCVBUF", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes))
}

// Batch receives messages by recvmmsg(2). Its memory is used anew by each receive. It is not safe for concurrent use.
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

// New returns a batch for count messages of at most size bytes. Their memory comes from the kernel, as most of it is never
// touched: the collector would count it all, and come the sooner. [Batch.Close] frees it.
func New(count, size int) (*Batch, error) {
	messages, err := unix.Mmap(-1, 0, count*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
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

// Close frees the messages' memory.
func (b *Batch) Close() { _ = unix.Munmap(b.messages) } // nothing is lost with it

// Receive reads the messages that wait, as many as there is room for, and returns how many. It does not block. An error is a
// unix.Errno, EAGAIN where none waits.
func (b *Batch) Receive(fd int) (int, error) { return b.receive(fd, unix.MSG_DONTWAIT) }

// Await is [Batch.Receive], but where no message waits it blocks until one comes.
func (b *Batch) Await(fd int) (int, error) { return b.receive(fd, unix.MSG_WAITFORONE) }

func (b *Batch) receive(fd, flags int) (int, error) {
	for i := range b.headers {
		h := &b.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrLinklayer
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	// MSG_TRUNC makes the length that of the whole message.
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), uintptr(len(b.headers)),
		uintptr(flags|unix.MSG_TRUNC), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Length is that of message i as it was sent.
func (b *Batch) Length(i int) int { return int(b.headers[i].length) }

// Message is message i, as much of it as there was room for, until the next receive.
func (b *Batch) Message(i int) []byte {
	return b.messages[i*b.size:][:min(b.Length(i), b.size)]
}

// From is where message i came from, if its socket is a packet socket.
func (b *Batch) From(i int) *unix.RawSockaddrLinklayer { return &b.from[i] }

// Control is the control messages of message i, until the next receive.
func (b *Batch) Control(i int) []byte {
	return b.control[i][:min(int(b.headers[i].hdr.Controllen), controlSize)]
}
