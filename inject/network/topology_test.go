package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// comparable lets cmp compare addresses.
var comparable = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// labs are the scenarios that have a golden topology. They are also built if the machine allows it.
var labs = []struct {
	name     string
	scenario language.Scenario
}{
	{"wire", language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}},
	{"many-hosts", language.Scenario{
		Network: language.Network{MTU: 1400},
		Hosts: []language.Host{
			{Name: "client", Addresses: 3},
			{Name: "server", MTU: 576 + 1000, Sysctl: []language.Sysctl{
				{Name: "net.ipv4.tcp_syn_retries", Value: "2", Pos: language.Pos{Line: 7}},
				{Name: "net.ipv4.tcp_rmem", Value: "4096 8192 16384", Pos: language.Pos{Line: 8}},
				{Name: "net.ipv4.no_such_parameter", Value: "1", Optional: true, Pos: language.Pos{Line: 9}},
			}},
			{Name: "hermit", Route: "none"},
			{Name: "lo"},
			{Name: "a-host-of-a-long-name"},
			{Name: language.Wire, Sysctl: []language.Sysctl{{Name: "net.ipv4.ip_default_ttl", Value: "9", Pos: language.Pos{Line: 12}}}},
		},
	}},
	{"unrouted", language.Scenario{
		Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		Actors: []language.Actor{{Name: "client", Host: "client", Steps: []language.Step{
			{Op: language.Op{Exec: &language.Exec{}}},
		}}},
	}},
	{"offloads", language.Scenario{
		Network: language.Network{Offloads: true},
		Hosts:   []language.Host{{Name: "client"}, {Name: "server"}},
	}},
	{"direct", language.Scenario{
		Network: language.Network{Shape: language.ShapeDirect, MTU: 9000},
		Hosts:   []language.Host{{Name: "client", Addresses: 2}, {Name: "server"}},
	}},
	{"loopback", language.Scenario{
		Network: language.Network{Shape: language.ShapeLoopback},
		Hosts:   []language.Host{{Name: "host", Addresses: 3}},
	}},
}

// lay plans the network of the scenario for a family.
func lay(t *testing.T, s language.Scenario, f language.Family) *Topology {
	t.Helper()
	s.Family = f
	topology, err := Plan(&s)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

// The commands describe a topology completely: addresses, links, parameters, routes.
func TestCommands(t *testing.T) {
	for _, l := range labs {
		t.Run(l.name, func(t *testing.T) {
			var b strings.Builder
			for _, f := range []language.Family{language.V4, language.V6} {
				fmt.Fprintf(&b, "# %s %s\n", l.name, f)
				topology := lay(t, l.scenario, f)
				if l.name != "wire" {
					withoutPinned(topology) // they are the same on every host
				}
				for _, c := range topology.Commands() {
					fmt.Fprintln(&b, c)
				}
				fmt.Fprintln(&b)
			}
			testlab.Golden(t, filepath.Join("testdata", l.name+".golden"), b.String())
		})
	}
}

// withoutPinned leaves the hosts only the parameters that the scenario sets.
func withoutPinned(t *Topology) {
	for i := range t.Hosts {
		h := &t.Hosts[i]
		h.Sysctls = slices.DeleteFunc(h.Sysctls, func(s language.Sysctl) bool { return s.Pos.Line == 0 })
	}
}

// summary describes a topology, one line for each item.
func summary(t *Topology) []string {
	var lines []string
	for _, h := range t.Hosts {
		line := h.Name + ":"
		for _, a := range h.Addrs {
			line += " " + a.String()
		}
		if h.Device != "" {
			line += " on " + h.Device
		}
		if h.Prefix.IsValid() {
			line += " in " + h.Prefix.String()
		}
		if h.Gateway.IsValid() {
			line += " via " + h.Gateway.String()
		}
		lines = append(lines, line)
	}
	for _, l := range t.Links {
		line := fmt.Sprintf("%s:%s - %s:%s mtu %d", l.A.Host, l.A.Device, l.B.Host, l.B.Device, l.MTU)
		if l.B.Prefix.IsValid() {
			line += " " + l.B.Prefix.String()
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLay(t *testing.T) {
	host := func(name string) language.Host { return language.Host{Name: name} }
	for _, c := range []struct {
		name     string
		scenario language.Scenario
		want     []string
	}{
		{
			"a wire between two hosts",
			language.Scenario{Hosts: []language.Host{host("client"), host("server")}},
			[]string{
				"client: 198.18.1.2 on eth0 in 198.18.1.0/24 via 198.18.1.1",
				"server: 198.18.2.2 on eth0 in 198.18.2.0/24 via 198.18.2.1",
				"wire: 198.18.1.1 198.18.2.1",
				"client:eth0 - wire:client mtu 1500 198.18.1.1/24",
				"server:eth0 - wire:server mtu 1500 198.18.2.1/24",
			},
		},
		{
			"the same on IPv6",
			language.Scenario{Family: language.V6, Hosts: []language.Host{host("client"), host("server")}},
			[]string{
				"client: 2001:2:0:1::2 on eth0 in 2001:2:0:1::/64 via 2001:2:0:1::1",
				"server: 2001:2:0:2::2 on eth0 in 2001:2:0:2::/64 via 2001:2:0:2::1",
				"wire: 2001:2:0:1::1 2001:2:0:2::1",
				"client:eth0 - wire:client mtu 1500 2001:2:0:1::1/64",
				"server:eth0 - wire:server mtu 1500 2001:2:0:2::1/64",
			},
		},
		{
			"several addresses, MTUs, and no route",
			language.Scenario{
				Network: language.Network{MTU: 1400},
				Hosts:   []language.Host{{Name: "client", Addresses: 3}, {Name: "server", MTU: 9000, Route: "none"}, host("wire")},
			},
			[]string{
				"client: 198.18.1.2 198.18.1.3 198.18.1.4 on eth0 in 198.18.1.0/24 via 198.18.1.1",
				"server: 198.18.2.2 on eth0 in 198.18.2.0/24",
				"wire: 198.18.1.1 198.18.2.1",
				"client:eth0 - wire:client mtu 1400 198.18.1.1/24",
				"server:eth0 - wire:server mtu 9000 198.18.2.1/24",
			},
		},
		{
			"one host alone",
			language.Scenario{Hosts: []language.Host{host("client")}},
			[]string{
				"client: 198.18.1.2 on eth0 in 198.18.1.0/24 via 198.18.1.1",
				"wire: 198.18.1.1",
				"client:eth0 - wire:client mtu 1500 198.18.1.1/24",
			},
		},
		{
			"hosts with names that no interface can have",
			language.Scenario{Hosts: []language.Host{host("lo"), host("a-host-of-a-long-name")}},
			[]string{
				"lo: 198.18.1.2 on eth0 in 198.18.1.0/24 via 198.18.1.1",
				"a-host-of-a-long-name: 198.18.2.2 on eth0 in 198.18.2.0/24 via 198.18.2.1",
				"wire: 198.18.1.1 198.18.2.1",
				"lo:eth0 - wire:lo~1 mtu 1500 198.18.1.1/24",
				"a-host-of-a-long-name:eth0 - wire:a-host-of-a-l~2 mtu 1500 198.18.2.1/24",
			},
		},
		{
			"a direct link",
			language.Scenario{
				Network: language.Network{Shape: language.ShapeDirect},
				Hosts:   []language.Host{{Name: "client", Addresses: 2}, {Name: "server", MTU: 1280}},
			},
			[]string{
				"client: 198.18.1.2 198.18.1.3 on eth0 in 198.18.1.0/24",
				"server: 198.18.1.4 on eth0 in 198.18.1.0/24",
				"client:eth0 - server:eth0 mtu 1280",
			},
		},
		{
			"a direct link on IPv6",
			language.Scenario{
				Family:  language.V6,
				Network: language.Network{Shape: language.ShapeDirect, MTU: 1400},
				Hosts:   []language.Host{host("client"), host("server")},
			},
			[]string{
				"client: 2001:2:0:1::2 on eth0 in 2001:2:0:1::/64",
				"server: 2001:2:0:1::3 on eth0 in 2001:2:0:1::/64",
				"client:eth0 - server:eth0 mtu 1400",
			},
		},
		{
			"a host that talks to itself",
			language.Scenario{Network: language.Network{Shape: language.ShapeLoopback}, Hosts: []language.Host{{Name: "host", Addresses: 2}}},
			[]string{"host: 127.0.0.1 127.0.0.2 on lo in 127.0.0.0/8"},
		},
		{
			"a host that talks to itself on IPv6",
			language.Scenario{
				Family:  language.V6,
				Network: language.Network{Shape: language.ShapeLoopback},
				Hosts:   []language.Host{{Name: "host", Addresses: 3}},
			},
			[]string{"host: ::1 2001:2:0:1::3 2001:2:0:1::4 on lo in ::1/128"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			topology, err := Plan(&c.scenario)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, summary(topology)); diff != "" {
				t.Errorf("topology (-want +got):\n%s", diff)
			}
			for _, h := range topology.Hosts {
				for _, a := range h.Addrs {
					if got := topology.HostOf(a); got != h.Name {
						t.Errorf("HostOf(%s) is %q, want %q", a, got, h.Name)
					}
				}
			}
		})
	}
}

// The largest number of hosts have subnets within the reserved blocks, all different, and devices
// with different names.
func TestManyHosts(t *testing.T) {
	for _, f := range []language.Family{language.V4, language.V6} {
		t.Run(string(f), func(t *testing.T) {
			s := language.Scenario{}
			for i := range maxHosts {
				s.Hosts = append(s.Hosts, language.Host{Name: fmt.Sprintf("a-host-of-a-long-name-%d", i), Addresses: 100})
			}
			topology := lay(t, s, f)
			block := labV4
			if f == language.V6 {
				block = labV6
			}
			prefixes, devices, hardware := map[netip.Prefix]string{}, map[string]string{}, map[string]string{}
			once := func(host string, seen bool, other string, what any) {
				if seen {
					t.Errorf("%s and %s both have %v", other, host, what)
				}
			}
			for i, l := range topology.Links {
				h := topology.Host(l.A.Host)
				if !block.Contains(h.Prefix.Addr()) || !block.Contains(h.Addrs[99]) || !h.Prefix.Contains(h.Addrs[99]) {
					t.Errorf("%s is not within %s: %s in %s", h.Name, block, h.Addrs[99], h.Prefix)
				}
				if h.Prefix != h.Prefix.Masked() {
					t.Errorf("the subnet of %s has host bits: %s", h.Name, h.Prefix)
				}
				other, seen := prefixes[h.Prefix]
				once(h.Name, seen, other, h.Prefix)
				prefixes[h.Prefix] = h.Name
				other, seen = devices[l.B.Device]
				once(h.Name, seen, other, l.B.Device)
				devices[l.B.Device] = h.Name
				if len(l.B.Device) > 15 {
					t.Errorf("%s is too long a name for a device", l.B.Device)
				}
				for end := 1; end <= 2; end++ {
					mac := hardwareAddr(i, end).String()
					other, seen = hardware[mac]
					once(h.Name, seen, other, mac)
					hardware[mac] = h.Name
				}
			}
		})
	}
}

func TestLayRefuses(t *testing.T) {
	hosts := func(n int) []language.Host { return make([]language.Host, n) }
	pos := language.Pos{File: "s.yaml", Line: 1, Col: 1}
	for _, c := range []struct {
		name  string
		shape language.Shape
		hosts []language.Host
		want  string
	}{
		{"more hosts than subnets", "", hosts(501), "s.yaml:1:1: 501 hosts are too many: there are subnets for 500"},
		{"two hosts on lo", language.ShapeLoopback, hosts(2), "s.yaml:1:1: shape loopback needs one host, not 2"},
		{"three hosts on a direct link", language.ShapeDirect, hosts(3), "s.yaml:1:1: shape direct needs two hosts, not 3"},
		{"one host on a direct link, and a wire", language.ShapeDirect, []language.Host{{Name: "a"}, {Name: "wire"}}, "s.yaml:1:1: shape direct needs two hosts, not 1"},
		{"an unknown shape", "star", hosts(2), `s.yaml:1:1: unknown shape "star"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Plan(&language.Scenario{Network: language.Network{Shape: c.shape}, Hosts: c.hosts, Pos: pos})
			if err == nil || err.Error() != c.want {
				t.Errorf("error is %v\nwant %s", err, c.want)
			}
		})
	}
}

// The parameter set last wins: the scenario's own parameters come after the pinned ones.
func TestSysctlsOfAHost(t *testing.T) {
	own := language.Sysctl{Name: "net.ipv4.tcp_syn_retries", Value: "1", Pos: language.Pos{Line: 3}}
	s := language.Scenario{Hosts: []language.Host{
		{Name: "client", Sysctl: []language.Sysctl{own}}, {Name: "server"}, {Name: language.Wire, Sysctl: []language.Sysctl{own}},
	}}
	for _, f := range []language.Family{language.V4, language.V6} {
		topology := lay(t, s, f)
		forward := map[language.Family]string{language.V4: "net.ipv4.ip_forward", language.V6: "net.ipv6.conf.all.forwarding"}[f]
		for _, h := range topology.Hosts {
			set := map[string]int{}
			for _, p := range h.Sysctls {
				set[p.Name]++
				if p.Pos.Line == 0 && !p.Optional {
					t.Errorf("%s %s: pinned %s is not optional", f, h.Name, p.Name)
				}
			}
			last := h.Sysctls[len(h.Sysctls)-1]
			if mine := h.Name != "server"; mine != (last == own) {
				t.Errorf("%s %s: the last parameter is %v", f, h.Name, last)
			}
			if got, want := set[forward] == 1, h.Name == language.Wire; got != want {
				t.Errorf("%s %s: %s is set: %t, want %t", f, h.Name, forward, got, want)
			}
			for name, n := range set {
				if n > 1 && name != own.Name {
					t.Errorf("%s %s: %s is set %d times", f, h.Name, name, n)
				}
			}
		}
	}
}

// The actors' processes get the topology as JSON.
func TestTopologySurvivesJSON(t *testing.T) {
	for _, l := range labs {
		for _, f := range []language.Family{language.V4, language.V6} {
			want := lay(t, l.scenario, f)
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			got := new(Topology)
			if err := json.Unmarshal(b, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, comparable); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", l.name, f, diff)
			}
		}
	}
}

func TestLinkEnds(t *testing.T) {
	for _, c := range []struct {
		lab, host string
		want      []LinkEnd
	}{
		{"wire", "client", []LinkEnd{{"eth0", "wire", 1500}}},
		{"wire", "wire", []LinkEnd{{"client", "client", 1500}, {"server", "server", 1500}}},
		{"direct", "client", []LinkEnd{{"eth0", "server", 9000}}},
		{"direct", "server", []LinkEnd{{"eth0", "client", 9000}}},
		{"loopback", "host", []LinkEnd{{"lo", "", 65536}}},
		{"wire", "nobody", nil},
	} {
		for _, l := range labs {
			if l.name != c.lab {
				continue
			}
			if diff := cmp.Diff(c.want, lay(t, l.scenario, language.V4).LinkEnds(c.host)); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", c.host, c.lab, diff)
			}
		}
	}
}
