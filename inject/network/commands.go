package network

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"halfopen/scenarios/language"
)

// Commands returns the shell commands that a person would type to build the same network with ip
// netns: namespaces, links, parameters, addresses and routes, in an order that works.
func (t *Topology) Commands() []string {
	var c []string
	add := func(format string, args ...any) { c = append(c, fmt.Sprintf(format, args...)) }
	for _, h := range t.Hosts {
		add("ip netns add %s", h.Name)
	}
	for _, h := range t.Hosts {
		var pinned []string
		for _, s := range h.Sysctls {
			switch {
			case s.Pos.Line > 0:
			case refusable(s) != "":
				add("ip netns exec %s sysctl -qew %s%s", h.Name, assignment(s), refusable(s))
			default:
				pinned = append(pinned, assignment(s))
			}
		}
		if len(pinned) > 0 {
			add("%s", continued("ip netns exec "+h.Name+" sysctl -qew", pinned))
		}
	}
	for i, l := range t.Links {
		add("ip -n %s link add %s address %s mtu %d type veth peer name %s address %s mtu %d netns %s",
			l.B.Host, l.B.Device, hardwareAddr(i, 1), l.MTU, l.A.Device, hardwareAddr(i, 2), l.MTU, l.A.Host)
	}
	for i := range t.Hosts {
		h := &t.Hosts[i]
		add("ip -n %s link set lo up", h.Name)
		for _, end := range t.LinkEnds(h.Name) {
			if !t.Offloads {
				// lo cannot compute checksums; it refuses tx off.
				tx := " tx off"
				if end.Device == "lo" {
					tx = ""
				}
				add("ip netns exec %s ethtool -K %s tso off gso off gro off%s", h.Name, end.Device, tx)
			}
			for _, p := range t.prefixes(h, end.Device) {
				flags := ""
				switch {
				case p.Addr().Is6():
					flags = " nodad"
				case p.Bits() < 31:
					flags = " brd +"
				}
				add("ip -n %s addr add %s dev %s%s", h.Name, p, end.Device, flags)
			}
			if end.Device != "lo" {
				add("ip -n %s link set %s up", h.Name, end.Device)
			}
		}
	}
	for i := range t.Hosts {
		h := &t.Hosts[i]
		if h.Gateway.IsValid() {
			add("ip -n %s route add default via %s", h.Name, h.Gateway)
		}
		for _, p := range t.blackholes(h) {
			add("ip -n %s route add blackhole %s metric %d", h.Name, p, lastResort)
		}
		if t.Unrouted && h.Name == language.Wire {
			add("ip netns exec %s iptables -A FORWARD %s", h.Name, strings.Join(unroutedRule, " "))
			add("ip -n %s route add default dev lo metric %d", h.Name, unroutedMetric)
		}
		for _, s := range h.Sysctls {
			if s.Pos.Line > 0 {
				add("ip netns exec %s sysctl -q%sw %s%s",
					h.Name, map[bool]string{true: "e"}[s.Optional], assignment(s), refusable(s))
			}
		}
	}
	return c
}

// continued returns a command with many arguments, broken into lines.
func continued(command string, arguments []string) string {
	const width = 100
	var b strings.Builder
	b.WriteString(command)
	at := len(command)
	for _, a := range arguments {
		if at+1+len(a) > width {
			b.WriteString(" \\\n   ")
			at = 3
		}
		b.WriteString(" " + a)
		at += 1 + len(a)
	}
	return b.String()
}

// assignment quotes a value that contains blanks for the shell.
func assignment(s language.Sysctl) string {
	if strings.ContainsAny(s.Value, " \t") {
		return fmt.Sprintf("%s='%s'", s.Name, s.Value)
	}
	return s.Name + "=" + s.Value
}

// refusable lets a shell go on if the machine does not allow everybody the congestion control.
// [Build] then names it in the routes, which would take too many commands here.
func refusable(s language.Sysctl) string {
	if s.Name == congestionControl {
		return " || :"
	}
	return ""
}

// prefixes returns the addresses of a device, each with the length of its subnet.
func (t *Topology) prefixes(h *Host, device string) []netip.Prefix {
	var list []netip.Prefix
	for _, l := range t.Links {
		if l.B.Host == h.Name && l.B.Device == device && l.B.Prefix.IsValid() {
			list = append(list, l.B.Prefix)
		}
	}
	if h.Device != device {
		return list
	}
	for _, a := range h.Addrs {
		if device != "lo" {
			list = append(list, netip.PrefixFrom(a, h.Prefix.Bits()))
		} else if !a.IsLoopback() { // the kernel adds those itself
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return list
}

// lastResort is the metric of the wire's blackhole routes: worse than any route of a device.
const lastResort = 1 << 20

// blackholes returns the subnets for which the wire has a route that drops packets. For the subnets
// of hosts it is a second, worse route: when a link is cut, its own route goes, and a router
// without a route sends an error to the sender, but a cut cable does not. The remaining subnet is
// that of forged sources.
func (t *Topology) blackholes(h *Host) []netip.Prefix {
	var list []netip.Prefix
	if h.Name == language.Wire {
		for i := range t.Hosts {
			if p := t.Hosts[i].Prefix; p.IsValid() {
				list = append(list, p)
			}
		}
		list = append(list, language.Nobody(t.Family))
	}
	return list
}

// hardwareAddr returns the address of an end of a link, the same in each run: locally administered,
// then link, then end.
func hardwareAddr(link, end int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x68, 0x6f, byte((link + 1) >> 8), byte(link + 1), byte(end)}
}
