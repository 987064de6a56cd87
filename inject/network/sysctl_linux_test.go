package network

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/internal/sysctl"
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
				for _, r := range n.Sysctls() {
					if got, _, err := n.Host(h.Name).Sysctl(r.Name); err == nil && r.Host == h.Name && r.Routes != "" && got != r.Value {
						t.Errorf("%s of %s is %s, and said to be %s", r.Name, h.Name, got, r.Value)
					}
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

// Pinned parameters are set unless new namespaces have their values anyway.
func TestPinnedSysctlsAreSetWhereNewNamespacesHaveOthers(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	const name = "net.ipv4.tcp_syn_retries"
	n := build(t, language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}, language.V4)
	client := &n.Topology().Hosts[0]
	if n.initial[name] == "" {
		t.Errorf("the initial value of %s was not read", name)
	}
	for _, initial := range []map[string]string{nil, {}, {name: "3"}} {
		if err := n.Host("client").SetSysctl(name, "3"); err != nil {
			t.Fatal(err)
		}
		n.initial = initial
		if err := n.setSysctls(client, client.Sysctls); err != nil {
			t.Fatal(err)
		}
		if got, _, err := n.Host("client").Sysctl(name); err != nil || got != "6" {
			t.Errorf("with the initial values %v, %s is %s, %v; want 6", initial, name, got, err)
		}
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
				if got := congestionOf(t, n, c.to); got != c.want {
					t.Errorf("the connection's congestion control is %s, want %s", got, c.want)
				}
			})
		}
	}
}

// congestionOf returns the congestion control of a new connection of the client.
func congestionOf(t *testing.T, n *Network, target string) (name string) {
	t.Helper()
	must(t, n, "client", func() error {
		to, err := n.Topology().Resolve(target)
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
		name, err = unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		return err
	})
	return name
}

// A congestion control that is set while the lab runs is that of the next connections, whatever the
// routes named before.
func TestACongestionControlSetLater(t *testing.T) {
	for _, f := range []language.Family{language.V4, language.V6} {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			n := build(t, language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}, f)
			listen(t, n, "server", 7)
			for _, want := range []string{"cubic", "reno"} {
				if want == "reno" {
					if err := n.SetSysctl("client", congestionControl, want); err != nil {
						t.Fatal(err)
					}
				}
				if got := congestionOf(t, n, "server:7"); got != want {
					t.Errorf("the connection's congestion control is %s, want %s", got, want)
				}
			}
		})
	}
}

func TestSysctlErrorsNameTheParameter(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	n := build(t, labs[0].scenario, language.V4)
	known, _, err := n.Host("client").Sysctl("net.ipv4.tcp_available_congestion_control")
	if err != nil {
		t.Fatal(err)
	}
	algorithms := strings.Join(strings.Fields(known), ", ")
	for _, c := range []struct {
		name, sysctl, value, want string
		errno                     unix.Errno
	}{
		{
			"a parameter the kernel does not have", "net.ipv4.tcp_syn_retrys", "1",
			"sysctl net.ipv4.tcp_syn_retrys is not in this kernel (needed by host client); did you mean net.ipv4.tcp_syn_retries?",
			unix.ENOENT,
		},
		{
			"a parameter most like one that can only be read", "net.ipv4.tcp_available_congestion_controls", "1",
			"sysctl net.ipv4.tcp_available_congestion_controls is not in this kernel (needed by host client); did you mean net.ipv4.tcp_congestion_control?",
			unix.ENOENT,
		},
		{
			"a parameter like one of the whole machine", "net.ipv4.tcp_max_orphanz", "1",
			"sysctl net.ipv4.tcp_max_orphanz is not in this kernel (needed by host client); check the name; net.ipv4.tcp_max_orphans is set for the whole machine, not in a namespace",
			unix.ENOENT,
		},
		{
			"a parameter like no other", "net.ipv4.absolutely_nothing_like_it", "1",
			"sysctl net.ipv4.absolutely_nothing_like_it is not in this kernel (needed by host client); check the name",
			unix.ENOENT,
		},
		{
			"a folder the kernel does not have", "net.ipv5.tcp_syn_retries", "1",
			"sysctl net.ipv5.tcp_syn_retries is not in this kernel (needed by host client); check the name",
			unix.ENOENT,
		},
		{
			"a parameter of the whole machine", "net.ipv4.tcp_max_orphans", "10",
			"sysctl net.ipv4.tcp_max_orphans is set for the whole machine, not in a namespace (needed by host client); remove it, and set it on the machine with sysctl -w",
			unix.ENOENT,
		},
		{
			"a parameter of all neighbour tables", "net.ipv4.neigh.default.gc_thresh1", "10",
			"sysctl net.ipv4.neigh.default.gc_thresh1 is set for the whole machine, not in a namespace (needed by host client); remove it, and set it on the machine with sysctl -w",
			unix.ENOENT,
		},
		{
			"a parameter that can only be read", "net.ipv4.tcp_available_congestion_control", "cubic",
			"sysctl net.ipv4.tcp_available_congestion_control is there to be read only (needed by host client); remove it",
			unix.EACCES,
		},
		{
			"a congestion control that the kernel does not have", congestionControl, "nonono",
			"congestion control nonono is not in this kernel (needed by host client); load its module (modprobe tcp_NAME), or choose one of " + algorithms,
			unix.ENOENT,
		},
		{
			"a value that is refused", "net.ipv4.tcp_syn_retries", "1000",
			`invalid value "1000" of net.ipv4.tcp_syn_retries: the kernel refuses it (EINVAL); ip-sysctl.rst of the kernel says what it takes`,
			unix.EINVAL,
		},
		{
			"a value that is not a number", "net.ipv4.tcp_fin_timeout", "soon",
			`invalid value "soon" of net.ipv4.tcp_fin_timeout: the kernel refuses it (EINVAL); ip-sysctl.rst of the kernel says what it takes`,
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

// A scenario's parameter that cannot be set stops the build, a refused value with its position.
// Everything made until then is released.
func TestBuildRefusesParameters(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	for _, c := range []struct{ name, sysctl, value, want string }{
		{
			"unknown", "net.ipv4.no_such_parameter", "1",
			"s.yaml:5:14: sysctl net.ipv4.no_such_parameter is not in this kernel (needed by host client); check the name",
		},
		{
			"of the machine", "net.ipv4.tcp_max_orphans", "1",
			"s.yaml:5:14: sysctl net.ipv4.tcp_max_orphans is set for the whole machine, not in a namespace (needed by host client); remove it, and set it on the machine with sysctl -w",
		},
		{
			"refused", "net.ipv4.tcp_syn_retries", "1000",
			`s.yaml:5:14: invalid value "1000" of net.ipv4.tcp_syn_retries: the kernel refuses it (EINVAL); ip-sysctl.rst of the kernel says what it takes`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := openNamespaces(t)
			topology := lay(t, language.Scenario{
				Network: language.Network{Shape: language.ShapeLoopback},
				Hosts: []language.Host{{Name: "client", Sysctl: []language.Sysctl{
					{Name: c.sysctl, Value: c.value, Pos: language.Pos{File: "s.yaml", Line: 5, Col: 14}},
				}}},
			}, language.V4)
			n, err := Build(topology)
			if err == nil || err.Error() != c.want || n != nil {
				t.Errorf("Build: %v, %v\nwant %s", n, err, c.want)
			}
			var missing *inject.MissingError
			var refused *inject.RefusedError
			if errors.As(err, &missing) == errors.As(err, &refused) {
				t.Errorf("the error is both or none of missing and refused: %#v", err)
			}
			if diff := cmp.Diff(before, openNamespaces(t)); diff != "" {
				t.Errorf("namespaces that are open (-before +after):\n%s", diff)
			}
		})
	}
}

// What a host without the parameter cannot set is tried in a namespace without devices, too.
func TestSysctlsAreTriedInTheirOrder(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	set := func(pairs ...string) (list []language.Sysctl) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, language.Sysctl{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	lists := [][]language.Sysctl{
		set("net.ipv4.ip_unprivileged_port_start", "100", "net.ipv4.ip_local_port_range", "200 300"),
		set("net.ipv4.ip_local_port_range", "200 300"), // not after the list above
		set("net.ipv4.conf.eth0.rp_filter", "1", "net.ipv4.neigh.eth0.gc_stale_time", "5", "net.ipv4.conf.eth0.x", "1"),
		set("net.ipv4.tcp_mem", "1 2 3", "net.ipv4.tcp_sack", "0", "net.ipv4.tcp_sack", "many"),
		nil,
	}
	tried, err := TrySysctls(lists)
	if err != nil {
		t.Fatal(err)
	}
	const (
		ok      = ""
		missing = "missing"
		refused = "refused"
	)
	want := [][]string{{ok, ok}, {refused}, {ok, ok, missing}, {missing, ok, refused}, {}}
	got := make([][]string, len(tried))
	for i, list := range tried {
		got[i] = []string{}
		for _, err := range list {
			var m *inject.MissingError
			var r *inject.RefusedError
			word := ok
			switch {
			case errors.As(err, &m):
				word = missing
			case errors.As(err, &r):
				word = refused
			case err != nil:
				word = err.Error()
			}
			got[i] = append(got[i], word)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what came of trying (-want +got):\n%s", diff)
	}
}

// The list of parameters says what this kernel says: a parameter that a namespace can set is not
// the machine's, and the other way round.
func TestScopesAreThoseOfTheKernel(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	n := build(t, labs[0].scenario, language.V4)
	const root = "/proc/sys/net"
	known := 0
	must(t, n, "client", func() error {
		return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			name := strings.ReplaceAll(strings.TrimPrefix(path, "/proc/sys/"), "/", ".")
			p, ok := sysctl.Find(name)
			if !ok {
				return nil // of a newer kernel, or a module
			}
			known++
			if settable := info.Mode()&0o222 != 0; settable != (p.Scope == sysctl.Namespace) {
				t.Errorf("%s: mode %v, but its scope is %q", name, info.Mode(), p.Scope)
			}
			return nil
		})
	})
	if known < 150 {
		t.Errorf("only %d parameters of this kernel are known", known)
	}
}
