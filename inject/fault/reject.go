package fault

import "halfopen/scenarios/language"

// rejectWith maps the answers of the language to those of REJECT, for IPv4 and IPv6. IPv6 has no
// message for an unsupported protocol, and one message for everything prohibited (RFC 4443, section
// 3.1).
var rejectWith = map[string][2]string{
	"tcp-reset":              {"tcp-reset", "tcp-reset"},
	"icmp-port-unreachable":  {"icmp-port-unreachable", "icmp6-port-unreachable"},
	"icmp-host-unreachable":  {"icmp-host-unreachable", "icmp6-addr-unreachable"},
	"icmp-net-unreachable":   {"icmp-net-unreachable", "icmp6-no-route"},
	"icmp-proto-unreachable": {"icmp-proto-unreachable", ""},
	"icmp-host-prohibited":   {"icmp-host-prohibited", "icmp6-adm-prohibited"},
	"icmp-net-prohibited":    {"icmp-net-prohibited", "icmp6-adm-prohibited"},
	"icmp-admin-prohibited":  {"icmp-admin-prohibited", "icmp6-adm-prohibited"},
}

func (c *compilation) reject() (*Planned, error) {
	with := c.fault.Do.Reject.With
	if with == "" {
		with = "icmp-port-unreachable"
	}
	answers, ok := rejectWith[with]
	if !ok {
		return nil, c.errorf("unknown answer %q", with)
	}
	answer := answers[0]
	if c.topology.Family == language.V6 {
		answer = answers[1]
	}
	if answer == "" {
		return nil, c.errorf("%s has no equivalent in ICMPv6: choose another answer", with)
	}
	if with == "tcp-reset" && len(c.fault.Match.TCP) == 0 {
		return nil, c.errorf("tcp-reset answers TCP segments only: add tcp to match")
	}
	return c.stateless("stateless reject", "-j", "REJECT", "--reject-with", answer)
}
