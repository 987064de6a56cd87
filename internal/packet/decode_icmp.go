package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// icmp4 decodes an ICMP message (RFC 792, and RFC 1812 section 5.2.7.1 for the later codes).
func (d *Decoded) icmp4(b []byte, quotes bool) {
	if len(b) < 8 {
		d.Malformed = true
		return
	}
	kind, code := b[0], b[1]
	d.ICMPType = fmt.Sprintf("type %d code %d", kind, code)
	isError := false
	switch kind {
	case 0:
		d.ICMPType = "echo-reply"
	case 8:
		d.ICMPType = "echo-request"
	case 11:
		d.ICMPType, isError = "time-exceeded", true
	case 5:
		d.ICMPType, isError = "redirect", true
	case 12:
		d.ICMPType, isError = "parameter-problem", true
	case 3:
		isError = true
		switch code {
		case 0, 6, 11:
			d.ICMPType = "net-unreachable"
		case 1, 7, 12:
			d.ICMPType = "host-unreachable"
		case 2:
			d.ICMPType = "proto-unreachable"
		case 3:
			d.ICMPType = "port-unreachable"
		case 4:
			d.ICMPType = "fragmentation-needed"
			d.ICMPMTU = int(binary.BigEndian.Uint16(b[6:]))
		case 9, 10, 13:
			// As in tcpdump, the net, the host and the filter are all "admin prohibited".
			d.ICMPType = "admin-prohibited"
		}
	}
	if isError && quotes {
		d.Inner = quoted(b[8:])
	}
}

// icmp6 decodes an ICMPv6 message (RFC 4443), or one of neighbour discovery (RFC 4861).
func (d *Decoded) icmp6(b []byte, quotes bool) {
	if len(b) < 8 {
		d.Malformed = true
		return
	}
	kind, code := b[0], b[1]
	d.ICMPType = fmt.Sprintf("type %d code %d", kind, code)
	switch kind {
	case 1:
		switch code {
		case 0, 2, 6:
			d.ICMPType = "net-unreachable"
		case 1, 5:
			d.ICMPType = "admin-prohibited"
		case 3:
			d.ICMPType = "host-unreachable"
		case 4:
			d.ICMPType = "port-unreachable"
		}
	case 2:
		d.ICMPType = "fragmentation-needed"
		d.ICMPMTU = int(binary.BigEndian.Uint32(b[4:]))
	case 3:
		d.ICMPType = "time-exceeded"
	case 4:
		d.ICMPType = "parameter-problem"
		if code == 1 {
			// An unrecognized next header is the "protocol unreachable" of IPv6.
			d.ICMPType = "proto-unreachable"
		}
	case 128:
		d.ICMPType = "echo-request"
	case 129:
		d.ICMPType = "echo-reply"
	case 133:
		d.Proto, d.ICMPType = "ndp", "router-solicitation"
	case 134:
		d.Proto, d.ICMPType = "ndp", "router-advertisement"
	case 135:
		d.Proto, d.ICMPType = "ndp", "request"
		if len(b) >= 24 {
			// The header's address is a multicast group. As in ARP, Dst is the address that is
			// asked for.
			d.Dst = netip.AddrFrom16([16]byte(b[8:24]))
		}
	case 136:
		d.Proto, d.ICMPType = "ndp", "reply"
	case 137:
		d.Proto, d.ICMPType = "ndp", "redirect"
	case 130, 131, 132, 143:
		// Multicast listener discovery (RFC 3810) serves neighbour discovery's groups. ICMP
		// selectors do not match it.
		d.Proto, d.ICMPType = "ndp", "listener"
	}
	// Types below 128 are errors, and errors quote (RFC 4443, section 2.1).
	if kind < 128 && quotes {
		d.Inner = quoted(b[8:])
	}
}
