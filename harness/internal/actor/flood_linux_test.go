package actor

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// TestSYNs decodes the packets of a flood with an independent decoder.
func TestSYNs(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		first          gopacket.Decoder
		sources        []string // of the first three SYNs, without the ports
		hosts          uint64
	}{
		{"an IPv4 prefix", "198.19.7.0/30", "198.18.2.2:8080", layers.LayerTypeIPv4, []string{"198.19.7.1", "198.19.7.2", "198.19.7.1"}, 2},
		{"one IPv4 address", "198.19.7.9/32", "198.18.2.2:8080", layers.LayerTypeIPv4, []string{"198.19.7.9", "198.19.7.9", "198.19.7.9"}, 1},
		{"two IPv4 addresses", "198.19.7.8/31", "198.18.2.2:8080", layers.LayerTypeIPv4, []string{"198.19.7.8", "198.19.7.9", "198.19.7.8"}, 2},
		{"an IPv6 prefix", "2001:2:0:8000::/126", "[2001:2:0:2::2]:8080", layers.LayerTypeIPv6, []string{"2001:2:0:8000::", "2001:2:0:8000::1", "2001:2:0:8000::2"}, 4},
		{"the IPv6 addresses nobody has", "2001:2:0:8000::/49", "[2001:2:0:2::2]:8080", layers.LayerTypeIPv6, nil, maxSources},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := netip.MustParseAddrPort(tt.to)
			s := newSYNs(to, netip.MustParsePrefix(tt.from), "a")
			if s.hosts != tt.hosts {
				t.Errorf("%d source addresses, want %d", s.hosts, tt.hosts)
			}
			var sources []string
			for n := range uint64(3) {
				b := make([]byte, s.length())
				s.write(b, n)
				p := gopacket.NewPacket(b, tt.first, gopacket.Default)
				if p.ErrorLayer() != nil {
					t.Fatal(p.ErrorLayer().Error())
				}
				tcp, ok := p.TransportLayer().(*layers.TCP)
				if !ok {
					t.Fatalf("not a TCP segment: %v", p)
				}
				if !tcp.SYN || tcp.ACK || tcp.RST || tcp.FIN || tcp.DstPort != 8080 || tcp.Window == 0 || len(tcp.Payload) > 0 {
					t.Errorf("not a SYN to port 8080: %v", p)
				}
				if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
					t.Fatal(err)
				}
				for _, layer := range p.Layers() {
					if l, ok := layer.(gopacket.LayerWithChecksum); ok {
						if err, check := l.VerifyChecksum(); err != nil || !check.Valid {
							t.Errorf("checksum of %s: %v, %+v", layer.LayerType(), err, check)
						}
					}
				}
				src, dst := p.NetworkLayer().NetworkFlow().Endpoints()
				if dst.String() != to.Addr().String() {
					t.Errorf("to %s, want %s", dst, to.Addr())
				}
				sources = append(sources, src.String())
			}
			if tt.sources == nil {
				return
			}
			if diff := cmp.Diff(tt.sources, sources); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourcesOfAFloodDiffer(t *testing.T) {
	to := netip.MustParseAddrPort("198.18.2.2:8080")
	for _, from := range []string{"198.19.0.0/16", "198.19.7.0/24", "198.19.7.9/32"} {
		s := newSYNs(to, netip.MustParsePrefix(from), "a")
		n := min(100_000, s.hosts*ports)
		seen := make(map[netip.AddrPort]bool)
		for i := range n {
			src := s.source(i)
			if seen[src] {
				t.Fatalf("from %s: SYN %d is the second from %s", from, i, src)
			}
			if !netip.MustParsePrefix(from).Contains(src.Addr()) || src.Port() < lowPort {
				t.Fatalf("from %s: SYN %d is from %s", from, i, src)
			}
			seen[src] = true
		}
	}
	a, b := newSYNs(to, language.Nobody(language.V4), "a"), newSYNs(to, language.Nobody(language.V4), "b")
	if a.source(0) == b.source(0) {
		t.Error("two actors flood from the same addresses in the same order")
	}
}

// ownNetwork puts the test's thread, and the actors it starts, into a new network namespace: the
// sockets of other tests live on for a while. The thread dies with the test's goroutine.
func ownNetwork(t *testing.T) {
	t.Helper()
	needNetwork(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if err := loopbackUp(); err != nil {
		t.Fatal(err)
	}
}

// nobodysRoute lets a listener on lo answer the addresses that nobody has. Without a route to them
// there is no SYN-ACK and no half-open connection.
func nobodysRoute(t *testing.T) {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []language.Family{language.V4, language.V6} {
		p := language.Nobody(f)
		route := &netlink.Route{
			LinkIndex: lo.Attrs().Index,
			Dst:       &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
		}
		if err := netlink.RouteReplace(route); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlood(t *testing.T) {
	for _, tt := range []struct {
		name   string
		family language.Family
		listen int
		op     language.Flood
	}{
		{"from addresses that nobody has", language.V4, 2200, language.Flood{To: "127.0.0.1:2200", Count: 100}},
		{"from addresses of IPv6", language.V6, 2201, language.Flood{To: "[::1]:2201", Count: 100}},
		{"from some addresses", language.V4, 2202, language.Flood{To: "127.0.0.1:2202", Count: 100, From: "198.19.7.0/30"}},
		{"at a rate", language.V4, 2203, language.Flood{To: "127.0.0.1:2203", Count: 100, Rate: 500}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ownNetwork(t)
			nobodysRoute(t)
			p := start(t, Init{Family: tt.family, Topology: &network.Topology{Family: tt.family}, Steps: []language.Step{
				step("listen", language.Op{Listen: &language.Listen{Port: tt.listen, Backlog: new(1000)}}),
				times(2, step("flood", language.Op{Flood: &tt.op})),
			}})
			p.send(Command{Go: true})
			e := p.event("flood")
			if e.Step.Result != int64(tt.op.Count) || e.Step.Errno != "" || e.Step.Problem != "" {
				t.Fatalf("result %d, errno %q, problem %q, want %d SYNs sent", e.Step.Result, e.Step.Errno, e.Step.Problem, tt.op.Count)
			}
			if tt.op.Rate > 0 {
				// The first is due at once.
				if least := time.Duration(tt.op.Count-1) * time.Second / time.Duration(tt.op.Rate); took(e) < least {
					t.Errorf("it took %v, want %v at least", took(e), least)
				}
			}
			p.done()
			if n := halfOpen(t, tt.listen); n != 2*tt.op.Count {
				t.Errorf("%d connections are half open after two floods, want %d", n, 2*tt.op.Count)
			}
		})
	}
}

// halfOpen counts the connections to a port that are in SYN_RECV.
func halfOpen(t *testing.T, port int) int {
	t.Helper()
	n := 0
	for _, name := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		const synRecv = "03"
		for line := range strings.Lines(string(table)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == synRecv && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				n++
			}
		}
	}
	return n
}

func TestFloodsThatCannotBeTried(t *testing.T) {
	for _, tt := range []struct {
		name    string
		op      language.Flood
		problem bool
		errno   string
	}{
		{"to an unknown host", language.Flood{To: "nobody:80", Count: 1}, true, ""},
		{"from an invalid prefix", language.Flood{To: "127.0.0.1:80", Count: 1, From: "x"}, true, ""},
		{"from the other IP version", language.Flood{To: "127.0.0.1:80", Count: 1, From: "2001:2:0:8000::/64"}, true, ""},
		{"to an address without a route", language.Flood{To: "198.18.9.9:80", Count: 1}, false, "ENETUNREACH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := outcomes(t, step("it", language.Op{Flood: &tt.op}))["it"]
			if (it.Problem != "") != tt.problem || it.Errno != tt.errno || it.Result != -1 {
				t.Errorf("problem %q, errno %q, result %d", it.Problem, it.Errno, it.Result)
			}
		})
	}
}

// BenchmarkFlood floods a port over lo that nobody listens on.
func BenchmarkFlood(b *testing.B) {
	to := netip.MustParseAddrPort("127.0.0.1:9")
	fd, err := rawSocket(to.Addr())
	if err != nil {
		b.Skip(err)
	}
	defer unix.Close(fd)
	batch := newSYNBatch(newSYNs(to, language.Nobody(language.V4), "a"), 0)
	b.ResetTimer()
	if _, err := batch.send(fd, b.N, 0); err != nil {
		b.Fatal(err)
	}
}
