package language

import (
	"net/netip"
	"strings"

	"halfopen/internal/say"
)

// maxFlood bounds the SYNs of one flood step. Each is in the trace four times, once for each end of two links.
const maxFlood = 1_000_000

func (v *validation) flood(f *Flood, pos Pos) {
	v.target(&f.To, pos, f.To)
	if f.Count < 1 || f.Count > maxFlood {
		v.errorf(&f.Count, pos, "flood: count: %d is outside 1 to %d", f.Count, maxFlood)
	}
	if v.has(&f.Rate) && f.Rate < 0 {
		v.errorf(&f.Rate, pos, "flood: rate: %d is negative", f.Rate)
	}
	if v.wireless() {
		v.errorf(f, pos, "flood needs the wire, on which the answers are lost; there is none in the shape %s", v.s.Network.Shape)
	}
	if v.has(&f.From) {
		v.sources(&f.From, pos, f.From)
	}
}

// sources checks a prefix of source addresses: they must be the lab's, and of the IP version of the run.
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
		v.errorf(field, pos, "%q is no prefix of addresses: want one such as %s", say.Clip(text), Nobody(v.s.Family))
	case p != p.Masked():
		v.errorf(field, pos, "%s has bits beyond its length; write %s", p, p.Masked())
	case p.Addr().Is4() != lab.Addr().Is4():
		v.errorf(field, pos, "%s is not of the run's IP version; want one such as %s", p, Nobody(v.s.Family))
	case !lab.Contains(p.Addr()) || p.Bits() < lab.Bits():
		v.errorf(field, pos, "%s is not of the lab, whose addresses are %s", p, lab)
	}
}

func (v *validation) segment(st *Step) {
	s, pos := st.Op.Segment, st.Pos
	ofSocket := st.Socket != "" || !v.has(&s.To)
	proto := "tcp"
	switch {
	case s.UDP && s.ICMP != "":
		v.errorf(s, pos, "no packet is udp and icmp at once")
		return
	case s.UDP:
		proto = "udp"
	case s.ICMP != "":
		proto = "icmp"
	}
	for _, end := range []*string{&s.To, &s.From} {
		switch {
		case !v.has(end):
		case proto == "icmp":
			v.packetAddress(end, pos, *end)
		default:
			v.target(end, pos, *end)
		}
	}
	v.source(&s.From, pos, s.From)
	v.data(&s.Data, pos)
	if v.has(&s.TTL) && (s.TTL < 1 || s.TTL > 255) {
		v.errorf(&s.TTL, pos, "segment: ttl: %d is outside 1 to 255", s.TTL)
	}
	if proto != "tcp" {
		v.noTCP(s, pos, strings.ToUpper(proto))
		return
	}
	for i := range s.Flags {
		v.oneOf(&s.Flags[i], pos, "TCP flag", s.Flags[i], TCPFlagNames())
	}
	if !ofSocket && !v.has(&s.Flags) {
		v.errorf(s, pos, "segment: want flags, such as [SYN]; only of a socket is there a default")
	}
	v.number(&s.Seq, pos, "seq", "next", ofSocket)
	v.number(&s.Ack, pos, "ack", "next", ofSocket)
	v.field16(s.Window, pos, "window", 65535)
	if o := s.Options; o != nil {
		v.field16(o.MSS, pos, "mss", 65535)
		v.field16(o.WindowScale, pos, "window-scale", 255)
		if ts := o.Timestamps; ts != nil {
			v.number(&ts.Value, pos, "value", "now", ofSocket)
			v.number(&ts.Echo, pos, "echo", "", ofSocket)
		}
	}
}

// noTCP refuses what only a TCP segment has.
func (v *validation) noTCP(s *Segment, pos Pos, proto string) {
	for _, o := range []struct {
		key   string
		field any
		given bool
	}{
		{"flags", &s.Flags, v.has(&s.Flags)},
		{"seq", &s.Seq, v.has(&s.Seq)},
		{"ack", &s.Ack, v.has(&s.Ack)},
		{"window", s.Window, s.Window != nil},
		{"options", s.Options, s.Options != nil},
	} {
		if o.given {
			v.errorf(o.field, pos, "%s: %s has no such thing", o.key, proto)
		}
	}
}

// number checks a number of a header, which may be counted from a word only where there is a socket.
func (v *validation) number(n *Number, pos Pos, key, word string, ofSocket bool) {
	if !v.has(n) {
		return
	}
	base, offset, err := n.Parse()
	switch {
	case err != nil: // said when it was read
	case base == "" && offset < 0 && !ofSocket:
		v.errorf(n, pos, "%s: %s is negative; only of a socket are numbers relative", key, *n)
	case base == "":
	case base != word && word == "":
		v.errorf(n, pos, "%s: want a number, not %q", key, say.Clip(string(*n)))
	case base != word:
		v.errorf(n, pos, "%s: want a number, or one counted from %s, not %q", key, word, say.Clip(string(*n)))
	case !ofSocket:
		v.errorf(n, pos, "%s: only a socket has a %q; name one beside segment, or leave out to", key, base)
	}
}

func (v *validation) field16(n *int, pos Pos, key string, high int) {
	if n != nil && (*n < 0 || *n > high) {
		v.errorf(n, pos, "segment: %s: %d is outside 0 to %d", key, *n, high)
	}
}

// packetAddress checks HOST, HOST.N, HOST.absent or ADDRESS.
func (v *validation) packetAddress(field *string, pos Pos, address string) {
	if _, err := netip.ParseAddr(address); err == nil {
		return
	}
	if strings.Contains(address, ":") {
		v.errorf(field, pos, "%q: ICMP has no ports; want HOST", say.Clip(address))
		return
	}
	if name, ok := strings.CutSuffix(address, ".absent"); ok {
		v.host(field, pos, name, false)
		return
	}
	v.address(field, pos, address)
}

// source refuses a literal source address that is not the lab's.
func (v *validation) source(field *string, pos Pos, from string) {
	addr, err := netip.ParseAddr(from)
	if ap, notPort := netip.ParseAddrPort(from); notPort == nil {
		addr, err = ap.Addr(), nil
	}
	if err != nil || labV4.Contains(addr) || labV6.Contains(addr) || v.s.Network.Shape == ShapeLoopback && addr.IsLoopback() {
		return
	}
	v.errorf(field, pos, "%s is not of the lab, whose addresses are %s and %s", addr, labV4, labV6)
}
