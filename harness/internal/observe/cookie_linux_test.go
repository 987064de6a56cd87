package observe

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// cookieOf returns what SO_COOKIE says.
func cookieOf(t testing.TB, fd int) uint64 {
	t.Helper()
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// cookies returns the sockets of a host in the order they were first seen, those that listen left
// out.
func (r *recorder) cookies(host string) []uint64 {
	var all []uint64
	for _, e := range r.all() {
		if s := e.Socket; s != nil && s.Host == host && !strings.HasSuffix(s.Remote, ":0") &&
			!slices.Contains(all, s.Cookie) {
			all = append(all, s.Cookie)
		}
	}
	return all
}

// A request, its socket and its TIME_WAIT are three objects for the kernel, with one cookie.
func TestOneConnectionHasOneCookie(t *testing.T) {
	client, server := newPair(t, "256")
	_, r, _ := watch(t,
		Host{Name: "client", NS: client, Devices: []string{"eth0"}},
		Host{Name: "server", NS: server, Devices: []string{"eth0"}},
	)
	// The SYN-ACK goes astray, so that the request lasts.
	server.setNeighbour(t, clientIP, []byte{2, 0, 0, 0, 0, 9})
	listener := server.socket(t, unix.SOCK_STREAM)
	conn := client.socket(t, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
	if err := errors.Join(
		unix.Bind(listener, &unix.SockaddrInet4{Addr: serverIP, Port: 8080}), unix.Listen(listener, 1),
	); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Connect(conn, &unix.SockaddrInet4{Addr: serverIP, Port: 8080}); err != unix.EINPROGRESS {
		t.Fatalf("connect: %v, want EINPROGRESS", err)
	}
	r.awaitState(t, "server", "SYN_RECV", nil)
	server.setNeighbour(t, clientIP, client.hardwareAddr(t))
	r.awaitState(t, "server", "ESTABLISHED", nil)
	accepted, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]uint64{
		"client": {cookieOf(t, conn)}, "server": {cookieOf(t, accepted)},
	}
	if err := unix.Close(accepted); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "client", "CLOSE_WAIT", nil)
	if err := unix.Close(conn); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "TIME_WAIT", nil)
	r.awaitState(t, "client", "CLOSED", nil)
	for _, host := range []string{"client", "server"} {
		if diff := cmp.Diff(want[host], r.cookies(host)); diff != "" {
			t.Errorf("sockets of %s (-want +got):\n%s", host, diff)
		}
	}
}

func TestTwoListenersOnOnePortAreTwo(t *testing.T) {
	ns := newNamespace(t, "256")
	o, r, _ := watch(t, Host{Name: "server", NS: ns})
	var fds [2]int
	var cookies [2]uint64
	for i := range fds {
		fds[i] = ns.socket(t, unix.SOCK_STREAM)
		if err := errors.Join(
			unix.SetsockoptInt(fds[i], unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
			unix.Bind(fds[i], &unix.SockaddrInet4{Port: 80}), unix.Listen(fds[i], 1),
		); err != nil {
			t.Fatal(err)
		}
		cookies[i] = cookieOf(t, fds[i])
	}
	for _, fd := range []int{-1, fds[1], fds[0]} {
		if fd >= 0 {
			if err := unix.Close(fd); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Sample(func() {}); err != nil {
			t.Fatal(err)
		}
	}
	type seen struct {
		Cookie uint64
		State  string
	}
	var got []seen
	for _, e := range r.all() {
		if e.Socket != nil {
			got = append(got, seen{e.Socket.Cookie, e.Socket.State})
		}
	}
	// Two that appear in one dump come in any order, with cookies in any order.
	slices.SortFunc(got[:min(2, len(got))], func(a, b seen) int {
		return slices.Index(cookies[:], a.Cookie) - slices.Index(cookies[:], b.Cookie)
	})
	want := []seen{
		{cookies[0], "LISTEN"},
		{cookies[1], "LISTEN"},
		{cookies[1], "CLOSED"},
		{cookies[0], "CLOSED"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTwoSocketsOnTheSamePortsAreTwo(t *testing.T) {
	client, server := newPair(t, "256")
	o, r, _ := watch(t, Host{Name: "client", NS: client})
	listener := server.socket(t, unix.SOCK_STREAM)
	if err := errors.Join(
		unix.Bind(listener, &unix.SockaddrInet4{Addr: serverIP, Port: 80}), unix.Listen(listener, 2),
	); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	var want []trace.Socket
	for range 2 {
		conn := client.socket(t, unix.SOCK_STREAM)
		if err := errors.Join(
			unix.SetsockoptLinger(conn, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
			unix.Bind(conn, &unix.SockaddrInet4{Addr: clientIP, Port: 40000}),
			unix.Connect(conn, &unix.SockaddrInet4{Addr: serverIP, Port: 80}),
			o.Sample(func() {}),
		); err != nil {
			t.Fatal(err)
		}
		cookie := cookieOf(t, conn)
		// No sample between the end of one and the beginning of the next.
		if err := unix.Close(conn); err != nil {
			t.Fatal(err)
		}
		want = append(want,
			trace.Socket{Cookie: cookie, State: "ESTABLISHED"}, trace.Socket{Cookie: cookie, State: "CLOSED"})
	}
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	var got []trace.Socket
	for _, e := range r.all() {
		if e.Socket != nil && e.Socket.State != "SYN_SENT" {
			got = append(got, trace.Socket{Cookie: e.Socket.Cookie, State: e.Socket.State})
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
