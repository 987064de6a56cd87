package language

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

// ICMPKinds returns the words for ICMP messages in selectors.
func ICMPKinds() []string {
	return []string{
		"any", "port-unreachable", "host-unreachable", "net-unreachable", "admin-prohibited",
		"fragmentation-needed",
		"echo-request", "echo-reply", "time-exceeded",
	}
}

// stripNames are the TCP options that rewrite can take out. Its sack is both sack-permitted and
// sack.
var stripNames = []string{"timestamps", "sack", "window-scale", "mss", "fast-open"}
