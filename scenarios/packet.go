package scenarios

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

// Flood sends SYNs of which no socket knows, each from an address and port of its own as long as there are any. The
// outcome's result is how many were sent.
type Flood struct {
	To    string `json:"to" jsonschema_description:"As for connect."`
	Count int    `json:"count" jsonschema_description:"How many SYNs, 1 to 1000000."`
	Rate  int    `json:"rate,omitempty" jsonschema_description:"SYNs a second. Default: as many as the machine can."`
	From  string `json:"from,omitempty" jsonschema_description:"Source addresses, as a prefix of the lab's. Default: 198.19.0.0/16 or 2001:2:0:8000::/49, which no host has and nobody answers for."`
}
