package language

import "halfopen/internal/code"

// texts returns the words of a text type.
func texts[S ~string](values ...S) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// CounterGroups returns the groups of kernel counters that expectations may name.
func CounterGroups() []string {
	return []string{"Tcp", "TcpExt", "Ip", "IpExt", "Icmp", "Udp", "Ip6", "Icmp6", "Udp6"}
}

// TCPFlagNames returns the flags that scenarios may name, from the lowest bit of the header field
// (RFC 9293, section 3.1).
func TCPFlagNames() []string {
	return []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}
}

// TCPOption is a TCP option that scenarios may name.
type TCPOption struct {
	Name string
	// Kind is the number of the option (IANA, TCP Option Kind Numbers).
	Kind uint8
}

// TCPOptions returns the options that selectors may name.
func TCPOptions() []TCPOption {
	return []TCPOption{
		{"mss", 2},
		{"window-scale", 3},
		{"sack-permitted", 4},
		{"sack", 5},
		{"timestamps", 8},
		{"fast-open", 34},
	}
}

// TCPOptionNames returns the names of [TCPOptions].
func TCPOptionNames() []string {
	var names []string
	for _, o := range TCPOptions() {
		names = append(names, o.Name)
	}
	return names
}

// TCPOptionKind returns the number of a TCP option; ok is false for an unknown name.
func TCPOptionKind(name string) (kind uint8, ok bool) {
	for _, o := range TCPOptions() {
		if o.Name == name {
			return o.Kind, true
		}
	}
	return 0, false
}

// icmpKinds are the names of ICMP messages, with the one IP version that has the message, "" for
// both.
var icmpKinds = []struct {
	name string
	only Family
}{
	{"net-unreachable", ""},
	{"host-unreachable", ""},
	{"proto-unreachable", ""},
	{"port-unreachable", ""},
	{"fragmentation-needed", ""},
	{"source-route-failed", V4},
	{"net-unknown", V4},
	{"host-unknown", V4},
	{"host-isolated", V4},
	{"admin-prohibited", ""},
	{"net-prohibited", ""},
	{"host-prohibited", ""},
	{"tos-net-unreachable", V4},
	{"tos-host-unreachable", V4},
	{"precedence-violation", V4},
	{"precedence-cutoff", V4},
	{"beyond-scope", V6},
	{"policy-failed", V6},
	{"route-rejected", V6},
	{"time-exceeded", ""},
	{"reassembly-time-exceeded", ""},
	{"parameter-problem", ""},
	{"source-quench", V4},
	{"redirect", V4},
	{"echo-request", ""},
	{"echo-reply", ""},
}

// ICMPKinds returns the words for ICMP messages in selectors.
func ICMPKinds() []string {
	words := []string{"any"}
	for _, k := range icmpKinds {
		words = append(words, k.name)
	}
	return words
}

// hasICMP reports an ICMP message that the IP version of the run does not have. prefix comes before
// its name in the file.
func (v *validation) hasICMP(field any, pos Pos, name, prefix string) {
	for _, k := range icmpKinds {
		if k.name != name || k.only == "" || k.only == v.s.Family {
			continue
		}
		protocol := "ICMPv6"
		if v.s.Family != V6 {
			protocol = "ICMP for IPv4"
		}
		v.errorf(code.NeverMatches, field, pos,
			"%s%s does not exist in %s; want another message, or only: %s",
			prefix, name, protocol, k.only)
	}
}

// stripNames are the TCP options that rewrite can take out: all but the SACK blocks, which no host
// sends without sack-permitted.
var stripNames = []string{"timestamps", "sack-permitted", "window-scale", "mss", "fast-open"}
