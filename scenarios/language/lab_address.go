package language

import "net/netip"

// The addresses of a lab, which are reserved for measurements and never somebody's LAN.
var (
	labV4 = netip.MustParsePrefix("198.18.0.0/15") // RFC 2544, section C.2.2
	labV6 = netip.MustParsePrefix("2001:2::/48")   // RFC 5180, section 8
)

// Nobody returns the addresses of a lab that no host ever has. What is sent to them is lost on the wire, and no sender is
// told.
func Nobody(f Family) netip.Prefix {
	if f == V6 {
		return netip.MustParsePrefix("2001:2:0:8000::/49")
	}
	return netip.MustParsePrefix("198.19.0.0/16")
}
