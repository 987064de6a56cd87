package language

import "halfopen/internal/code"

// MTU lets no packet pass that is longer than a size that only the wire knows.
type MTU struct {
	Size int    `yaml:",short" json:"size" jsonschema_description:"Longest IP packet that passes, in bytes."`
	ICMP string `json:"icmp,omitempty" jsonschema:"enum=send,enum=drop" jsonschema_description:"send (default): the sender gets an ICMP error (fragmentation needed, or packet too big); drop: it gets none, a PMTU black hole."`
}

func (a *MTU) check(v *validation, f *Fault) {
	v.within(&a.Size, f, "size", minMTU, maxMTU)
	if v.s.Family == V6 && a.Size < minMTUv6 {
		v.errorf(code.OutOfRange, &a.Size, f.Pos,
			"mtu: invalid size %[2]d: IPv6 needs at least %[1]d", minMTUv6, a.Size)
	}
}

func (*MTU) effects() Effects { return Effects{} }
