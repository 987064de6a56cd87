package actor

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// segment sends one packet through a raw socket. The result is the length of the packet.
func (t *thread) segment(step *language.Step, op *language.Segment, o *outcome) {
	data, free, err := payload(&op.Data)
	if err != nil {
		o.problem(err)
		return
	}
	defer free()
	p := &packet{step: op, payload: data}
	if step.Socket == "" && op.To != "" {
		if err := t.address(p, op); err != nil {
			o.problem(err)
			return
		}
		o.Local, o.Remote = endText(p.from), endText(p.to)
		sendPacket(p, o)
		return
	}
	t.onExisting(step, o, func(s *socket) {
		if t.sockets.is(s, closed) {
			o.fail(unix.EBADF)
			return
		}
		o.stand()
		if err := t.borrow(p, op, s); err != nil {
			o.fail(err)
			return
		}
		sendPacket(p, o)
	})
}

// endText formats one end of a packet, without the port if it has none.
func endText(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String()
	}
	return a.String()
}

// sendPacket writes a packet with its headers, sends it and records the outcome.
func sendPacket(p *packet, o *outcome) {
	if p.from.Addr().Is4() != p.to.Addr().Is4() {
		o.problem(fmt.Errorf("sending from %s to %s: the IP versions differ", p.from.Addr(), p.to.Addr()))
		return
	}
	if len(p.payload) > maxPacket-ipv6Header-60 { // 60: the longest TCP header
		o.fail(unix.EMSGSIZE)
		return
	}
	packet, err := p.write()
	if err != nil {
		o.problem(err)
		return
	}
	fd, err := rawSocket(p.to.Addr())
	if err != nil {
		o.fail(err)
		return
	}
	defer unix.Close(fd)
	if o.call(func() (int, error) { return transfer(unix.SYS_SENDTO, fd, packet, 0) }) {
		o.Bytes = int64(len(p.payload))
		o.Packet = packet[:len(packet)-len(p.payload)]
	}
}

// address fills in the ends of a packet that belongs to no socket.
func (t *thread) address(p *packet, op *language.Segment) error {
	var err error
	if p.to, err = t.end(op, op.To); err != nil {
		return err
	}
	p.proto = protocol(op, false, p.to.Addr())
	if op.From != "" {
		p.from, err = t.end(op, op.From)
		return err
	}
	h := t.Topology.Host(t.Host)
	if h == nil || len(h.Addrs) == 0 {
		return fmt.Errorf("host %s has no address to send from: set from", t.Host)
	}
	p.from = netip.AddrPortFrom(h.Addrs[0], craftedPort)
	if op.ICMP != "" {
		p.from = netip.AddrPortFrom(h.Addrs[0], 0)
	}
	return nil
}

// end resolves HOST:PORT or, for ICMP, HOST.
func (t *thread) end(op *language.Segment, ref string) (netip.AddrPort, error) {
	if op.ICMP != "" {
		addr, err := t.Topology.Address(ref)
		return netip.AddrPortFrom(addr.Unmap(), 0), err
	}
	a, err := t.Topology.Resolve(ref)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), err
}

func protocol(op *language.Segment, udp bool, to netip.Addr) layers.IPProtocol {
	switch {
	case op.ICMP != "" && to.Is4():
		return layers.IPProtocolICMPv4
	case op.ICMP != "":
		return layers.IPProtocolICMPv6
	case op.UDP || udp:
		return layers.IPProtocolUDP
	}
	return layers.IPProtocolTCP
}

// borrow takes from a socket whatever the step does not set. A socket whose connection has ended
// still has its sequence numbers, but not its addresses: these are the last known ones. Errors are
// those of the system calls that read the socket.
func (t *thread) borrow(p *packet, op *language.Segment, s *socket) error {
	for _, end := range []struct {
		ref  string
		into *netip.AddrPort
		ask  func(int) (unix.Sockaddr, error)
		last *netip.AddrPort
	}{
		{op.From, &p.from, unix.Getsockname, &s.local},
		{op.To, &p.to, unix.Getpeername, &s.remote},
	} {
		var err error
		if end.ref != "" {
			*end.into, err = t.end(op, end.ref)
		} else {
			*end.into, err = t.sockets.known(s, end.ask, end.last)
		}
		if err != nil {
			return err
		}
	}
	p.proto = protocol(op, s.udp, p.to.Addr())
	switch {
	case p.proto == layers.IPProtocolUDP && len(op.Flags) > 0:
		return errors.New("a UDP socket cannot send TCP flags")
	case p.proto != layers.IPProtocolTCP:
		return nil
	}
	var err error
	p.socket, err = numbersOf(s)
	return err
}
