package packet

import "fmt"

// ICMPNumbers are the type and code of an ICMP message. AnyCode stands for all codes of a type; sent
// is code 0.
type ICMPNumbers struct {
	Type uint8
	Code int
}

// AnyCode is the code of a message that is known by its type alone.
const AnyCode = -1

// icmpKind is a message by its name, with its numbers in ICMP and ICMPv6; nil where it does not
// exist.
type icmpKind struct {
	name   string
	v4, v6 *ICMPNumbers
}

func by(kind uint8, code int) *ICMPNumbers { return &ICMPNumbers{kind, code} }

// icmpKinds are the messages that have a name: all that Linux maps to an errno (icmp_err_convert
// and icmp_rcv in net/ipv4/icmp.c, icmpv6_err_convert in net/ipv6/icmp.c), and some more. Of two
// names of the same numbers, the first is that of the message. The sources are RFC 792, RFC 1812,
// section 5.2.7.1, and RFC 4443. ICMPv6 has one message for everything that is prohibited. Its
// unrecognized next header is "protocol unreachable".
var icmpKinds = []icmpKind{
	{"net-unreachable", by(3, 0), by(1, 0)},
	{"host-unreachable", by(3, 1), by(1, 3)},
	{"proto-unreachable", by(3, 2), by(4, 1)},
	{"port-unreachable", by(3, 3), by(1, 4)},
	{"fragmentation-needed", by(3, 4), by(2, AnyCode)},
	{"source-route-failed", by(3, 5), nil},
	{"net-unknown", by(3, 6), nil},
	{"host-unknown", by(3, 7), nil},
	{"host-isolated", by(3, 8), nil},
	{"admin-prohibited", by(3, 13), by(1, 1)},
	{"net-prohibited", by(3, 9), by(1, 1)},
	{"host-prohibited", by(3, 10), by(1, 1)},
	{"tos-net-unreachable", by(3, 11), nil},
	{"tos-host-unreachable", by(3, 12), nil},
	{"precedence-violation", by(3, 14), nil},
	{"precedence-cutoff", by(3, 15), nil},
	{"beyond-scope", nil, by(1, 2)},
	{"policy-failed", nil, by(1, 5)},
	{"route-rejected", nil, by(1, 6)},
	{"time-exceeded", by(11, 0), by(3, 0)},
	{"reassembly-time-exceeded", by(11, 1), by(3, 1)},
	{"parameter-problem", by(12, AnyCode), by(4, AnyCode)},
	{"source-quench", by(4, AnyCode), nil},
	{"redirect", by(5, AnyCode), nil},
	{"echo-request", by(8, AnyCode), by(128, AnyCode)},
	{"echo-reply", by(0, AnyCode), by(129, AnyCode)},
}

func (k *icmpKind) in(v6 bool) *ICMPNumbers {
	if v6 {
		return k.v6
	}
	return k.v4
}

// ICMPKinds returns the names of ICMP messages that exist in ICMP, or in ICMPv6.
func ICMPKinds(v6 bool) []string {
	var names []string
	for i := range icmpKinds {
		if icmpKinds[i].in(v6) != nil {
			names = append(names, icmpKinds[i].name)
		}
	}
	return names
}

// ICMPNumbersOf returns the numbers of a message by its name; ok is false if there is none.
func ICMPNumbersOf(name string, v6 bool) (n ICMPNumbers, ok bool) {
	for i := range icmpKinds {
		if k := icmpKinds[i].in(v6); k != nil && icmpKinds[i].name == name {
			return *k, true
		}
	}
	return ICMPNumbers{}, false
}

// ICMPName returns the name of a message by its numbers: "type 3 code 99" if it has none.
func ICMPName(kind uint8, code int, v6 bool) string {
	for i := range icmpKinds {
		k := icmpKinds[i].in(v6)
		if k != nil && k.Type == kind && (k.Code == AnyCode || k.Code == code) {
			return icmpKinds[i].name
		}
	}
	return fmt.Sprintf("type %d code %d", kind, code)
}

// IsICMP reports whether the packet is an ICMP message of that name. Several names may be those of
// one message: in ICMPv6, net-prohibited and host-prohibited are admin-prohibited.
func (d *Decoded) IsICMP(name string) bool {
	if d.Proto != "icmp" {
		return false
	}
	v6 := d.Family == "v6"
	n, ok := ICMPNumbersOf(name, v6)
	return ok && ICMPName(n.Type, n.Code, v6) == d.ICMPType
}
