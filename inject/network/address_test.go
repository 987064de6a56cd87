package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

func TestAddress(t *testing.T) {
	wire := language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server", Addresses: 2}}}
	loopback := language.Scenario{
		Network: language.Network{Shape: language.ShapeLoopback}, Hosts: []language.Host{{Name: "host"}},
	}
	for _, c := range []struct {
		name     string
		scenario language.Scenario
		ref      string
		v4, v6   string
		// err, if set, is the error for both families, and there is no address.
		err string
	}{
		{name: "a host", ref: "server", v4: "198.18.2.2", v6: "2001:2:0:2::2"},
		{name: "its first address", ref: "server.1", v4: "198.18.2.2", v6: "2001:2:0:2::2"},
		{name: "its second address", ref: "server.2", v4: "198.18.2.3", v6: "2001:2:0:2::3"},
		{name: "an address that nobody has", ref: "server.absent", v4: "198.18.2.250", v6: "2001:2:0:2::fa"},
		{name: "the wire towards the first host", ref: "wire", v4: "198.18.1.1", v6: "2001:2:0:1::1"},
		{name: "the wire towards the second host", ref: "wire.2", v4: "198.18.2.1", v6: "2001:2:0:2::1"},
		{name: "any", ref: "any", v4: "0.0.0.0", v6: "::"},
		{name: "nothing", ref: "", v4: "0.0.0.0", v6: "::"},
		{name: "a literal", ref: "192.0.2.1", v4: "192.0.2.1", v6: "192.0.2.1"},
		{name: "an IPv6 literal", ref: "2001:db8::1", v4: "2001:db8::1", v6: "2001:db8::1"},
		{name: "an unknown host", ref: "nobody", err: `unknown host "nobody"`},
		{name: "an address beyond the last", ref: "server.3", err: `"server.3": host server has only 2 address(es)`},
		{name: "the zeroth address", ref: "server.0", err: `"server.0": invalid address "0": want a number from 1, or absent`},
		{name: "a word", ref: "server.first", err: `"server.first": invalid address "first": want a number from 1, or absent`},
		{name: "an absent address of the wire", ref: "wire.absent", err: `"wire.absent": wire has no absent address`},
		{name: "an absent address of lo", scenario: loopback, ref: "host.absent", err: `"host.absent": host has no absent address`},
		{name: "a host on lo", scenario: loopback, ref: "host", v4: "127.0.0.1", v6: "::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.scenario
			if len(s.Hosts) == 0 {
				s = wire
			}
			for _, f := range []language.Family{language.V4, language.V6} {
				topology := lay(t, s, f)
				want := c.v4
				if f == language.V6 {
					want = c.v6
				}
				got, err := topology.Address(c.ref)
				if c.err != "" {
					if err == nil || err.Error() != c.err {
						t.Errorf("%s: %v, %v; want the error %s", f, got, err, c.err)
					}
					continue
				}
				if err != nil || got.String() != want {
					t.Errorf("%s: %v, %v; want %s", f, got, err, want)
				}
				if c.ref == "" || got.Is4() != (f == language.V4) {
					// "" is the wildcard only in bind; a literal of the other family needs
					// brackets.
					continue
				}
				if ap, err := topology.Resolve(c.ref + ":80"); err != nil || ap.Addr() != got || ap.Port() != 80 {
					if f == language.V4 || topology.Host(c.ref) != nil {
						t.Errorf("%s: Resolve(%s:80) is %v, %v", f, c.ref, ap, err)
					}
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	topology := lay(t, language.Scenario{Hosts: []language.Host{{Name: "server", Addresses: 2}}}, language.V6)
	for _, c := range []struct {
		name, ref, want, err string
	}{
		{name: "a host", ref: "server:80", want: "[2001:2:0:1::2]:80"},
		{name: "one of its addresses", ref: "server.2:65535", want: "[2001:2:0:1::3]:65535"},
		{name: "an absent one", ref: "server.absent:0", want: "[2001:2:0:1::fa]:0"},
		{name: "a literal", ref: "192.0.2.1:7", want: "192.0.2.1:7"},
		{name: "a literal in brackets", ref: "[2001:db8::1]:7", want: "[2001:db8::1]:7"},
		{name: "no port", ref: "server", err: `"server" has no port: want HOST:PORT`},
		{name: "a port that is too high", ref: "server:65536", err: `"server:65536": invalid port "65536": want 0 to 65535`},
		{name: "a port that is a word", ref: "server:http", err: `"server:http": invalid port "http": want 0 to 65535`},
		{name: "an unknown host", ref: "nobody:80", err: `unknown host "nobody"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := topology.Resolve(c.ref)
			switch {
			case c.err != "" && (err == nil || err.Error() != c.err):
				t.Errorf("%v, %v; want the error %s", got, err, c.err)
			case c.err == "" && (err != nil || got.String() != c.want):
				t.Errorf("%v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestHostsFile(t *testing.T) {
	topology := lay(t, language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server", Addresses: 2}}}, language.V4)
	want := `127.0.0.1 localhost
::1 localhost
198.18.1.2 client
198.18.1.2 client.1
198.18.2.2 server
198.18.2.2 server.1
198.18.2.3 server.2
198.18.1.1 wire
198.18.1.1 wire.1
198.18.2.1 wire.2
`
	if diff := cmp.Diff(want, topology.HostsFile()); diff != "" {
		t.Errorf("hosts file (-want +got):\n%s", diff)
	}
}
