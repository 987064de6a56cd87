//go:build amd64 || arm64

package tracepoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// deadline is how long an event may take that must come.
const deadline = 20 * time.Second

// lab is a network of two hosts, client and server, that are watched. It ends with the test.
type lab struct {
	t     *testing.T
	net   *network.Network
	view  *View
	hosts map[string]*host
}

// host is a host of a lab, and what was seen of it.
type host struct {
	t       *testing.T
	ns      *network.Namespace
	addr    netip.Addr
	watch   *Watch
	mu      sync.Mutex
	events  []Event         // mu
	changed chan struct{}   // holds a value if there are events that await has not looked at
	gaps    map[string]bool // the tracepoints that this kernel has in part, or not
}

func newLab(t *testing.T, family language.Family) *lab {
	t.Helper()
	testlab.BuildsLab(t)
	l := &lab{t: t, hosts: map[string]*host{}}
	scenario, err := language.Parse("lab.yaml", fmt.Appendf(nil, `name: lab
title: written in a test
ip: %s
hosts: {client: {}, server: {}}
actors: {client: [connect: "server:7"]}
expect: [step: client.connect]
`, family))
	l.try(err)
	runs, err := scenario.Expand(nil)
	l.try(err)
	topology, err := network.Plan(runs[0])
	l.try(err)
	l.net, err = network.Build(topology)
	l.try(err)
	t.Cleanup(func() { l.try(l.net.Close()) })
	l.view, err = Open()
	testlab.Supported(t, err)
	t.Cleanup(func() { l.try(l.view.Close()) })
	gaps := map[string]bool{}
	for _, g := range l.view.Missing() {
		t.Log(g)
		gaps[g.Tracepoint] = true
	}
	for _, planned := range topology.Hosts {
		if len(planned.Addrs) != 1 {
			continue // the wire
		}
		h := &host{
			t: t, ns: l.net.Host(planned.Name), addr: planned.Addrs[0],
			changed: make(chan struct{}, 1), gaps: gaps,
		}
		h.watch, err = l.view.Watch(inode(t, h.ns), h.record)
		l.try(err)
		l.hosts[planned.Name] = h
	}
	return l
}

// end stops the watches, none of which may have lost anything but probes: segments come in on one
// processor in the middle of another, and the kernel does not run a program that is running.
func (l *lab) end() {
	l.t.Helper()
	for name, h := range l.hosts {
		lost, err := h.watch.Stop()
		l.try(err)
		l.t.Logf("of %s, %d probes were lost", name, lost[KindProbe])
		lost[KindProbe] = 0
		if lost.Total() != 0 {
			l.t.Errorf("of %s, events were lost: %v", name, lost)
		}
	}
}

func (l *lab) try(err error) {
	l.t.Helper()
	try(l.t, err)
}

func try(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inode returns the inode of a network namespace, its name in [View.Watch].
func inode(t testing.TB, ns *network.Namespace) uint64 {
	t.Helper()
	var stat unix.Stat_t
	try(t, unix.Fstat(ns.FD(), &stat))
	return stat.Ino
}

func (h *host) record(e Event) {
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// seen returns the events so far, in the order of their time.
func (h *host) seen() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	events := slices.Clone(h.events)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.About().At, b.About().At) })
	return events
}

// await returns the first event of a type for which is holds. what says what it waits for.
func await[E Event](h *host, what string, is func(E) bool) E {
	h.t.Helper()
	late := time.After(deadline)
	for {
		events := h.seen()
		for _, e := range events {
			if e, ok := e.(E); ok && is(e) {
				return e
			}
		}
		select {
		case <-h.changed:
		case <-late:
			h.t.Fatalf("%s did not come; this was seen:\n%s", what, list(events))
		}
	}
}

// list returns events, one a line.
func list[E Event](events []E) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%T %+v\n", e, e)
	}
	return b.String()
}

// of returns the events of a type for which is holds.
func of[E Event](events []Event, is func(E) bool) (list []E) {
	for _, e := range events {
		if e, ok := e.(E); ok && is(e) {
			list = append(list, e)
		}
	}
	return list
}

// life returns the transitions of the socket with that cookie: "CLOSE > SYN_SENT > CLOSE".
func life(t testing.TB, events []Event, cookie uint64) string {
	t.Helper()
	var states []string
	for _, e := range of(events, func(e Transition) bool { return e.Socket.Cookie == cookie }) {
		switch {
		case len(states) == 0:
			states = append(states, e.From)
		case states[len(states)-1] != e.From:
			t.Errorf("a transition from %s follows one to %s", e.From, states[len(states)-1])
		}
		if e.Socket.State != e.To {
			t.Errorf("after a transition to %s the socket is %s", e.To, e.Socket.State)
		}
		states = append(states, e.To)
	}
	return strings.Join(states, " > ")
}

// do runs f in the host's namespace.
func (h *host) do(f func() error) {
	h.t.Helper()
	try(h.t, h.ns.Do(f))
}

// sh runs a command in the host's namespace.
func (h *host) sh(command string) {
	h.t.Helper()
	h.do(func() error {
		if out, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
		return nil
	})
}

// listen returns a TCP listener on the host that ends with the test.
func (h *host) listen(port uint16) *net.TCPListener {
	h.t.Helper()
	var l net.Listener
	h.do(func() (err error) {
		var config net.ListenConfig
		config.SetMultipathTCP(false) // its sockets are others
		l, err = config.Listen(context.Background(), "tcp", netip.AddrPortFrom(h.addr, port).String())
		return err
	})
	h.t.Cleanup(func() { l.Close() })
	try(h.t, l.(*net.TCPListener).SetDeadline(time.Now().Add(deadline)))
	return l.(*net.TCPListener)
}

// dial connects to a port of another host, and returns the error of that.
func (h *host) dial(to *host, port uint16) (conn *net.TCPConn, err error) {
	h.t.Helper()
	h.do(func() error {
		var c net.Conn
		dialer := net.Dialer{Timeout: deadline}
		c, err = dialer.Dial("tcp", netip.AddrPortFrom(to.addr, port).String())
		if err == nil {
			conn = c.(*net.TCPConn)
			h.t.Cleanup(func() { conn.Close() })
		}
		return nil
	})
	return conn, err
}

// connect returns both ends of a connection, which end with the test.
func (l *lab) connect(port uint16) (client, server *net.TCPConn) {
	l.t.Helper()
	listener := l.hosts["server"].listen(port)
	client, err := l.hosts["client"].dial(l.hosts["server"], port)
	l.try(err)
	server, err = listener.AcceptTCP()
	l.try(err)
	l.t.Cleanup(func() { server.Close() })
	return client, server
}

// cookie returns the cookie of a socket, as getsockopt(2) knows it.
func cookie(t testing.TB, socket syscall.Conn) (n uint64) {
	t.Helper()
	raw, err := socket.SyscallConn()
	try(t, err)
	controlErr := raw.Control(func(fd uintptr) {
		n, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE)
	})
	try(t, errors.Join(controlErr, err))
	return n
}

// addrPort returns the end of a connection.
func addrPort(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }
