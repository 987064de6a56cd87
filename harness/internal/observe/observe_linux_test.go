package observe

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// watch opens an observer that ends with the test.
func watch(t testing.TB, hosts ...Host) (*Observer, *recorder, trace.Clock) {
	t.Helper()
	r, clock := newRecorder(), trace.NewClock()
	o, err := Open(hosts, 65535, clock, r.emit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Stop(); err != nil {
			t.Error(err)
		}
		o.Close()
	})
	return o, r, clock
}

func TestEveryStateIsSeen(t *testing.T) {
	client, server := newPair(t, "256")
	_, r, _ := watch(t,
		Host{Name: "client", NS: client, Devices: []string{"eth0"}},
		Host{Name: "server", NS: server, Devices: []string{"eth0"}},
	)
	// Until they are needed, the server's answers go to a link layer address that nobody has.
	server.setNeighbour(t, clientIP, net.HardwareAddr{2, 0, 0, 0, 0, 9})

	listener := server.socket(t, unix.SOCK_STREAM)
	if err := errors.Join(
		unix.Bind(listener, &unix.SockaddrInet4{Addr: serverIP, Port: 8080}), unix.Listen(listener, 7)); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "LISTEN", func(s *trace.Socket) bool {
		return s.Local == "198.18.0.2:8080" && s.Remote == "0.0.0.0:0" && s.RecvQ == 0 && s.SendQ == 7
	})

	conn := client.socket(t, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
	if err := unix.Connect(conn, &unix.SockaddrInet4{Addr: serverIP, Port: 8080}); err != unix.EINPROGRESS {
		t.Fatalf("connect: %v, want EINPROGRESS", err)
	}
	r.awaitState(t, "client", "SYN_SENT", func(s *trace.Socket) bool { return s.Timer == "on" && s.Expires > 0 })
	request := r.awaitState(t, "server", "SYN_RECV", nil)
	retransmitted := r.awaitState(t, "client", "SYN_SENT", func(s *trace.Socket) bool { return s.Retrans == 1 })
	if got := retransmitted.Socket.Info["total_retrans"]; got != 1 {
		t.Errorf("total_retrans is %d after one retransmission of the SYN", got)
	}

	server.setNeighbour(t, clientIP, client.hardwareAddr(t))
	established := r.awaitState(t, "server", "ESTABLISHED", func(s *trace.Socket) bool { return s.Inode == 0 })
	if request.Socket.Remote != established.Socket.Remote {
		t.Errorf("request from %s, connection from %s", request.Socket.Remote, established.Socket.Remote)
	}
	r.awaitState(t, "client", "ESTABLISHED", nil)
	r.awaitState(t, "server", "LISTEN", func(s *trace.Socket) bool { return s.RecvQ == 1 })

	accepted, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "ESTABLISHED", func(s *trace.Socket) bool { return s.Inode != 0 })
	if _, err := unix.Write(conn, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "ESTABLISHED", func(s *trace.Socket) bool { return s.RecvQ == 5 })

	if err := unix.Shutdown(conn, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "client", "FIN_WAIT2", nil)
	r.awaitState(t, "server", "CLOSE_WAIT", nil)
	var got [8]byte
	if n, err := unix.Read(accepted, got[:]); err != nil || n != 5 {
		t.Fatalf("read: %d, %v", n, err)
	}
	if err := unix.Close(accepted); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "client", "TIME_WAIT", func(s *trace.Socket) bool { return s.Timer == "timewait" && s.Inode == 0 })
	r.awaitState(t, "server", "CLOSED", func(s *trace.Socket) bool { return s.Remote == established.Socket.Remote })
	if err := errors.Join(unix.Close(conn), unix.Close(listener)); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "CLOSED", func(s *trace.Socket) bool { return s.Remote == "0.0.0.0:0" })
	r.noNotes(t)
}

func TestUnansweredFINsStatesAreSeen(t *testing.T) {
	client, server := newPair(t, "256")
	_, r, _ := watch(t,
		Host{Name: "client", NS: client, Devices: []string{"eth0"}},
		Host{Name: "server", NS: server, Devices: []string{"eth0"}},
	)
	listener, conn := server.socket(t, unix.SOCK_STREAM), client.socket(t, unix.SOCK_STREAM)
	if err := errors.Join(
		unix.Bind(listener, &unix.SockaddrInet4{Addr: serverIP, Port: 8080}), unix.Listen(listener, 1),
		unix.Connect(conn, &unix.SockaddrInet4{Addr: serverIP, Port: 8080})); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	accepted, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	nowhere := net.HardwareAddr{2, 0, 0, 0, 0, 9}

	// The client's FIN arrives but the server's acknowledgement does not: FIN_WAIT1. Then the
	// server's FIN is not acknowledged: LAST_ACK. The client is CLOSING once it receives that FIN
	// without an acknowledgement of its own.
	server.setNeighbour(t, clientIP, nowhere)
	if err := unix.Close(conn); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "client", "FIN_WAIT1", func(s *trace.Socket) bool { return s.Inode == 0 })
	r.awaitState(t, "server", "CLOSE_WAIT", nil)
	if err := unix.Close(accepted); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, "server", "LAST_ACK", nil)
	server.setNeighbour(t, clientIP, client.hardwareAddr(t))
	r.awaitState(t, "server", "CLOSED", func(s *trace.Socket) bool { return !strings.HasSuffix(s.Remote, ":0") })
}

// sendDatagrams sends n datagrams of 16 bytes to the server.
func sendDatagrams(t testing.TB, fd, n int) {
	t.Helper()
	to := &unix.SockaddrInet4{Addr: serverIP, Port: 9}
	payload := []byte("sixteen bytes...")
	for i := range n {
		if err := unix.Sendto(fd, payload, 0, to); err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
	}
}

// count returns how many UDP packets with the test's payload a host sent or received, and checks that they are in order.
func count(t testing.TB, r *recorder, host string, out bool) (n int) {
	t.Helper()
	var last time.Duration
	for _, e := range r.all() {
		p := e.Packet
		if p == nil || p.Host != host || p.Out != out || !bytes.HasSuffix(p.Frame, []byte("sixteen bytes...")) {
			continue
		}
		if e.T < last {
			t.Fatalf("packet %d of %s is %v earlier than the packet before it", n, host, last-e.T)
		}
		last = e.T
		if p.Length != 14+20+8+16 || len(p.Frame) != p.Length {
			t.Fatalf("packet %d of %s: length %d, frame of %d bytes", n, host, p.Length, len(p.Frame))
		}
		n++
	}
	return n
}

func TestBurstIsNotLost(t *testing.T) {
	const packets = 100_000
	client, server := newPair(t, "256")
	o, r, _ := watch(t,
		Host{Name: "client", NS: client, Devices: []string{"eth0"}},
		Host{Name: "server", NS: server, Devices: []string{"eth0"}},
	)
	client.setNeighbour(t, serverIP, server.hardwareAddr(t))
	sink, fd := server.socket(t, unix.SOCK_DGRAM), client.socket(t, unix.SOCK_DGRAM)
	defer unix.Close(sink)
	defer unix.Close(fd)
	if err := unix.Bind(sink, &unix.SockaddrInet4{Addr: serverIP, Port: 9}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	sendDatagrams(t, fd, packets)
	t.Logf("sent in %v", time.Since(began))
	began = time.Now()
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("drained in %v", time.Since(began))
	r.noNotes(t)
	if got := count(t, r, "client", true); got != packets {
		t.Errorf("captured %d packets of %d that the client sent", got, packets)
	}
	// The server's kernel may drop part of a burst before any socket sees it, even a packet socket,
	// but not most of it.
	if got := count(t, r, "server", false); got < packets/2 {
		t.Errorf("captured %d packets of %d that the server received", got, packets)
	}
}

func TestStopEmitsWhatIsInTheBuffers(t *testing.T) {
	client, server := newPair(t, "256")
	client.setNeighbour(t, serverIP, server.hardwareAddr(t))
	for round := range 20 {
		o, r, _ := watch(t, Host{Name: "client", NS: client, Devices: []string{"eth0", "lo"}})
		fd, late := client.socket(t, unix.SOCK_DGRAM), client.socket(t, unix.SOCK_STREAM)
		sendDatagrams(t, fd, 100)
		if err := errors.Join(unix.Bind(late, &unix.SockaddrInet4{Addr: clientIP, Port: 80}), unix.Listen(late, 1)); err != nil {
			t.Fatal(err)
		}
		if err := o.Stop(); err != nil {
			t.Fatal(err)
		}
		events := len(r.all())
		if got := count(t, r, "client", true); got != 100 {
			t.Fatalf("round %d: captured %d packets of 100", round, got)
		}
		r.awaitState(t, "client", "LISTEN", nil)
		unix.Close(fd)
		unix.Close(late)
		if err := o.Stop(); err != nil || len(r.all()) != events {
			t.Fatalf("a second Stop returned %v and emitted %d events", err, len(r.all())-events)
		}
	}
}

func TestPacketTimesAreBetweenSendAndReceive(t *testing.T) {
	client, server := newPair(t, "256")
	client.setNeighbour(t, serverIP, server.hardwareAddr(t))
	o, r, clock := watch(t,
		Host{Name: "client", NS: client, Devices: []string{"eth0"}},
		Host{Name: "server", NS: server, Devices: []string{"eth0"}},
	)
	sink, fd := server.socket(t, unix.SOCK_DGRAM), client.socket(t, unix.SOCK_DGRAM)
	defer unix.Close(sink)
	defer unix.Close(fd)
	if err := unix.Bind(sink, &unix.SockaddrInet4{Addr: serverIP, Port: 9}); err != nil {
		t.Fatal(err)
	}
	type bracket struct{ sent, received time.Duration }
	var brackets []bracket
	var buf [64]byte
	for range 50 {
		b := bracket{sent: clock.Now()}
		sendDatagrams(t, fd, 1)
		if _, err := unix.Read(sink, buf[:]); err != nil {
			t.Fatal(err)
		}
		b.received = clock.Now()
		brackets = append(brackets, b)
	}
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range r.all() {
		if e.Packet == nil || e.Packet.Host != "server" || !bytes.HasSuffix(e.Packet.Frame, []byte("sixteen bytes...")) {
			continue
		}
		b := brackets[seen]
		const slack = settled // how far two comparisons of the clocks may differ
		if e.T < b.sent-slack || e.T > b.received+slack {
			t.Errorf("packet %d is dated %v, sent at %v, received at %v", seen, e.T, b.sent, b.received)
		}
		seen++
	}
	if seen != len(brackets) {
		t.Errorf("saw %d packets of %d", seen, len(brackets))
	}
}

func TestPacketsOnLoAreSeenOnce(t *testing.T) {
	ns := newNamespace(t, "256")
	o, r, _ := watch(t, Host{Name: "host", NS: ns, Devices: []string{"lo"}})
	fd := ns.socket(t, unix.SOCK_DGRAM)
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 9}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := unix.Sendto(fd, []byte("sixteen bytes..."), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 9}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, in := count(t, r, "host", true), count(t, r, "host", false); out != 10 || in != 0 {
		t.Errorf("10 packets were seen %d times leaving and %d times arriving, want 10 and 0", out, in)
	}
}

func TestCountersRise(t *testing.T) {
	client, server := newPair(t, "256")
	o, r, _ := watch(t, Host{Name: "client", NS: client}, Host{Name: "server", NS: server})
	if err := o.Counters(trace.Before); err != nil {
		t.Fatal(err)
	}
	fd := client.socket(t, unix.SOCK_STREAM)
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: serverIP, Port: 81}); err != unix.ECONNREFUSED {
		t.Fatalf("connect: %v, want ECONNREFUSED", err)
	}
	if err := o.Counters(trace.After); err != nil {
		t.Fatal(err)
	}
	rise := func(host, name string) int64 {
		var before, rose int64
		for _, e := range r.all() {
			if e.Counters == nil || e.Counters.Host != host {
				continue
			}
			v, ok := e.Counters.Values[name]
			switch {
			case e.Counters.At == trace.Before && !ok:
				t.Fatalf("%s has no counter %s", host, name)
			case e.Counters.At == trace.Before:
				before = v
			case ok:
				if rose = v - before; rose == 0 {
					t.Errorf("%s of %s has not changed, and is among those that have", name, host)
				}
			}
		}
		return rose
	}
	for _, c := range []struct {
		host, name string
		want       int64
	}{
		{"client", "Tcp.ActiveOpens", 1},
		{"client", "Tcp.AttemptFails", 1},
		{"server", "Tcp.OutRsts", 1},
		{"server", "TcpExt.TCPTimeouts", 0},
		{"server", "Ip6.InDelivers", 0},
	} {
		if got := rise(c.host, c.name); got != c.want {
			t.Errorf("%s %s rose by %d, want %d", c.host, c.name, got, c.want)
		}
	}
}

func TestWaitingIsNotProcessorTime(t *testing.T) {
	const wait = 200 * time.Millisecond
	got := processorTime(func() { _, _ = unix.Poll(nil, int(wait/time.Millisecond)) })
	if got <= 0 || got > wait/4 {
		t.Errorf("waiting %s took %s of a processor, want more than 0 and far less than the wait", wait, got)
	}
}

func TestSocketsOfAWireAreLeftOut(t *testing.T) {
	ns := newNamespace(t, "256")
	fd := ns.socket(t, unix.SOCK_STREAM)
	defer unix.Close(fd)
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	for _, none := range []bool{false, true} {
		o, r, _ := watch(t, Host{Name: "wire", NS: ns, Devices: []string{"lo"}, NoSockets: none})
		if err := errors.Join(o.Sample(func() {}), o.Stop()); err != nil {
			t.Fatal(err)
		}
		if events := r.all(); len(events) != map[bool]int{false: 1, true: 0}[none] {
			t.Errorf("NoSockets %t: %d events", none, len(events))
		}
	}
}

// TestNoSocketIsSeenBetweenASampleAndWhatFollows makes a socket in the function that Sample calls.
// The goroutine would see it within milliseconds.
func TestNoSocketIsSeenBetweenASampleAndWhatFollows(t *testing.T) {
	ns := newNamespace(t, "256")
	o, r, _ := watch(t, Host{Name: "host", NS: ns, Devices: []string{"lo"}})
	called := false
	err := o.Sample(func() {
		called = true
		fd := ns.socket(t, unix.SOCK_STREAM)
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err := unix.Listen(fd, 1); err != nil {
			t.Error(err)
		}
		o.Notice()
		// The wait shows that nothing comes. On a stalled machine it can pass wrongly, but it
		// cannot fail wrongly.

		time.Sleep(100 * time.Millisecond)
		if events := r.all(); len(events) > 0 {
			t.Errorf("seen meanwhile: %d events, the first is %s", len(events), events[0].Kind())
		}
	})
	if err != nil || !called {
		t.Fatalf("called: %t; %v", called, err)
	}
	for began := time.Now(); len(r.all()) == 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("the socket is not seen afterwards, either")
		}
	}
	if err := o.Stop(); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesTheDeviceThatIsMissing(t *testing.T) {
	ns := newNamespace(t, "256")
	_, err := Open([]Host{{Name: "client", NS: ns, Devices: []string{"eth7"}}}, 65535, trace.NewClock(), func(trace.Event) {})
	if err == nil || !strings.Contains(err.Error(), "eth7 of client") {
		t.Errorf("error %v does not name eth7 of client", err)
	}
}

// BenchmarkIdle measures the cost of watching a lab of three silent hosts. cpu-ms/s is processor
// time per second.
func BenchmarkIdle(b *testing.B) {
	for name, table := range map[string]string{"own-table": "256", "common-table": "0"} {
		b.Run(name, func(b *testing.B) {
			var hosts []Host
			for _, host := range []string{"client", "wire", "server"} {
				hosts = append(hosts, Host{Name: host, NS: newNamespace(b, table), Devices: []string{"lo"}})
			}
			watch(b, hosts...)
			time.Sleep(quiet + far) // only the quiet after that is measured
			const window = 2 * time.Second
			spent := func() time.Duration {
				var u unix.Rusage
				if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
					b.Fatal(err)
				}
				return time.Duration(u.Utime.Nano() + u.Stime.Nano())
			}
			var cpu time.Duration
			for b.Loop() {
				before := spent()
				time.Sleep(window)
				cpu += spent() - before
			}
			b.ReportMetric(float64(cpu.Microseconds())/1e3/(float64(b.N)*window.Seconds()), "cpu-ms/s")
		})
	}
}
