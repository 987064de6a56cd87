package queue

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// toward is the end that a forged segment goes to: the sender or the receiver of the packet that
// triggered it.
type toward bool

const (
	toSender   toward = false
	toReceiver toward = true
)

// forgeReset returns a RST that its target accepts as its peer's: the sequence number is exactly
// the next one expected (RFC 5961, section 3.2). A RST to the receiver follows the packet; a RST to
// the sender answers it. It returns nil if the packet is a RST or not a TCP segment.
func forgeReset(d *packet.Decoded, to toward) []byte {
	if d.Proto != "tcp" || d.FragmentOffset > 0 || d.Malformed || d.Flags&packet.RST != 0 ||
		!unicast(d) {
		return nil
	}
	next := d.Seq + uint32(d.PayloadLen)
	if d.Flags&packet.SYN != 0 {
		next++
	}
	if d.Flags&packet.FIN != 0 {
		next++
	}
	tcp := &layers.TCP{RST: true}
	src, dst := d.Src, d.Dst
	if to == toReceiver {
		tcp.SrcPort, tcp.DstPort = layers.TCPPort(d.SPort), layers.TCPPort(d.DPort)
		tcp.Seq = next
		if d.Flags&packet.ACK != 0 {
			tcp.ACK, tcp.Ack = true, d.Ack
		}
	} else {
		src, dst = dst, src
		tcp.SrcPort, tcp.DstPort = layers.TCPPort(d.DPort), layers.TCPPort(d.SPort)
		if d.Flags&packet.ACK != 0 {
			tcp.Seq = d.Ack
		} else {
			tcp.ACK, tcp.Ack = true, next // RFC 9293, section 3.10.7.1
		}
	}
	return serialize(src, dst, layers.IPProtocolTCP, tcp)
}

// forgeReject returns the ICMP error of that name.
func forgeReject(s *occasion, name string) []byte {
	var e icmpError
	if n, ok := packet.ICMPNumbersOf(name, false); ok {
		e.v4 = layers.CreateICMPv4TypeCode(n.Type, uint8(max(n.Code, 0)))
	} else if s.packet.decoded.Src.Is4() {
		return nil
	}
	if n, ok := packet.ICMPNumbersOf(name, true); ok {
		e.v6 = layers.CreateICMPv6TypeCode(n.Type, uint8(max(n.Code, 0)))
		if e.v6.Type() == layers.ICMPv6TypeParameterProblem {
			e.value6 = 6 // points to the header's field "next header" (RFC 4443, section 3.4)
		}
	} else if s.packet.decoded.Src.Is6() {
		return nil
	}
	return forgeError(s, e)
}

// forgeTooBig returns fragmentation needed (RFC 1191, section 4) or packet too big (RFC 4443,
// section 3.2).
func forgeTooBig(s *occasion, size int) []byte {
	return forgeError(s, icmpError{
		v4: layers.CreateICMPv4TypeCode(
			layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeFragmentationNeeded),
		mtu4:   uint16(size),
		v6:     layers.CreateICMPv6TypeCode(layers.ICMPv6TypePacketTooBig, 0),
		value6: uint32(size),
	})
}

// icmpError is an error for each IP version; mtu4 and value6 are the fields after the checksum.
type icmpError struct {
	v4     layers.ICMPv4TypeCode
	mtu4   uint16
	v6     layers.ICMPv6TypeCode
	value6 uint32
}

// How many bytes of a packet an ICMP error may quote: RFC 1812, section 4.3.2.3, and RFC 4443,
// section 2.4 (c).
const (
	quoted4 = 576 - 20 - 8
	quoted6 = 1280 - 40 - 8
)

// forgeError returns an ICMP error about the packet. It returns nil if an error is forbidden: about
// another error, about a fragment other than the first, or about a packet that is not from one host
// to another (RFC 1122, section 3.2.2; RFC 4443, section 2.4).
func forgeError(s *occasion, e icmpError) []byte {
	d := &s.packet.decoded
	if isError(d) || d.FragmentOffset > 0 || !unicast(d) {
		return nil
	}
	from := s.reporter()
	quoted := s.packet.arrived
	if d.Src.Is4() {
		return serialize(from, d.Src, layers.IPProtocolICMPv4,
			&layers.ICMPv4{TypeCode: e.v4, Seq: e.mtu4}, gopacket.Payload(quoted[:min(len(quoted), quoted4)]))
	}
	value := binary.BigEndian.AppendUint32(nil, e.value6)
	return serialize(from, d.Src, layers.IPProtocolICMPv6,
		&layers.ICMPv6{TypeCode: e.v6},
		gopacket.Payload(append(value, quoted[:min(len(quoted), quoted6)]...)))
}

// isError reports whether the packet is an ICMP error, or an ICMP message too broken to rule that
// out.
func isError(d *packet.Decoded) bool {
	return d.Inner != nil || d.Proto == "icmp" && d.ICMPType != "echo-request" &&
		d.ICMPType != "echo-reply"
}

// unicast reports whether the packet is from one host to another, so that an answer makes sense.
func unicast(d *packet.Decoded) bool {
	return d.Src.IsValid() && !d.Src.IsUnspecified() && !d.Src.IsMulticast() && d.Dst.IsValid() &&
		!d.Dst.IsMulticast()
}

// reporter returns the source address of errors to the sender: the wire's address on the sender's
// link, else the receiver's address.
func (s *occasion) reporter() netip.Addr {
	d := &s.packet.decoded
	if s.packet.hook.Host != language.Wire {
		return d.Dst
	}
	bits := 24
	if d.Src.Is6() {
		bits = 64
	}
	for _, a := range s.engine.hosts[language.Wire] {
		if p, err := a.Prefix(bits); err == nil && p.Contains(d.Src) {
			return a
		}
	}
	return d.Dst
}

// serialize builds a packet with lengths and checksums.
func serialize(
	src, dst netip.Addr, proto layers.IPProtocol, rest ...gopacket.SerializableLayer,
) []byte {
	const hops = 64
	var ip gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	if src.Is4() {
		v4 := &layers.IPv4{
			Version: 4, TTL: hops, Protocol: proto, SrcIP: net.IP(src.AsSlice()),
			DstIP: net.IP(dst.AsSlice()),
		}
		ip, network = v4, v4
	} else {
		v6 := &layers.IPv6{
			Version: 6, HopLimit: hops, NextHeader: proto, SrcIP: net.IP(src.AsSlice()),
			DstIP: net.IP(dst.AsSlice()),
		}
		ip, network = v6, v6
	}
	switch l := rest[0].(type) {
	case *layers.TCP:
		_ = l.SetNetworkLayerForChecksum(network) // fails only for a layer that is not IP
	case *layers.ICMPv6:
		_ = l.SetNetworkLayerForChecksum(network)
	}
	buf := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, options,
		append([]gopacket.SerializableLayer{ip}, rest...)...); err != nil {
		return nil // happens only for lengths beyond 64 KiB, which are never quoted
	}
	return buf.Bytes()
}
