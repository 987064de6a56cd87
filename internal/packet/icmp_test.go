package packet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The codes of destination unreachable: include/uapi/linux/icmp.h and icmpv6.h.
func TestUnreachablesAreToldApart(t *testing.T) {
	want := map[bool]string{
		false: `net-unreachable host-unreachable proto-unreachable port-unreachable fragmentation-needed
			source-route-failed net-unknown host-unknown host-isolated net-prohibited host-prohibited
			tos-net-unreachable tos-host-unreachable admin-prohibited precedence-violation precedence-cutoff`,
		true: `net-unreachable admin-prohibited beyond-scope host-unreachable port-unreachable
			policy-failed route-rejected`,
	}
	for v6, names := range want {
		kind := map[bool]uint8{false: 3, true: 1}[v6]
		var got []string
		for code := range len(strings.Fields(names)) {
			got = append(got, ICMPName(kind, code, v6))
		}
		if diff := cmp.Diff(strings.Fields(names), got); diff != "" {
			t.Errorf("IPv6 %t (-want +got):\n%s", v6, diff)
		}
		next := len(got)
		if got, want := ICMPName(kind, next, v6), fmt.Sprintf("type %d code %d", kind, next); got != want {
			t.Errorf("IPv6 %t: the code after the last is %q, want %q", v6, got, want)
		}
	}
}

// A message that is forged by its name has that name, or the one that stands for it in ICMPv6.
func TestNamesOfICMPAreThoseOfTheirNumbers(t *testing.T) {
	stands := map[string]string{"net-prohibited": "admin-prohibited", "host-prohibited": "admin-prohibited"}
	for _, v6 := range []bool{false, true} {
		family := map[bool]string{false: "v4", true: "v6"}[v6]
		for _, name := range ICMPKinds(v6) {
			n, ok := ICMPNumbersOf(name, v6)
			want := name
			if v6 && stands[name] != "" {
				want = stands[name]
			}
			if got := ICMPName(n.Type, max(n.Code, 0), v6); !ok || got != want {
				t.Errorf("%s: %s is type %d code %d, which is %q, want %q", family, name, n.Type, n.Code, got, want)
			}
			d := Decoded{Family: family, Proto: "icmp", ICMPType: want}
			for _, other := range ICMPKinds(v6) {
				same := other == name || v6 && (stands[other] == want || other == want)
				if d.IsICMP(other) != same {
					t.Errorf("%s: a message %s is %s: %t, want %t", family, want, other, !same, same)
				}
			}
		}
	}
	for _, name := range []string{"", "any", "net-unknown of ICMPv6"} {
		if (&Decoded{Family: "v6", Proto: "icmp", ICMPType: "net-unreachable"}).IsICMP(name) {
			t.Errorf("%q is a message", name)
		}
	}
	if (&Decoded{Family: "v6", Proto: "icmp", ICMPType: "type 1 code 9"}).IsICMP("net-unknown") {
		t.Error("net-unknown exists in ICMPv6")
	}
}
