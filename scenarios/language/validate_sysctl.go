package language

import (
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/sysctl"
)

// CongestionControl is the sysctl for the congestion control of new sockets.
const CongestionControl = "net.ipv4.tcp_congestion_control"

// PortRange is the sysctl for the range of local ports that connect() and bind() choose from.
const PortRange = "net.ipv4.ip_local_port_range"

// unprivilegedStart is the sysctl for the first port that needs no privilege; 1024 by default.
const unprivilegedStart = "net.ipv4.ip_unprivileged_port_start"

// unitless reports a time written with a unit: the kernel takes a number.
func unitless(name, value string) error {
	p, _ := sysctl.Find(name)
	d, err := parseDuration(value)
	if p.Unit == 0 || err != nil || value == "0" {
		return nil // not a time, as far as is known, or not written with a unit
	}
	unit, whole := sysctl.UnitName(p.Unit), d/p.Unit
	if d%p.Unit == 0 {
		return code.Errorf(code.InvalidSysctl,
			"invalid value %q of %s: it is a number of %s: write %d",
			say.Clip(value), name, unit, whole)
	}
	return code.Errorf(code.InvalidSysctl,
		"invalid value %q of %s: it is a whole number of %s: write %d or %d",
		say.Clip(value), name, unit, whole, whole+1)
}

// portRange reports a value that the kernel would refuse in the middle of a run
// (ipv4_local_port_range in net/ipv4/sysctl_net_ipv4.c). before are the sysctls that are set before
// this one.
func portRange(value string, before []Sysctl) error {
	fields := strings.Fields(value)
	if len(fields) != 2 {
		return code.Errorf(code.InvalidSysctl,
			"invalid %s %q: want the first and the last port, such as 40000 40003",
			PortRange, say.Clip(value))
	}
	var ports [2]int
	for i, f := range fields {
		port, err := strconv.Atoi(f)
		if err != nil || port < 1 || port > 65535 {
			return code.Errorf(code.InvalidPort,
				"%s: invalid port %q: want 1 to 65535", PortRange, say.Clip(f))
		}
		ports[i] = port
	}
	switch {
	case ports[0] > ports[1]:
		return code.Errorf(code.InvalidRange,
			"%s: invalid range: %d is more than %d; want the lower port first",
			PortRange, ports[0], ports[1])
	case ports[0] < 1024 &&
		!slices.ContainsFunc(before, func(s Sysctl) bool { return s.Name == unprivilegedStart }):
		return code.Errorf(code.InvalidSysctl,
			"%s: %d is below 1024, which the kernel refuses; set %s before it",
			PortRange, ports[0], unprivilegedStart)
	}
	return nil
}
