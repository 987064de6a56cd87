package queue

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sender sends whole IP packets from a host, whatever their source address is.
type sender struct{ fd4, fd6 int }

// newSender opens the sockets. It must be called on a thread in the host's network namespace.
func newSender() (*sender, error) {
	s := &sender{-1, -1}
	var err error
	if s.fd4, err = rawSocket(unix.AF_INET); err != nil {
		return nil, fmt.Errorf("opening a raw socket: %w", err)
	}
	// A kernel without IPv6 has no IPv6 packets either.
	if s.fd6, err = rawSocket(unix.AF_INET6); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, errors.Join(fmt.Errorf("opening a raw socket for IPv6: %w", err), s.close())
	}
	return s, nil
}

// rawSocket opens a socket that takes packets with their IP header (raw(7), IPPROTO_RAW).
func rawSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
		unix.IPPROTO_RAW)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, Mark); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

func (s *sender) send(packet []byte) error {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		to := &unix.SockaddrInet4{Addr: [4]byte(packet[16:20])}
		if err := unix.Sendto(s.fd4, packet, 0, to); err != nil {
			return fmt.Errorf("sending a packet to %s: %w", netip.AddrFrom4(to.Addr), err)
		}
	case len(packet) >= 40 && packet[0]>>4 == 6:
		to := &unix.SockaddrInet6{Addr: [16]byte(packet[24:40])}
		if err := unix.Sendto(s.fd6, packet, 0, to); err != nil {
			return fmt.Errorf("sending a packet to %s: %w", netip.AddrFrom16(to.Addr), err)
		}
	default:
		return fmt.Errorf("sending a packet of %d bytes: it has no IP header", len(packet))
	}
	return nil
}

func (s *sender) close() error {
	var errs []error
	for _, fd := range []int{s.fd4, s.fd6} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}
