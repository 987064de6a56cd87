package scenarios

import (
	"net/netip"
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
		v.errorf(field, pos, "%q is no prefix of addresses: want one such as %s", clip(text), Nobody(v.s.Family))
	case p != p.Masked():
		v.errorf(field, pos, "%s has bits beyond its length; write %s", p, p.Masked())
	case p.Addr().Is4() != lab.Addr().Is4():
		v.errorf(field, pos, "%s is not of the run's IP version; want one such as %s", p, Nobody(v.s.Family))
	case !lab.Contains(p.Addr()) || p.Bits() < lab.Bits():
		v.errorf(field, pos, "%s is not of the lab, whose addresses are %s", p, lab)
	}
}
