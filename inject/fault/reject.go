package fault

import (
	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// rejectWith maps the ICMP errors that REJECT can send to its words for IPv4 and IPv6, "" where it
// cannot. ICMPv6 has one message for everything prohibited (RFC 4443, section 3.1).
var rejectWith = map[string][2]string{
	"port-unreachable":  {"icmp-port-unreachable", "icmp6-port-unreachable"},
	"host-unreachable":  {"icmp-host-unreachable", "icmp6-addr-unreachable"},
	"net-unreachable":   {"icmp-net-unreachable", "icmp6-no-route"},
	"proto-unreachable": {"icmp-proto-unreachable", ""},
	"host-prohibited":   {"icmp-host-prohibited", "icmp6-adm-prohibited"},
	"net-prohibited":    {"icmp-net-prohibited", "icmp6-adm-prohibited"},
	"admin-prohibited":  {"icmp-admin-prohibited", "icmp6-adm-prohibited"},
	"policy-failed":     {"", "icmp6-policy-fail"},
	"route-rejected":    {"", "icmp6-reject-route"},
}

func (c *compilation) reject() (*Planned, error) {
	with := c.fault.Do.Reject.With
	if with == language.TCPReset {
		if len(c.fault.Match.TCP) == 0 {
			return nil, c.errorf(code.NeverMatches,
				"tcp-reset answers TCP segments only: add tcp to match")
		}
		return c.stateless("stateless reject", "-j", "REJECT", "--reject-with", string(with))
	}
	answer := rejectWith[with.ICMP()][0]
	if c.topology.Family == language.V6 {
		answer = rejectWith[with.ICMP()][1]
	}
	if answer == "" {
		return nil, c.needsQueue("answer with " + with.ICMP())
	}
	return c.stateless("stateless reject", "-j", "REJECT", "--reject-with", answer)
}
