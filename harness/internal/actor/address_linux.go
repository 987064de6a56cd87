package actor

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// domain returns the address family of sockets for an address; without one, that of the run.
func (s *session) domain(a netip.Addr) int {
	if a.IsValid() && a.Unmap().Is4() || !a.IsValid() && s.Family != language.V6 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr is an address as a socket of a domain takes it: IPv4 on an IPv6 socket is mapped (RFC 4291, section 2.5.5.2).
func sockaddr(a netip.AddrPort, domain int) unix.Sockaddr {
	if addr := a.Addr().Unmap(); addr.Is4() && domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// addrPort is the address of a socket, an IPv4 one as such; false where it has none.
func addrPort(sa unix.Sockaddr) (netip.AddrPort, bool) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), true
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)), true
	}
	return netip.AddrPort{}, false
}

// text writes a socket address as address:port; "" where there is none, or it is not yet bound.
func text(sa unix.Sockaddr) string {
	a, _ := addrPort(sa)
	if a.Port() == 0 {
		return ""
	}
	return a.String()
}

// on records the socket a step worked on and, where it has them, its addresses.
func (t *thread) on(s *socket, o *outcome) {
	o.Socket = s.name
	if t.sockets.is(s, closed) {
		return
	}
	if sa, err := unix.Getsockname(s.fd); err == nil {
		o.Local = text(sa)
	}
	if sa, err := unix.Getpeername(s.fd); err == nil {
		o.Remote = text(sa)
	}
}
