package actor

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pair is a connection over lo, by its two sockets.
type pair struct {
	t                *testing.T
	listener         int
	client, accepted *socket
	first            uint32 // the client's initial sequence number
}

func newPair(t *testing.T, address string) *pair {
	t.Helper()
	needNetwork(t)
	to := netip.MustParseAddrPort(address)
	domain := unix.AF_INET
	if to.Addr().Is6() {
		domain = unix.AF_INET6
	}
	p := &pair{t: t, listener: must(t)(unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))}
	client := must(t)(unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	for _, err := range []error{
		unix.SetsockoptInt(p.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(p.listener, unix.IPPROTO_TCP, unix.TCP_SAVE_SYN, 1),
		unix.Bind(p.listener, sockaddr(to, domain)),
		unix.Listen(p.listener, 1),
		unix.Connect(client, sockaddr(to, domain)),
	} {
		p.try(err)
	}
	conn, _, err := unix.Accept4(p.listener, unix.SOCK_CLOEXEC)
	p.try(err)
	p.client, p.accepted = &socket{fd: client, domain: domain}, &socket{fd: conn, domain: domain, accepted: true}
	p.first = p.savedSYN()
	t.Cleanup(func() {
		for _, fd := range []int{p.listener, client, conn} {
			_ = unix.Close(fd)
		}
	})
	return p
}

// must takes the results of a system call that must not fail.
func must(t *testing.T) func(int, error) int {
	return func(n int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func (p *pair) try(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// send sends n bytes and receives read of them.
func (p *pair) send(from, to *socket, n, read int) {
	p.t.Helper()
	must(p.t)(unix.Write(from.fd, pattern(n)))
	for read > 0 {
		read -= must(p.t)(unix.Read(to.fd, make([]byte, read)))
	}
}

// settle waits until all data that was sent, including a FIN, is acknowledged.
func (p *pair) settle() {
	p.t.Helper()
	for range 1000 {
		left := must(p.t)(unix.IoctlGetInt(p.client.fd, unix.SIOCOUTQ)) + must(p.t)(unix.IoctlGetInt(p.accepted.fd, unix.SIOCOUTQ))
		if left == 0 {
			return
		}
		p.try(sleep(1e6))
	}
	p.t.Fatal("the data is not acknowledged within a second")
}

// savedSYN reads the client's initial sequence number from the SYN that the server saved. The
// kernel returns a saved SYN only once.
func (p *pair) savedSYN() uint32 {
	p.t.Helper()
	var syn [256]byte
	size := uint32(len(syn))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(p.accepted.fd), unix.IPPROTO_TCP, unix.TCP_SAVED_SYN,
		uintptr(unsafe.Pointer(&syn)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		p.t.Fatal(errno)
	}
	header := ipv6Header
	if syn[0]>>4 == 4 {
		header = ipv4Header
	}
	return binary.BigEndian.Uint32(syn[header+4:])
}

// TestNumbersOfASocket compares the numbers that each end of a connection has for itself with those
// that the other end has for it.
func TestNumbersOfASocket(t *testing.T) {
	for _, tt := range []struct {
		name    string
		address string
		do      func(*pair)
		// client and server are how far each end is beyond its initial number.
		client, server uint32
	}{
		{"when it is new", "127.0.0.1:2230", func(*pair) {}, 1, 1},
		{"over IPv6", "[::1]:2230", func(p *pair) { p.send(p.client, p.accepted, 10, 10) }, 11, 1},
		{"after data both ways", "127.0.0.1:2230", func(p *pair) {
			p.send(p.client, p.accepted, 1000, 1000)
			p.send(p.accepted, p.client, 70_000, 70_000)
		}, 1001, 70_001},
		{"with data unread", "127.0.0.1:2230", func(p *pair) { p.send(p.client, p.accepted, 1000, 1) }, 1001, 1},
		{"after the client's FIN", "127.0.0.1:2230", func(p *pair) {
			p.send(p.client, p.accepted, 5, 5)
			p.try(unix.Shutdown(p.client.fd, unix.SHUT_WR))
		}, 7, 1},
		{"after the server's FIN", "127.0.0.1:2230", func(p *pair) {
			p.send(p.accepted, p.client, 5, 5)
			p.try(unix.Shutdown(p.accepted.fd, unix.SHUT_WR))
		}, 1, 7},
		{"after both FINs", "127.0.0.1:2230", func(p *pair) {
			p.try(unix.Shutdown(p.accepted.fd, unix.SHUT_WR))
			p.settle()
			p.try(unix.Shutdown(p.client.fd, unix.SHUT_WR))
		}, 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, tt.address)
			tt.do(p)
			p.settle()
			c, err := numbersOf(p.client)
			p.try(err)
			s, err := numbersOf(p.accepted)
			p.try(err)
			for _, n := range []struct {
				what      string
				got, want uint32
			}{
				{"the client's initial number", c.initial, p.first},
				{"the client's initial number, to the server", s.peerInitial, p.first},
				{"the server's initial number, to the client", c.peerInitial, s.initial},
				{"how much the client has sent", c.next - c.initial, tt.client},
				{"how much the server has sent", s.next - s.initial, tt.server},
				{"how much the server has received", s.expected - s.peerInitial, tt.client},
				{"how much the client has received", c.expected - c.peerInitial, tt.server},
			} {
				if n.got != n.want {
					t.Errorf("%s: %d, want %d", n.what, n.got, n.want)
				}
			}
			if c.window == 0 || s.window == 0 {
				t.Errorf("windows %d and %d, want some", c.window, s.window)
			}
		})
	}
}

func TestReadingNumbersChangesNothing(t *testing.T) {
	p := newPair(t, "127.0.0.1:2231")
	p.try(unix.SetsockoptInt(p.accepted.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	before, err := tcpInfo(p.accepted.fd)
	p.try(err)
	for range 100 {
		if _, err := numbersOf(p.accepted); err != nil {
			t.Fatal(err)
		}
	}
	after, err := tcpInfo(p.accepted.fd)
	p.try(err)
	if before.Segs_out != after.Segs_out {
		t.Errorf("%d segments were sent", after.Segs_out-before.Segs_out)
	}
	if n := must(t)(unix.GetsockoptInt(p.accepted.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR)); n != 1 {
		t.Errorf("SO_REUSEADDR is %d", n)
	}
	p.send(p.accepted, p.client, 100, 100)
	p.send(p.client, p.accepted, 100, 100)
}

// TestNumbersWhileDataIsSent fills the peer's buffer, so that some bytes are not sent yet.
func TestNumbersWhileDataIsSent(t *testing.T) {
	p := newPair(t, "127.0.0.1:2232")
	p.try(unix.SetNonblock(p.client.fd, true))
	total := 0
	for {
		n, err := unix.Write(p.client.fd, pattern(1<<16))
		if err == unix.EAGAIN {
			break
		}
		total += must(t)(n, err)
	}
	unsent := must(t)(unix.IoctlGetInt(p.client.fd, siocoutqnsd))
	if unsent == 0 {
		t.Fatal("all bytes are sent, so the test proves nothing")
	}
	c, err := numbersOf(p.client)
	p.try(err)
	if c.initial != p.first {
		t.Errorf("the client's initial number is %d, want %d", c.initial, p.first)
	}
	if got, want := int(c.next-c.initial), 1+total-unsent; got != want {
		t.Errorf("the next to be sent is %d, want %d", got, want)
	}
}

func TestNumbersOfASocketThatConnects(t *testing.T) {
	p := newPair(t, "127.0.0.1:2233")
	// The listener's queue takes one more connection. Then it is full.
	for range 2 {
		fd := must(t)(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0))
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err := unix.Connect(fd, sockaddr(netip.MustParseAddrPort("127.0.0.1:2233"), unix.AF_INET)); err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	fd := must(t)(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0))
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Connect(fd, sockaddr(netip.MustParseAddrPort("127.0.0.1:2233"), unix.AF_INET)); err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	info, err := tcpInfo(fd)
	p.try(err)
	if info.State != 2 {
		t.Fatalf("the socket is in state %d, want SYN_SENT", info.State)
	}
	n, err := numbersOf(&socket{fd: fd})
	p.try(err)
	if n.next != n.initial+1 || n.expected != 0 || n.peerInitial != 0 {
		t.Errorf("%+v, want next to follow the SYN, and no numbers of the peer", *n)
	}
}
