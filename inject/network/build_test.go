package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/scenarios"
)

// build makes the network of a scenario, which ends with the test.
func build(t *testing.T, s scenarios.Scenario, f scenarios.Family) *Network {
	t.Helper()
	n, err := Build(lay(t, s, f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("closing the network: %v", err)
		}
	})
	return n
}

// must runs f in the host's namespace.
func must(t *testing.T, n *Network, host string, f func() error) {
	t.Helper()
	if err := n.Host(host).Do(f); err != nil {
		t.Fatalf("on %s: %v", host, err)
	}
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}, unix.AF_INET6
}

// listen opens a listening socket on all addresses of a host, until the test ends.
func listen(t *testing.T, n *Network, host string, port uint16) {
	t.Helper()
	must(t, n, host, func() error {
		any, err := n.Topology().Address("any")
		if err != nil {
			return err
		}
		sa, family := sockaddr(netip.AddrPortFrom(any, port))
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		return errors.Join(unix.Bind(fd, sa), unix.Listen(fd, 1024))
	})
}

// connect tries to connect from a host for so long, and returns the errno; EINPROGRESS where nobody answered.
func connect(t *testing.T, n *Network, host string, to netip.AddrPort, patience time.Duration) (result error) {
	t.Helper()
	must(t, n, host, func() error {
		sa, family := sockaddr(to)
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv); err != nil {
			return err
		}
		for {
			result = unix.Connect(fd, sa)
			if result != unix.EINTR {
				return nil
			}
		}
	})
	return result
}

// patience is how long a packet that is not lost may take.
const patience = 5 * time.Second

// Every address of every host that has a route can be connected to from every other, and from the host itself.
func TestAddressesCanBeReached(t *testing.T) {
	for _, l := range labs {
		for _, f := range []scenarios.Family{scenarios.V4, scenarios.V6} {
			t.Run(l.name+"-"+string(f), func(t *testing.T) {
				if !inLab(t) {
					return
				}
				n := build(t, l.scenario, f)
				const port = 7
				for _, h := range n.Topology().Hosts {
					listen(t, n, h.Name, port)
				}
				for _, from := range n.Topology().Hosts {
					for _, to := range n.Topology().Hosts {
						// A host without a route reaches its own subnet: itself, and the wire's end of its link.
						away := from.Name != to.Name && n.Topology().Shape == scenarios.ShapeWire
						if away && (from.Name == "hermit" || to.Name == "hermit") {
							continue
						}
						for _, a := range to.Addrs {
							if err := connect(t, n, from.Name, netip.AddrPortFrom(a, port), patience); err != nil {
								t.Errorf("connecting from %s to %s %s: %v", from.Name, to.Name, a, err)
							}
						}
					}
				}
				if n.Topology().Host("hermit") != nil {
					to, err := n.Topology().Resolve("server:7")
					if err != nil {
						t.Fatal(err)
					}
					if err := connect(t, n, "hermit", to, patience); !errors.Is(err, unix.ENETUNREACH) {
						t.Errorf("connecting from a host without a route: %v, want ENETUNREACH", err)
					}
				}
			})
		}
	}
}

// The first packets of a lab are not lost to links that the kernel has not noticed are up: a connection is there at once,
// not after the retransmission of a SYN (1 s) or of a neighbour solicitation (1 s).
func TestTheFirstPacketPasses(t *testing.T) {
	for _, shape := range []scenarios.Shape{scenarios.ShapeWire, scenarios.ShapeDirect} {
		for _, f := range []scenarios.Family{scenarios.V4, scenarios.V6} {
			t.Run(fmt.Sprintf("%s-%s", shape, f), func(t *testing.T) {
				if !inLab(t) {
					return
				}
				s := scenarios.Scenario{
					Network: scenarios.Network{Shape: shape},
					Hosts:   []scenarios.Host{{Name: "client"}, {Name: "server"}},
				}
				n := build(t, s, f)
				listen(t, n, "server", 7)
				to, err := n.Topology().Resolve("server:7")
				if err != nil {
					t.Fatal(err)
				}
				if err := connect(t, n, "client", to, patience); err != nil {
					t.Fatal(err)
				}
				for _, host := range []string{"client", "server"} {
					if got := counter(t, n, host, "Tcp", "RetransSegs"); got != 0 {
						t.Errorf("%s sent %d segments again", host, got)
					}
				}
			})
		}
	}
}

// counter reads one of /proc/net/snmp.
func counter(t *testing.T, n *Network, host, group, name string) (value int) {
	t.Helper()
	must(t, n, host, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if fields[0] != group+":" {
				continue
			}
			if names == nil {
				names = fields
				continue
			}
			for i, f := range names {
				if f == name {
					_, err := fmt.Sscan(fields[i], &value)
					return err
				}
			}
		}
		return fmt.Errorf("there is no counter %s.%s", group, name)
	})
	return value
}

// ethtool asks a device for a value (SIOCETHTOOL).
func ethtool(device string, command uint32) (uint32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	value := struct{ command, data uint32 }{command: command}
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], device)
	request.data = unsafe.Pointer(&value)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return 0, errno
	}
	return value.data, nil
}

func TestOffloads(t *testing.T) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			if !inLab(t) {
				return
			}
			n := build(t, scenarios.Scenario{
				Network: scenarios.Network{Offloads: on},
				Hosts:   []scenarios.Host{{Name: "client"}, {Name: "server"}},
			}, scenarios.V4)
			for _, host := range []string{"client", "server", "wire"} {
				for _, end := range n.Topology().LinkEnds(host) {
					// The commands that ask, in include/uapi/linux/ethtool.h. GRO of veth is off unless asked for.
					for name, command := range map[string]uint32{"tso": 0x1e, "gso": 0x23, "tx-checksum": 0x16, "gro": 0x2b} {
						var value uint32
						must(t, n, host, func() (err error) {
							value, err = ethtool(end.Device, command)
							return err
						})
						if got := value != 0; got != on && !(on && name == "gro") {
							t.Errorf("%s:%s: %s is on: %t, want %t", host, end.Device, name, got, on)
						}
					}
				}
			}
		})
	}
}

// What a packet on the wire must be with offloads off: no longer than the MTU, its checksum right.
func TestAPacketOnTheWireIsAPacket(t *testing.T) {
	if !inLab(t) {
		return
	}
	n := build(t, labs[0].scenario, scenarios.V4)
	// A socket on the wire sees what the client sends.
	var capture int
	must(t, n, "wire", func() (err error) {
		protocol := uint16(unix.ETH_P_IP>>8 | unix.ETH_P_IP<<8&0xff00)
		capture, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol))
		if err != nil {
			return err
		}
		device, err := net.InterfaceByName("client")
		if err != nil {
			return err
		}
		return unix.Bind(capture, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: device.Index})
	})
	defer unix.Close(capture)
	listen(t, n, "server", 7)
	const length = 256 << 10
	must(t, n, "client", func() error {
		to, err := n.Topology().Resolve("server:7")
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
		// The server does not read: what its window takes is enough.
		_, err = unix.SendmsgN(fd, make([]byte, length), nil, nil, unix.MSG_DONTWAIT)
		return err
	})
	tv := unix.Timeval{Sec: 5}
	if err := unix.SetsockoptTimeval(capture, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<17)
	for seen := 0; seen < 10; seen++ {
		size, _, err := unix.Recvfrom(capture, buffer, 0)
		if err != nil {
			t.Fatalf("after %d packets: %v", seen, err)
		}
		packet := buffer[14:size]
		if len(packet) > 1500 {
			t.Errorf("a packet of %d bytes is on a wire with an MTU of 1500", len(packet))
		}
		if sum := tcpChecksum(packet); sum != 0xffff {
			t.Errorf("the checksum of a packet of %d bytes adds up to %#x, want 0xffff", len(packet), sum)
		}
	}
}

// tcpChecksum adds up a TCP segment in an IPv4 packet and its pseudo-header; 0xffff is right (RFC 1071).
func tcpChecksum(packet []byte) uint32 {
	header := int(packet[0]&15) * 4
	segment := packet[header : int(packet[2])<<8|int(packet[3])]
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(segment))
	for _, part := range [][]byte{packet[12:20], segment} {
		for i, b := range part {
			if i%2 == 0 {
				sum += uint32(b) << 8
			} else {
				sum += uint32(b)
			}
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

func TestSysctlsArePinned(t *testing.T) {
	for _, f := range []scenarios.Family{scenarios.V4, scenarios.V6} {
		t.Run(string(f), func(t *testing.T) {
			if !inLab(t) {
				return
			}
			n := build(t, scenarios.Scenario{Hosts: []scenarios.Host{
				{Name: "client", Sysctl: []scenarios.Sysctl{
					{Name: "net.ipv4.tcp_syn_retries", Value: "1", Pos: scenarios.Pos{Line: 3}},
					{Name: "net.ipv4.conf.eth0.accept_local", Value: "1", Pos: scenarios.Pos{Line: 4}},
					{Name: "net.ipv4.no_such_parameter", Value: "1", Optional: true, Pos: scenarios.Pos{Line: 5}},
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
						// The kernel did not let a namespace have it; the next test looks at the routes.
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
				t.Errorf("%d parameters are told of, which is not all", got)
			}
		})
	}
}

// Whatever a machine's default is, a connection in a lab uses cubic.
func TestCongestionControlIsCubic(t *testing.T) {
	if !inLab(t) {
		return
	}
	n := build(t, labs[0].scenario, scenarios.V4)
	listen(t, n, "server", 7)
	must(t, n, "client", func() error {
		to, err := n.Topology().Resolve("server:7")
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
		name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		if err != nil {
			return err
		}
		if name != "cubic" {
			t.Errorf("the connection's congestion control is %s", name)
		}
		return nil
	})
}

func TestSysctlErrorsNameTheParameter(t *testing.T) {
	if !inLab(t) {
		return
	}
	n := build(t, labs[0].scenario, scenarios.V4)
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
			"a value that is no number", "net.ipv4.tcp_fin_timeout", "soon",
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
		t.Errorf("reading a parameter there is not: %q, %t, %v", value, ok, err)
	}
}

// A scenario's parameter that cannot be set stops the build, with its place; what was made until then is let go.
func TestBuildRefusesParameters(t *testing.T) {
	if !inLab(t) {
		return
	}
	before := openNamespaces(t)
	topology := lay(t, scenarios.Scenario{Hosts: []scenarios.Host{{Name: "client", Sysctl: []scenarios.Sysctl{
		{Name: "net.ipv4.no_such_parameter", Value: "1", Pos: scenarios.Pos{File: "s.yaml", Line: 5, Col: 14}},
	}}}}, scenarios.V4)
	n, err := Build(topology)
	const want = "s.yaml:5:14: setting sysctl net.ipv4.no_such_parameter of client: this kernel has no such parameter: no such file or directory"
	if err == nil || err.Error() != want || n != nil {
		t.Errorf("Build: %v, %v\nwant %s", n, err, want)
	}
	if diff := cmp.Diff(before, openNamespaces(t)); diff != "" {
		t.Errorf("namespaces that are open (-before +after):\n%s", diff)
	}
}

func TestMTU(t *testing.T) {
	if !inLab(t) {
		return
	}
	n := build(t, scenarios.Scenario{
		Network: scenarios.Network{MTU: 1400},
		Hosts:   []scenarios.Host{{Name: "client"}, {Name: "server", MTU: 9000}},
	}, scenarios.V4)
	for _, h := range n.Topology().Hosts {
		for _, end := range n.Topology().LinkEnds(h.Name) {
			link, err := n.Host(h.Name).nl.LinkByName(end.Device)
			if err != nil {
				t.Fatal(err)
			}
			want := 1400
			if h.Name == "server" || end.Peer == "server" {
				want = 9000
			}
			if got := link.Attrs().MTU; got != want || end.MTU != want {
				t.Errorf("the MTU of %s:%s is %d, its LinkEnd says %d; want %d", h.Name, end.Device, got, end.MTU, want)
			}
		}
	}
}

// A cut link says nothing: the sender is not told, and its own interface stays up. Mended, it works as before.
func TestSetLink(t *testing.T) {
	for _, f := range []scenarios.Family{scenarios.V4, scenarios.V6} {
		t.Run(string(f), func(t *testing.T) {
			if !inLab(t) {
				return
			}
			n := build(t, labs[0].scenario, f)
			listen(t, n, "server", 7)
			to, err := n.Topology().Resolve("server:7")
			if err != nil {
				t.Fatal(err)
			}
			if err := connect(t, n, "client", to, patience); err != nil {
				t.Fatalf("before the cut: %v", err)
			}
			if err := n.SetLink("server", false); err != nil {
				t.Fatal(err)
			}
			// Two SYNs go unanswered. An ICMP message would end connect with EHOSTUNREACH or ENETUNREACH.
			if err := connect(t, n, "client", to, 1500*time.Millisecond); !errors.Is(err, unix.EINPROGRESS) {
				t.Errorf("connecting to a host whose link is cut: %v, want EINPROGRESS after SO_SNDTIMEO", err)
			}
			for _, host := range []string{"client", "server"} {
				link, err := n.Host(host).nl.LinkByName("eth0")
				if err != nil {
					t.Fatal(err)
				}
				if link.Attrs().Flags&net.FlagUp == 0 {
					t.Errorf("eth0 of %s has been taken down", host)
				}
				if carrier := link.Attrs().OperState == netlink.OperUp; carrier != (host == "client") {
					t.Errorf("eth0 of %s has a carrier: %t", host, carrier)
				}
			}
			if err := n.SetLink("server", true); err != nil {
				t.Fatal(err)
			}
			if err := connect(t, n, "client", to, patience); err != nil {
				t.Errorf("after the cut: %v", err)
			}
			for host, want := range map[string]string{
				"wire":   "the wire has a link to each host: name the host whose link is meant",
				"nobody": "host nobody has no link: file does not exist",
			} {
				if err := n.SetLink(host, false); err == nil || err.Error() != want {
					t.Errorf("SetLink(%s): %v, want %s", host, err, want)
				}
			}
		})
	}
}

// openNamespaces lists the network namespaces that this process holds open, besides its own.
func openNamespaces(t *testing.T) []string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, "net:") && target != own {
			open = append(open, target)
		}
	}
	return open
}

// Once a network is closed no namespace is left, and the links of the wire have gone with those of the hosts.
func TestCloseLeavesNothing(t *testing.T) {
	if !inLab(t) {
		return
	}
	// Namespaces are taken down by the kernel in its own time: the last sign of them is the end of their links.
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	defer close(done)
	if err := netlink.LinkSubscribe(updates, done); err != nil {
		t.Fatal(err)
	}
	before := openNamespaces(t)
	n, err := Build(lay(t, labs[1].scenario, scenarios.V6))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(openNamespaces(t)) - len(before); got < 5 {
		t.Errorf("%d namespaces are open, want one for each of 5 hosts", got)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Errorf("closing it twice: %v", err)
	}
	if diff := cmp.Diff(before, openNamespaces(t)); diff != "" {
		t.Errorf("namespaces that are open (-before +after):\n%s", diff)
	}
	deadline := time.After(10 * time.Second)
	for {
		links, err := netlink.LinkList()
		if err != nil {
			t.Fatal(err)
		}
		if len(links) == 1 && links[0].Attrs().Name == "lo" {
			return
		}
		select {
		case <-updates:
		case <-deadline:
			for _, l := range links {
				t.Logf("still there: %s", l.Attrs().Name)
			}
			t.Fatal("the wire still has links 10 s after the network was closed")
		}
	}
}
