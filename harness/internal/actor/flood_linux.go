package actor

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// flood sends SYNs through a raw socket, many in one system call. The result is their number. If
// one cannot be sent, the step fails.
func (t *thread) flood(_ *language.Step, op *language.Flood, o *outcome) {
	to, err := t.Topology.Resolve(op.To)
	if err != nil {
		o.problem(err)
		return
	}
	from, err := floodSources(op.From, to.Addr())
	if err != nil {
		o.problem(err)
		return
	}
	fd, err := rawSocket(to.Addr())
	if err != nil {
		o.fail(err)
		return
	}
	defer unix.Close(fd)
	batch := newSYNBatch(newSYNs(to, from, t.Actor), t.reserve(op.Count))
	o.call(func() (int, error) { return batch.send(fd, op.Count, op.Rate) })
}

// reserve takes the next count SYNs for a step and returns the number of the first: a second flood
// continues where the first ended.
func (s *session) reserve(count int) (first uint64) {
	return s.flooded.Add(uint64(count)) - uint64(count)
}

// floodSources parses a prefix, or an address, of the target's IP version. For "" it returns
// [language.Nobody].
func floodSources(text string, to netip.Addr) (netip.Prefix, error) {
	if text == "" {
		if to.Unmap().Is4() {
			return language.Nobody(language.V4), nil
		}
		return language.Nobody(language.V6), nil
	}
	p, err := netip.ParsePrefix(text)
	if a, ok := netip.ParseAddr(text); ok == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("reading the source addresses: %w", err)
	}
	if p.Addr().Is4() != to.Unmap().Is4() {
		return netip.Prefix{}, fmt.Errorf("sending from %s to %s: the IP versions differ", p, to)
	}
	return p.Masked(), nil
}

// rawSocket opens a socket that sends whole IP packets to an address (raw(7), IPPROTO_RAW).
func rawSocket(to netip.Addr) (int, error) {
	domain := unix.AF_INET6
	if to.Unmap().Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, sockaddr(netip.AddrPortFrom(to, 0), domain)); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// synBatchSize is the largest number of packets that one system call sends.
const synBatchSize = 64

// synBatch sends SYNs by sendmmsg(2).
type synBatch struct {
	syns    *syns
	next    uint64
	headers [synBatchSize]mmsghdr
	vectors [synBatchSize]unix.Iovec
	packets []byte
}

// mmsghdr is struct mmsghdr of sendmmsg(2), which x/sys/unix lacks.
type mmsghdr struct {
	hdr    unix.Msghdr
	length uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

func newSYNBatch(s *syns, first uint64) *synBatch {
	size := s.length()
	b := &synBatch{syns: s, next: first, packets: make([]byte, synBatchSize*size)}
	for i := range synBatchSize {
		b.vectors[i].Base = &b.packets[i*size]
		b.vectors[i].SetLen(size)
		b.headers[i].hdr.Iov = &b.vectors[i]
		b.headers[i].hdr.SetIovlen(1)
	}
	return b
}

// send sends count SYNs and returns how many were sent. The rate is in SYNs per second; 0 means as
// fast as possible.
func (b *synBatch) send(fd, count, rate int) (int, error) {
	began := time.Now()
	for sent := 0; sent < count; {
		due := count
		if rate > 0 {
			// The nth is due n/rate after the first.
			due = min(count, 1+int(time.Since(began).Seconds()*float64(rate)))
			if due <= sent {
				at := time.Duration(float64(sent) / float64(rate) * float64(time.Second))
				if err := sleep(at - time.Since(began)); err != nil {
					return sent, err
				}
				continue
			}
		}
		n, err := b.sendSome(fd, min(due-sent, synBatchSize))
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return count, nil
}

// sendSome sends up to n SYNs by one system call.
func (b *synBatch) sendSome(fd, n int) (int, error) {
	size := b.syns.length()
	for i := range n {
		b.syns.write(b.packets[i*size:][:size], b.next+uint64(i))
	}
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&b.headers[0])), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	b.next += uint64(sent)
	return int(sent), nil
}
