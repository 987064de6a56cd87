package observe

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/internal/testlab"
)

// namespace is a network namespace that ends with its test.
type namespace struct{ work chan func() }

func (n *namespace) Do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// must runs f in the namespace.
func (n *namespace) must(t testing.TB, f func() error) {
	t.Helper()
	if err := n.Do(f); err != nil {
		t.Fatal(err)
	}
}

// newNamespace makes a namespace whose lo is up. table is the size of its own connection table; "0"
// means the machine's common table.
func newNamespace(t testing.TB, table string) *namespace {
	t.Helper()
	testlab.Long(t)
	n := &namespace{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread dies with the goroutine, and the namespace with the thread
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil && table != "0" {
			err = os.WriteFile("/proc/sys/net/ipv4/tcp_child_ehash_entries", []byte(table), 0)
			err = errors.Join(err, unix.Unshare(unix.CLONE_NEWNET))
		}
		made <- err
		for f := range n.work {
			f()
		}
	}()
	err := <-made
	t.Cleanup(func() { close(n.work) })
	testlab.Need(t, "CAP_SYS_ADMIN, which makes network namespaces,", err)
	n.must(t, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	return n
}

// The addresses of the two hosts of a pair.
var (
	clientIP = [4]byte{198, 18, 0, 1}
	serverIP = [4]byte{198, 18, 0, 2}
)

// newPair makes two namespaces joined by a veth pair.
func newPair(t testing.TB, table string) (client, server *namespace) {
	t.Helper()
	client, server = newNamespace(t, table), newNamespace(t, table)
	var serverFD int
	server.must(t, func() (err error) {
		serverFD, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	defer unix.Close(serverFD)
	client.must(t, func() error {
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: "eth0", TxQLen: 1000},
			PeerName:  "eth0", PeerNamespace: netlink.NsFd(serverFD),
		})
	})
	for ns, ip := range map[*namespace][4]byte{client: clientIP, server: serverIP} {
		ns.must(t, func() error {
			eth, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			addr := &netlink.Addr{IPNet: &net.IPNet{IP: ip[:], Mask: net.CIDRMask(24, 32)}}
			return errors.Join(netlink.AddrAdd(eth, addr), netlink.LinkSetUp(eth))
		})
	}
	return client, server
}

// hardwareAddr returns the link layer address of eth0.
func (n *namespace) hardwareAddr(t testing.TB) (mac net.HardwareAddr) {
	t.Helper()
	n.must(t, func() error {
		eth, err := netlink.LinkByName("eth0")
		if err == nil {
			mac = eth.Attrs().HardwareAddr
		}
		return err
	})
	return mac
}

// setNeighbour makes the namespace send packets for ip to a link layer address.
func (n *namespace) setNeighbour(t testing.TB, ip [4]byte, mac net.HardwareAddr) {
	t.Helper()
	n.must(t, func() error {
		eth, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: eth.Attrs().Index, IP: ip[:], HardwareAddr: mac, State: netlink.NUD_PERMANENT,
		})
	})
}

// socket makes a socket in the namespace that ends with the test.
func (n *namespace) socket(t testing.TB, kind int) (fd int) {
	t.Helper()
	n.must(t, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
		return err
	})
	return fd
}

// recorder collects events.
type recorder struct {
	mu     sync.Mutex
	events []trace.Event
	news   chan struct{}
}

func newRecorder() *recorder { return &recorder{news: make(chan struct{}, 1)} }

func (r *recorder) emit(e trace.Event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *recorder) all() []trace.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[:len(r.events):len(r.events)]
}

// await waits until an event fits and returns it.
func (r *recorder) await(t testing.TB, what string, fits func(trace.Event) bool) trace.Event {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for seen := 0; ; {
		events := r.all()
		for ; seen < len(events); seen++ {
			if fits(events[seen]) {
				return events[seen]
			}
		}
		select {
		case <-r.news:
		case <-deadline:
			for _, e := range events {
				if e.Socket != nil {
					t.Logf("%v %+v", e.T, *e.Socket)
				}
			}
			t.Fatalf("no event in 5 s: %s", what)
		}
	}
}

// awaitState waits until a socket of the host that satisfies has is in the state. A nil has accepts
// every socket.
func (r *recorder) awaitState(t testing.TB, host, state string, has func(*trace.Socket) bool) trace.Event {
	t.Helper()
	return r.await(t, host+" "+state, func(e trace.Event) bool {
		return e.Socket != nil && e.Socket.Host == host && e.Socket.State == state && (has == nil || has(e.Socket))
	})
}

// noNotes fails the test if the observer lost anything.
func (r *recorder) noNotes(t testing.TB) {
	t.Helper()
	for _, e := range r.all() {
		if e.Note != nil {
			t.Errorf("note: %s", e.Note.Text)
		}
	}
}
