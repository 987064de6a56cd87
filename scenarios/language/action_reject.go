package language

// Reject loses the packet and answers its sender.
type Reject struct {
	With string `yaml:",short" json:"with,omitempty" jsonschema:"enum=tcp-reset,enum=icmp-port-unreachable,enum=icmp-host-unreachable,enum=icmp-net-unreachable,enum=icmp-proto-unreachable,enum=icmp-host-prohibited,enum=icmp-net-prohibited,enum=icmp-admin-prohibited" jsonschema_description:"The answer. Default: icmp-port-unreachable. On IPv6 the ICMPv6 message of the same meaning is sent."`
}

func (a *Reject) check(v *validation, f *Fault) {
	if a.With == "tcp-reset" {
		v.onlyTCP(&a.With, f, "reject with tcp-reset")
	}
}

func (*Reject) effects() Effects { return Effects{Loses: true} }
