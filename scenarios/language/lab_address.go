package language

import (
	"net/netip"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// The addresses of a lab. They are reserved for measurements, and never used in a LAN.
var (
	labV4 = netip.MustParsePrefix("198.18.0.0/15") // RFC 2544, section C.2.2
	labV6 = netip.MustParsePrefix("2001:2::/48")   // RFC 5180, section 8
)

// Nobody returns the lab addresses that no host ever has. Packets to them are lost on the wire, and
// no sender learns of it.
func Nobody(f Family) netip.Prefix {
	if f == V6 {
		return netip.MustParsePrefix("2001:2:0:8000::/49")
	}
	return netip.MustParsePrefix("198.19.0.0/16")
}

// sources checks a prefix of source addresses: it must be within the lab, and of the IP version of
// the run.
func (v *validation) sources(field *string, pos Pos, text string) {
	p, err := netip.ParsePrefix(text)
	if a, ok := netip.ParseAddr(text); ok == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	lab := labV4
	if v.s.Family == V6 {
		lab = labV6
	}
	switch {
	case err != nil:
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address prefix %q: want one such as %s", say.Clip(text), Nobody(v.s.Family))
	case p != p.Masked():
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address prefix %s: bits are set beyond its length; want %s", p, p.Masked())
	case p.Addr().Is4() != lab.Addr().Is4():
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address prefix %s: the run has the other IP version; want one such as %s",
			p, Nobody(v.s.Family))
	case !lab.Contains(p.Addr()) || p.Bits() < lab.Bits():
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address prefix %s: want one within the lab's %s", p, lab)
	}
}

// packetAddress checks HOST, HOST.N, HOST.absent or ADDRESS.
func (v *validation) packetAddress(field *string, pos Pos, address string) {
	if _, err := netip.ParseAddr(address); err == nil {
		return
	}
	if strings.Contains(address, ":") {
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address %q: ICMP has no ports; want HOST", say.Clip(address))
		return
	}
	if name, ok := strings.CutSuffix(address, ".absent"); ok {
		v.host(field, pos, name, false)
		return
	}
	v.address(field, pos, address)
}

// source reports a literal source address outside the lab.
func (v *validation) source(field *string, pos Pos, from string) {
	addr, err := netip.ParseAddr(from)
	if ap, notPort := netip.ParseAddrPort(from); notPort == nil {
		addr, err = ap.Addr(), nil
	}
	if err != nil || labV4.Contains(addr) || labV6.Contains(addr) ||
		v.s.Network.Shape == ShapeLoopback && addr.IsLoopback() {
		return
	}
	v.errorf(code.InvalidAddress, field, pos,
		"invalid address %s: want one of the lab, in %s or %s", addr, labV4, labV6)
}
