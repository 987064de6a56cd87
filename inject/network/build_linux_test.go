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

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// build builds the network of a scenario, until the test ends.
func build(t *testing.T, s language.Scenario, f language.Family) *Network {
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
	if n.Topology().Unrouted {
		testlab.NeedProgram(t, "iptables")
	}
	if err := n.AnswerUnrouted(func(run func() error) error { return run() }); err != nil {
		t.Fatal(err)
	}
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

// connect tries to connect from a host for the given time, and returns the errno: EINPROGRESS if
// there was no answer.
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

// Every address of every host that has a route accepts connections from every other host, and from
// the host itself.
func TestAddressesCanBeReached(t *testing.T) {
	for _, l := range labs {
		for _, f := range []language.Family{language.V4, language.V6} {
			t.Run(l.name+"-"+string(f), func(t *testing.T) {
				if !testlab.InLab(t) {
					return
				}
				n := build(t, l.scenario, f)
				const port = 7
				for _, h := range n.Topology().Hosts {
					listen(t, n, h.Name, port)
				}
				for _, from := range n.Topology().Hosts {
					for _, to := range n.Topology().Hosts {
						// A host without a route reaches only its own subnet: itself, and the
						// wire's end of its link.
						away := from.Name != to.Name && n.Topology().Shape == language.ShapeWire
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

// The first packets of a lab are not lost on links that the kernel has not noticed are up: a
// connection succeeds at once, not after the retransmission of a SYN (1 s) or of a neighbour
// solicitation (1 s).
func TestTheFirstPacketPasses(t *testing.T) {
	for _, shape := range []language.Shape{language.ShapeWire, language.ShapeDirect} {
		for _, f := range []language.Family{language.V4, language.V6} {
			t.Run(fmt.Sprintf("%s-%s", shape, f), func(t *testing.T) {
				if !testlab.InLab(t) {
					return
				}
				s := language.Scenario{
					Network: language.Network{Shape: shape},
					Hosts:   []language.Host{{Name: "client"}, {Name: "server"}},
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
		return fmt.Errorf("unknown counter %s.%s", group, name)
	})
	return value
}

func TestMTU(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	n := build(t, language.Scenario{
		Network: language.Network{MTU: 1400},
		Hosts:   []language.Host{{Name: "client"}, {Name: "server", MTU: 9000}},
	}, language.V4)
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

// A cut link is silent: the sender gets no error, and its own interface stays up. Once restored,
// the link works as before.
func TestSetLink(t *testing.T) {
	for _, f := range []language.Family{language.V4, language.V6} {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
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
			// Two SYNs go unanswered. An ICMP message would end connect with EHOSTUNREACH or
			// ENETUNREACH.
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
				"wire":   "the wire has a link to each host: name the host at the other end",
				"nobody": "host nobody has no link: file does not exist",
			} {
				if err := n.SetLink(host, false); err == nil || err.Error() != want {
					t.Errorf("SetLink(%s): %v, want %s", host, err, want)
				}
			}
		})
	}
}

// openNamespaces lists the network namespaces that this process holds open, except its own.
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

// Once a network is closed, all namespaces are gone, and the links of the wire with those of the
// hosts.
func TestCloseLeavesNothing(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	// The kernel removes namespaces in its own time. The last sign of them is the end of their
	// links.
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	defer close(done)
	if err := netlink.LinkSubscribe(updates, done); err != nil {
		t.Fatal(err)
	}
	before := openNamespaces(t)
	n, err := Build(lay(t, labs[1].scenario, language.V6))
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
