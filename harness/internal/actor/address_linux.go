package actor

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// domain returns the address family for a socket that uses the address a. Without a valid address
// it is the family of the run.
func (s *session) domain(a netip.Addr) int {
	if a.IsValid() && a.Unmap().Is4() || !a.IsValid() && s.Family != language.V6 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr returns an address in the form that a socket of the domain takes. On an IPv6 socket an
// IPv4 address is mapped (RFC 4291, section 2.5.5.2).
func sockaddr(a netip.AddrPort, domain int) unix.Sockaddr {
	if addr := a.Addr().Unmap(); addr.Is4() && domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// addrPort returns the address of a socket. A mapped IPv4 address is returned as IPv4. It is false
// if the socket has no IP address.
func addrPort(sa unix.Sockaddr) (netip.AddrPort, bool) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), true
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)), true
	}
	return netip.AddrPort{}, false
}

// text formats a socket address as address:port. It is "" without an address, or if the socket is
// not bound yet.
func text(sa unix.Sockaddr) string {
	a, _ := addrPort(sa)
	if a.Port() == 0 {
		return ""
	}
	return a.String()
}

// on records the socket that a step worked on, its number, and its addresses as far as it has them.
func (t *thread) on(s *socket, o *outcome) {
	o.Socket = s.name
	if t.sockets.is(s, closed) {
		return
	}
	if cookie, err := unix.GetsockoptUint64(s.fd, unix.SOL_SOCKET, unix.SO_COOKIE); err == nil {
		o.Cookie = cookie
	}
	if sa, err := unix.Getsockname(s.fd); err == nil {
		o.Local = text(sa)
		t.sockets.know(&s.local, sa)
	}
	if sa, err := unix.Getpeername(s.fd); err == nil {
		o.Remote = text(sa)
		t.sockets.know(&s.remote, sa)
	}
}

// know stores an address of a socket, unless it has no port.
func (t *sockets) know(last *netip.AddrPort, sa unix.Sockaddr) {
	if a, ok := addrPort(sa); ok && a.Port() != 0 {
		t.mark(func() { *last = a })
	}
}

// known returns an address of a socket by one of getsockname(2) and getpeername(2), or the last
// known one if the socket has none any more.
func (t *sockets) known(s *socket, ask func(int) (unix.Sockaddr, error), last *netip.AddrPort) (
	netip.AddrPort, error,
) {
	t.mu.Lock()
	before := *last
	t.mu.Unlock()
	sa, err := ask(s.fd)
	if err != nil {
		if err == unix.ENOTCONN && before.IsValid() {
			return before, nil
		}
		return netip.AddrPort{}, err
	}
	a, ok := addrPort(sa)
	switch {
	case !ok:
		return a, fmt.Errorf("the socket %s has no IP address", s.name)
	case a.Port() == 0 && before.IsValid():
		return before, nil
	}
	return a, nil
}
