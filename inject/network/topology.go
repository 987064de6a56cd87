package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

// The reserved address blocks of a lab: they are never somebody's LAN. Host i has their ith /24 or
// /64.
var (
	labV4 = netip.MustParsePrefix("198.18.0.0/15") // RFC 2544, section C.2.2
	labV6 = netip.MustParsePrefix("2001:2::/48")   // RFC 5180, section 8
)

const (
	maxHosts = 500
	// wireNumber, firstNumber and absentNumber are the last part of three addresses in a subnet:
	// that of the wire, the host's first, and the one that nobody has.
	wireNumber   = 1
	firstNumber  = 2
	absentNumber = 250
	defaultMTU   = 1500
	// hostDevice is the interface of every host but the wire.
	hostDevice = "eth0"
)

// Topology is the plan of a lab's network. It is pure data and survives encoding/json.
type Topology struct {
	Shape    language.Shape  `json:"shape"`
	Family   language.Family `json:"family"`
	Offloads bool            `json:"offloads,omitempty"`
	// Unrouted is true if packets may come to the wire for which it has no route: a rule then answers
	// them.
	Unrouted bool `json:"unrouted,omitempty"`
	// Hosts are the hosts in the order of the scenario, then the wire if the shape has one.
	Hosts []Host `json:"hosts"`
	// Links are the veth pairs.
	Links []Link `json:"links,omitempty"`
}

// Host is a network namespace to build.
type Host struct {
	Name string `json:"name"`
	// Addrs are the addresses that steps call HOST, HOST.2 and so on. The wire has one for each
	// host.
	Addrs []netip.Addr `json:"addrs"`
	// Device is the interface that has the addresses; "" for the wire.
	Device string `json:"device,omitempty"`
	// Prefix is the host's subnet, Gateway the next hop of its default route; invalid if it has
	// none.
	Prefix  netip.Prefix `json:"prefix,omitzero"`
	Gateway netip.Addr   `json:"gateway,omitzero"`
	// Sysctls are set in this order: the pinned ones, then the scenario's.
	Sysctls []language.Sysctl `json:"sysctls,omitempty"`
}

// Link is a veth pair.
type Link struct {
	A, B LinkSide
	MTU  int `json:"mtu"`
}

// LinkSide is one end of a [Link].
type LinkSide struct {
	Host   string       `json:"host"`
	Device string       `json:"device"`
	Prefix netip.Prefix `json:"prefix,omitzero"`
}

// LinkEnd is an end of a link as its host sees it. Peer is the host at the other end, "" for lo.
type LinkEnd struct {
	Device string
	Peer   string
	MTU    int
}

// Plan plans the network of a scenario: hosts, links, addresses, routes and sysctls, as pure data.
func Plan(s *language.Scenario) (*Topology, error) {
	t := &Topology{Shape: s.Network.Shape, Family: s.Family, Offloads: s.Network.Offloads}
	if t.Shape == "" {
		t.Shape = language.ShapeWire
	}
	if t.Family == "" {
		t.Family = language.V4
	}
	var hosts []language.Host
	for _, h := range s.Hosts {
		if h.Name != language.Wire {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) > maxHosts {
		return nil, wrong(s.Pos, code.LimitExceeded, "%d hosts are too many: there are subnets for %d",
			len(hosts), maxHosts)
	}
	switch t.Shape {
	case language.ShapeLoopback:
		if len(hosts) != 1 {
			return nil, wrong(s.Pos, code.WrongShape, "shape loopback needs one host, not %d", len(hosts))
		}
		t.layLoopback(hosts[0])
	case language.ShapeDirect:
		if len(hosts) != 2 {
			return nil, wrong(s.Pos, code.WrongShape, "shape direct needs two hosts, not %d", len(hosts))
		}
		t.layDirect(hosts, s.Network.MTU)
	case language.ShapeWire:
		t.layWire(s, hosts)
	default:
		return nil, wrong(s.Pos, code.UnknownWord, "unknown shape %q", t.Shape)
	}
	t.Unrouted = t.unrouted(s)
	for i := range t.Hosts {
		h := &t.Hosts[i]
		h.Sysctls = pinned(h.Name, t.Family)
		if spec := s.Host(h.Name); spec != nil {
			h.Sysctls = append(h.Sysctls, spec.Sysctl...)
			if err := t.checkDevices(h, spec.Sysctl); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// wrong is the error for a mistake in the scenario.
func wrong(pos language.Pos, kind code.Code, format string, args ...any) error {
	return &language.Error{Pos: pos, Problem: code.Errorf(kind, format, args...)}
}

// checkDevices refuses parameters of devices that the host does not have. Steps may set those of
// devices that programs make.
func (t *Topology) checkDevices(h *Host, list []language.Sysctl) error {
	devices := []string{"lo"}
	for _, end := range t.LinkEnds(h.Name) {
		if end.Device != "lo" {
			devices = append(devices, end.Device)
		}
	}
	for _, s := range list {
		device := sysctl.Device(s.Name)
		switch {
		case device == "", s.Optional, slices.Contains(devices, device):
		case device == "all" || device == "default": // the kernel says whether it has them
		default:
			return wrong(s.Pos, code.InvalidSysctl, "sysctl %s: host %s has no device %s: want all, default, %s",
				s.Name, h.Name, device, strings.Join(devices, " or "))
		}
	}
	return nil
}

func (t *Topology) layLoopback(h language.Host) {
	prefix := netip.MustParsePrefix("127.0.0.0/8")
	if t.Family == language.V6 {
		prefix = netip.MustParsePrefix("::1/128")
	}
	host := Host{Name: h.Name, Device: "lo", Prefix: prefix}
	for n := range max(h.Addresses, 1) {
		a := number(prefix, 1+n)
		if t.Family == language.V6 {
			a = number(netip.MustParsePrefix("::/128"), 1)
			if n > 0 {
				a = number(subnet(t.Family, 1), firstNumber+n)
			}
		}
		host.Addrs = append(host.Addrs, a)
	}
	t.Hosts = []Host{host}
}

// layDirect puts both hosts in the first subnet. The second host's addresses follow the first's.
func (t *Topology) layDirect(hosts []language.Host, mtu int) {
	prefix := subnet(t.Family, 1)
	next := firstNumber
	for _, h := range hosts {
		host := Host{Name: h.Name, Device: hostDevice, Prefix: prefix}
		for range max(h.Addresses, 1) {
			host.Addrs = append(host.Addrs, number(prefix, next))
			next++
		}
		t.Hosts = append(t.Hosts, host)
	}
	if next > absentNumber {
		// Even if both hosts have 100 addresses, the most that the language allows, the absent one
		// stays free.
		panic("halfopen: more addresses than a subnet has")
	}
	t.Links = []Link{{
		A:   LinkSide{Host: hosts[0].Name, Device: hostDevice},
		B:   LinkSide{Host: hosts[1].Name, Device: hostDevice},
		MTU: firstOf(hosts[0].MTU, hosts[1].MTU, mtu, defaultMTU),
	}}
}

func (t *Topology) layWire(s *language.Scenario, hosts []language.Host) {
	wire := Host{Name: language.Wire}
	for i, h := range hosts {
		prefix := subnet(t.Family, i+1)
		host := Host{Name: h.Name, Device: hostDevice, Prefix: prefix}
		for n := range max(h.Addresses, 1) {
			host.Addrs = append(host.Addrs, number(prefix, firstNumber+n))
		}
		gateway := number(prefix, wireNumber)
		if h.Route != "none" {
			host.Gateway = gateway
		}
		wire.Addrs = append(wire.Addrs, gateway)
		t.Hosts = append(t.Hosts, host)
		t.Links = append(t.Links, Link{
			A: LinkSide{Host: h.Name, Device: hostDevice},
			B: LinkSide{
				Host: language.Wire, Device: wireDevice(h.Name, i),
				Prefix: netip.PrefixFrom(gateway, prefix.Bits()),
			},
			MTU: firstOf(h.MTU, s.Network.MTU, defaultMTU),
		})
	}
	t.Hosts = append(t.Hosts, wire)
}

// wireDevice names the wire's end of a host's link after the host. If the name is too long for an
// interface, or every namespace already has it, the host's number is appended.
func wireDevice(host string, i int) string {
	const longest = 15                                               // IFNAMSIZ, less the final zero
	taken := slices.Contains([]string{"lo", "all", "default"}, host) // "all": net.ipv4.conf.all
	if len(host) <= longest && !taken {
		return host
	}
	suffix := "~" + strconv.Itoa(i+1)
	return host[:min(len(host), longest-len(suffix))] + suffix
}

func firstOf(values ...int) int {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

// subnet returns the nth subnet, from 1: 198.18.n.0/24 or 2001:2:0:n::/64.
func subnet(f language.Family, n int) netip.Prefix {
	if f == language.V6 {
		b := labV6.Addr().As16()
		b[6], b[7] = byte(n>>8), byte(n)
		return netip.PrefixFrom(netip.AddrFrom16(b), 64)
	}
	b := labV4.Addr().As4()
	b[1] += byte(n >> 8)
	b[2] = byte(n)
	return netip.PrefixFrom(netip.AddrFrom4(b), 24)
}

// number returns the address of a subnet that ends in n, up to 255.
func number(p netip.Prefix, n int) netip.Addr {
	b := p.Addr().AsSlice()
	b[len(b)-1] = byte(n)
	a, _ := netip.AddrFromSlice(b) // 4 or 16 bytes, as returned by AsSlice
	return a
}

// Host returns the host of that name, or nil.
func (t *Topology) Host(name string) *Host {
	for i := range t.Hosts {
		if t.Hosts[i].Name == name {
			return &t.Hosts[i]
		}
	}
	return nil
}

// LinkEnds returns the devices of a host on which packets can be seen.
func (t *Topology) LinkEnds(host string) []LinkEnd {
	var ends []LinkEnd
	for _, l := range t.Links {
		switch host {
		case l.A.Host:
			ends = append(ends, LinkEnd{Device: l.A.Device, Peer: l.B.Host, MTU: l.MTU})
		case l.B.Host:
			ends = append(ends, LinkEnd{Device: l.B.Device, Peer: l.A.Host, MTU: l.MTU})
		}
	}
	if t.Shape == language.ShapeLoopback {
		ends = append(ends, LinkEnd{Device: "lo", MTU: 65536})
	}
	return ends
}

// Addresses returns the addresses of HOST, all of them; or of HOST.N, HOST.absent or ADDRESS, one.
func (t *Topology) Addresses(ref string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(ref); err == nil {
		return []netip.Addr{a}, nil
	}
	for i := range t.Hosts {
		if t.Hosts[i].Name == ref {
			return t.Hosts[i].Addrs, nil
		}
	}
	one, err := t.Resolve(ref + ":0")
	return []netip.Addr{one.Addr()}, err
}

// Resolve returns the address and port of HOST:PORT, HOST.N:PORT (the host's nth address),
// HOST.absent:PORT (an address of its subnet that nobody has) or ADDRESS:PORT.
func (t *Topology) Resolve(ref string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(ref); err == nil {
		return ap, nil
	}
	host, portText, ok := strings.Cut(ref, ":")
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q has no port: want HOST:PORT", ref)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: invalid port %q: want 0 to 65535", ref, portText)
	}
	addr, err := t.Address(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}

// Address returns the address of HOST, HOST.N, HOST.absent or a literal. "" and "any" mean the
// wildcard address.
func (t *Topology) Address(ref string) (netip.Addr, error) {
	if ref == "" || ref == "any" {
		if t.Family == language.V6 {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	}
	if a, err := netip.ParseAddr(ref); err == nil {
		return a, nil
	}
	name, which, numbered := strings.Cut(ref, ".")
	h := t.Host(name)
	if h == nil {
		return netip.Addr{}, fmt.Errorf("unknown host %q", name)
	}
	if which == "absent" {
		if t.Shape == language.ShapeLoopback || !h.Prefix.IsValid() {
			return netip.Addr{}, fmt.Errorf("%q: %s has no absent address", ref, name)
		}
		return number(h.Prefix, absentNumber), nil
	}
	n := 1
	if numbered {
		var err error
		if n, err = strconv.Atoi(which); err != nil || n < 1 {
			return netip.Addr{}, fmt.Errorf(
				"%q: invalid address %q: want a number from 1, or absent", ref, which)
		}
	}
	if n > len(h.Addrs) {
		return netip.Addr{}, fmt.Errorf("%q: host %s has only %d address(es)", ref, name, len(h.Addrs))
	}
	return h.Addrs[n-1], nil
}

// HostOf returns the name of the host that has the address, or "".
func (t *Topology) HostOf(a netip.Addr) string {
	for _, h := range t.Hosts {
		for _, b := range h.Addrs {
			if a == b {
				return h.Name
			}
		}
	}
	return ""
}

// Localhost is a hosts(5) without hosts of the lab.
const Localhost = "127.0.0.1 localhost\n::1 localhost\n"

// HostsFile returns the lab's /etc/hosts: each host's addresses as HOST.N, and its first one also
// as HOST.
func (t *Topology) HostsFile() string {
	var b strings.Builder
	b.WriteString(Localhost)
	for _, h := range t.Hosts {
		for i, a := range h.Addrs {
			if i == 0 {
				fmt.Fprintf(&b, "%s %s\n", a, h.Name)
			}
			fmt.Fprintf(&b, "%s %s.%d\n", a, h.Name, i+1)
		}
	}
	return b.String()
}
