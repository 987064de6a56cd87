package packet

import (
	"encoding/binary"
	"net/netip"
)

// icmp4 decodes an ICMP message (RFC 792).
func (d *Decoded) icmp4(b []byte, quotes bool) {
	if len(b) < 8 {
		d.Malformed = true
		return
	}
	kind, code := b[0], int(b[1])
	d.ICMPType = ICMPName(kind, code, false)
	if kind == 3 && code == 4 {
		d.ICMPMTU = int(binary.BigEndian.Uint16(b[6:]))
	}
	// Destination unreachable, redirect, time exceeded and parameter problem quote the packet that
	// they are about; so does source quench, but nobody sends that.
	isError := kind == 3 || kind == 5 || kind == 11 || kind == 12
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
	kind, code := b[0], int(b[1])
	d.ICMPType = ICMPName(kind, code, true)
	switch kind {
	case 2:
		d.ICMPMTU = int(binary.BigEndian.Uint32(b[4:]))
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
