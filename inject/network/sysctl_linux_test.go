package network

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

func TestSysctlsArePinned(t *testing.T) {
	for _, f := range []language.Family{language.V4, language.V6} {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			n := build(t, language.Scenario{Hosts: []language.Host{
				{Name: "client", Sysctl: []language.Sysctl{
					{Name: "net.ipv4.tcp_syn_retries", Value: "1", Pos: language.Pos{Line: 3}},
					{Name: "net.ipv4.conf.eth0.accept_local", Value: "1", Pos: language.Pos{Line: 4}},
					{Name: "net.ipv4.no_such_parameter", Value: "1", Optional: true, Pos: language.Pos{Line: 5}},
				}},
				{Name: "server"},
			}}, f)
			for _, h := range n.Topology().Hosts {
				want := map[string]string{}
				for _, s := range h.Sysctls {
					want[s.Name] = s.Value
				}
				for name, value := range want {
					got, ok, err := n.Host(h.Name).Sysctl(name)
					switch {
					case err != nil:
						t.Error(err)
					case name == congestionControl && n.viaRoute[h.Name] == value:
						// The kernel did not allow it in a namespace; the next test looks at the
						// routes.
					case ok && got != value:
						t.Errorf("%s of %s is %s, want %s", name, h.Name, got, value)
					}
				}
			}
			var missing []string
			for _, s := range n.Sysctls() {
				if s.Missing {
					missing = append(missing, s.Host+" "+s.Name)
				}
			}
			if len(missing) == 0 || missing[len(missing)-1] != "client net.ipv4.no_such_parameter" {
				t.Errorf("missing are %q, want client net.ipv4.no_such_parameter among them", missing)
			}
			if got := len(n.Sysctls()); got != len(n.Topology().Hosts[0].Sysctls)+len(n.Topology().Hosts[1].Sysctls)+len(n.Topology().Hosts[2].Sysctls) {
				t.Errorf("only %d parameters are reported", got)
			}
		})
	}
}

// Whatever a machine's default is, a connection in a lab uses cubic, or the congestion control that
// the scenario asks for, in every shape.
func TestCongestionControl(t *testing.T) {
	hosts := []language.Host{{Name: "client", Addresses: 2}, {Name: "server"}}
	reno := []language.Host{{Name: "client", Sysctl: []language.Sysctl{
		{Name: congestionControl, Value: "reno", Pos: language.Pos{Line: 3}},
	}}, {Name: "server"}}
	for _, c := range []struct {
		name  string
		shape language.Shape
		hosts []language.Host
		to    string
		want  string
	}{
		{"wire", language.ShapeWire, hosts, "server:7", "cubic"},
		{"wire-to-itself", language.ShapeWire, hosts, "client:7", "cubic"},
		{"wire-reno", language.ShapeWire, reno, "server:7", "reno"},
		{"direct", language.ShapeDirect, hosts, "server:7", "cubic"},
		{"direct-reno", language.ShapeDirect, reno, "server:7", "reno"},
		{"loopback", language.ShapeLoopback, hosts[:1], "client:7", "cubic"},
		{"loopback-second-address", language.ShapeLoopback, hosts[:1], "client.2:7", "cubic"},
	} {
		for _, f := range []language.Family{language.V4, language.V6} {
			t.Run(c.name+"-"+string(f), func(t *testing.T) {
				if !testlab.InLab(t) {
					return
				}
				n := build(t, language.Scenario{Network: language.Network{Shape: c.shape}, Hosts: c.hosts}, f)
				host, _, _ := strings.Cut(strings.Replace(c.to, ".2", "", 1), ":")
				listen(t, n, host, 7)
				must(t, n, "client", func() error {
					to, err := n.Topology().Resolve(c.to)
					if err != nil {
						return err
					}
					sa, family := sockaddr(to)
					fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
					if err != nil {
						return err
					}
					defer unix.Close(fd)
					if err := unix.Connect(fd, sa); err != nil {
						return err
					}
					got, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
					if err != nil {
						return err
					}
					if got != c.want {
						t.Errorf("the connection's congestion control is %s, want %s", got, c.want)
					}
					return nil
				})
			})
		}
	}
}

func TestSysctlErrorsNameTheParameter(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	n := build(t, labs[0].scenario, language.V4)
	for _, c := range []struct {
		name, sysctl, value, want string
		errno                     unix.Errno
	}{
		{
			"a parameter the kernel does not have", "net.ipv4.tcp_syn_retrys", "1",
			"setting sysctl net.ipv4.tcp_syn_retrys of client: this kernel has no such parameter (did you mean net.ipv4.tcp_syn_retries?): no such file or directory",
			unix.ENOENT,
		},
		{
			"a parameter like no other", "net.ipv4.absolutely_nothing_like_it", "1",
			"setting sysctl net.ipv4.absolutely_nothing_like_it of client: this kernel has no such parameter: no such file or directory",
			unix.ENOENT,
		},
		{
			"a folder the kernel does not have", "net.ipv5.tcp_syn_retries", "1",
			"setting sysctl net.ipv5.tcp_syn_retries of client: this kernel has no such parameter: no such file or directory",
			unix.ENOENT,
		},
		{
			"a parameter that is read-only", "net.ipv4.tcp_available_congestion_control", "cubic",
			"setting sysctl net.ipv4.tcp_available_congestion_control of client: it is read-only in a network namespace: permission denied",
			unix.EACCES,
		},
		{
			"a value that is refused", "net.ipv4.tcp_syn_retries", "1000",
			`setting sysctl net.ipv4.tcp_syn_retries of client to "1000": invalid argument`,
			unix.EINVAL,
		},
		{
			"a value that is not a number", "net.ipv4.tcp_fin_timeout", "soon",
			`setting sysctl net.ipv4.tcp_fin_timeout of client to "soon": invalid argument`,
			unix.EINVAL,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := n.Host("client").SetSysctl(c.sysctl, c.value)
			if err == nil || err.Error() != c.want {
				t.Errorf("the error is\n%v\nwant\n%s", err, c.want)
			}
			if !errors.Is(err, c.errno) {
				t.Errorf("the errno of %v is not %v", err, c.errno)
			}
		})
	}
	if value, ok, err := n.Host("client").Sysctl("net.ipv4.tcp_syn_retrys"); value != "" || ok || err != nil {
		t.Errorf("reading an unknown parameter: %q, %t, %v", value, ok, err)
	}
}

// A scenario's parameter that cannot be set stops the build, with its position. Everything made
// until then is released.
func TestBuildRefusesParameters(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	before := openNamespaces(t)
	topology := lay(t, language.Scenario{Hosts: []language.Host{{Name: "client", Sysctl: []language.Sysctl{
		{Name: "net.ipv4.no_such_parameter", Value: "1", Pos: language.Pos{File: "s.yaml", Line: 5, Col: 14}},
	}}}}, language.V4)
	n, err := Build(topology)
	const want = "s.yaml:5:14: setting sysctl net.ipv4.no_such_parameter of client: this kernel has no such parameter: no such file or directory"
	if err == nil || err.Error() != want || n != nil {
		t.Errorf("Build: %v, %v\nwant %s", n, err, want)
	}
	if diff := cmp.Diff(before, openNamespaces(t)); diff != "" {
		t.Errorf("namespaces that are open (-before +after):\n%s", diff)
	}
}
