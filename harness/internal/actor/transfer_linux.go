package actor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

const (
	// defaultBuffer is the length in bytes of a receive buffer if the step does not set max.
	defaultBuffer = 64 << 10
	// maxData is how many of the received bytes are reported verbatim.
	maxData = 4096
)

var messageFlags = map[string]int{
	"dontwait": unix.MSG_DONTWAIT,
	"more":     unix.MSG_MORE,
	"oob":      unix.MSG_OOB,
	"nosignal": unix.MSG_NOSIGNAL,
	"peek":     unix.MSG_PEEK,
	"waitall":  unix.MSG_WAITALL,
}

func flagsOf(names []string) (int, error) {
	flags := 0
	for _, name := range names {
		f, ok := messageFlags[name]
		if !ok {
			return 0, fmt.Errorf("unknown flag %q", name)
		}
		flags |= f
	}
	return flags, nil
}

// payload returns the bytes that a step sends, and what frees them.
func payload(d *language.Data) (data []byte, free func(), err error) {
	switch {
	case d.Hex != "":
		data, err = hex.DecodeString(strings.Join(strings.Fields(d.Hex), ""))
		if err != nil {
			return nil, nil, fmt.Errorf("reading the hex digits to send: %w", err)
		}
	case d.Bytes > 0:
		data, free = patternOf(int(d.Bytes))
		return data, free, nil
	default:
		data = []byte(d.Text)
	}
	return data, func() {}, nil
}

func (t *thread) send(step *language.Step, op *language.Send, o *outcome) {
	data, free, err := payload(&op.Data)
	if err != nil {
		o.problem(err)
		return
	}
	defer free()
	flags, err := flagsOf(op.Flags)
	if err != nil {
		o.problem(err)
		return
	}
	t.onExisting(step, o, func(s *socket) {
		send := func() (int, error) {
			n, err := transfer(unix.SYS_SENDTO, s.fd, data, flags|unix.MSG_NOSIGNAL)
			if n > 0 {
				o.Bytes += int64(n)
				data = data[n:]
			}
			return n, err
		}
		ok := t.syscall(s, o, send)
		for op.All && ok && len(data) > 0 {
			ok = o.also(send)
		}
	})
}

func (t *thread) recv(step *language.Step, op *language.Recv, o *outcome) {
	flags, err := flagsOf(op.Flags)
	if err != nil {
		o.problem(err)
		return
	}
	t.onExisting(step, o, func(s *socket) {
		received := newDigest(o)
		buffer := t.bufferOf(op.Max)
		recv := func() (int, error) {
			b := buffer
			if op.Bytes > 0 {
				b = b[:min(int64(len(b)), int64(op.Bytes)-o.Bytes)]
			}
			n, err := transfer(unix.SYS_RECVFROM, s.fd, b, flags)
			return n, err
		}
		ok := t.syscall(s, o, recv)
		for ok {
			received.add(buffer[:o.Result])
			more := op.Until == "eof" || o.Bytes < int64(op.Bytes)
			if o.Result == 0 || !more || flags&unix.MSG_PEEK != 0 {
				break
			}
			ok = o.also(recv)
		}
		received.close()
	})
}

func (t *thread) sendto(step *language.Step, op *language.Sendto, o *outcome) {
	data, free, err := payload(&op.Data)
	if err != nil {
		o.problem(err)
		return
	}
	defer free()
	to, err := t.Topology.Resolve(op.To)
	if err != nil {
		o.problem(err)
		return
	}
	s := t.sockets.last(t, datagram)
	if step.Socket != "" {
		s = t.sockets.named(step.Socket)
	}
	if s == nil || t.sockets.is(s, closed) {
		s = &socket{udp: true, domain: t.domain(to.Addr())}
		if !t.open(s, false, step.Socket, baseSocket, o) {
			return
		}
	}
	t.syscall(s, o, func() (int, error) {
		// Not unix.Sendto, which does not return how many bytes were sent.
		n, err := unix.SendmsgN(s.fd, data, nil, sockaddr(to, s.domain), unix.MSG_NOSIGNAL)
		o.Bytes = int64(max(n, 0))
		return n, err
	})
	t.on(s, o)
}

func (t *thread) recvfrom(step *language.Step, op *language.Recvfrom, o *outcome) {
	flags, err := flagsOf(op.Flags)
	if err != nil {
		o.problem(err)
		return
	}
	t.onExisting(step, o, func(s *socket) {
		received := newDigest(o)
		buffer := t.bufferOf(op.Max)
		if t.syscall(s, o, func() (int, error) {
			n, from, err := unix.Recvfrom(s.fd, buffer, flags)
			o.Peer = text(from)
			return n, err
		}) {
			received.add(buffer[:o.Result])
		}
		received.close()
	})
}

// transfer is send(2) or recv(2): sendto(2) or recvfrom(2) without an address. It does not retry
// after EINTR.
func transfer(call uintptr, fd int, data []byte, flags int) (int, error) {
	var start byte
	p := unsafe.Pointer(&start)
	if len(data) > 0 {
		p = unsafe.Pointer(&data[0])
	}
	n, _, errno := unix.Syscall6(call, uintptr(fd), uintptr(p),
		uintptr(len(data)), uintptr(flags), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// bufferOf returns a buffer of the given size. The thread keeps the largest one it has needed.
func (t *thread) bufferOf(size language.Size) []byte {
	if size <= 0 {
		size = defaultBuffer
	}
	if int64(len(t.buffer)) < int64(size) {
		t.buffer = make([]byte, size)
	}
	return t.buffer[:size]
}

// digest collects the bytes that a step received.
type digest struct {
	o    *outcome
	hash hash.Hash
}

func newDigest(o *outcome) *digest { return &digest{o: o, hash: sha256.New()} }

func (d *digest) add(b []byte) {
	d.o.Bytes += int64(len(b))
	d.hash.Write(b)
	d.o.Data = append(d.o.Data, b[:min(len(b), maxData-len(d.o.Data))]...)
}

// close records the digest, unless no bytes came.
func (d *digest) close() {
	if d.o.Bytes > 0 {
		d.o.SHA256 = hex.EncodeToString(d.hash.Sum(nil))
	}
}
