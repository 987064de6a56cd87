//go:build amd64 || arm64

package tracepoint

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

func TestTransitionsOfAConnection(t *testing.T) {
	for _, family := range []language.Family{language.V4, language.V6} {
		t.Run(string(family), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLab(t, family)
			client, server := l.hosts["client"], l.hosts["server"]
			listener := server.listen(7)
			listening := cookie(t, listener)
			conn, err := client.dial(server, 7)
			l.try(err)
			accepted, err := listener.AcceptTCP()
			l.try(err)
			active, passive := cookie(t, conn), cookie(t, accepted)
			local, remote := addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())
			l.try(conn.Close())
			_, err = accepted.Read(make([]byte, 1))
			if !errors.Is(err, io.EOF) {
				t.Fatalf("the server reads %v, want the end", err)
			}
			l.try(accepted.Close())
			await(server, "the end of LAST_ACK", func(e Transition) bool {
				return e.Socket.Cookie == passive && e.To == "CLOSE"
			})
			last := await(client, "the end of FIN_WAIT2", func(e Transition) bool {
				return e.Socket.Cookie == active && e.To == "CLOSE"
			})
			l.try(listener.Close())
			await(server, "the end of LISTEN", func(e Transition) bool {
				return e.From == "LISTEN" && e.To == "CLOSE"
			})
			l.end()

			onClient, onServer := client.seen(), server.seen()
			for _, want := range []struct {
				socket string
				events []Event
				cookie uint64
				life   string
			}{
				{
					"client's", onClient, active,
					"CLOSE > SYN_SENT > ESTABLISHED > FIN_WAIT1 > FIN_WAIT2 > CLOSE",
				},
				{
					"server's", onServer, passive,
					"LISTEN > SYN_RECV > ESTABLISHED > CLOSE_WAIT > LAST_ACK > CLOSE",
				},
				{"listening", onServer, listening, "CLOSE > LISTEN > CLOSE"},
			} {
				if got := life(t, want.events, want.cookie); got != want.life {
					t.Errorf("the %s socket goes\n%s, want\n%s\nof\n%s",
						want.socket, got, want.life, list(want.events))
				}
			}
			if n := len(of(onClient, func(Transition) bool { return true })); n != 5 {
				t.Errorf("the client has %d transitions, want 5", n)
			}
			if n := len(of(onServer, func(Transition) bool { return true })); n != 7 {
				t.Errorf("the server has %d transitions, want 7", n)
			}
			if !last.FINReceived || last.Err != 0 {
				t.Errorf("TIME_WAIT cannot be known from %+v", last)
			}
			for _, e := range of(onServer, func(e Transition) bool {
				return e.Socket.Cookie == passive
			}) {
				if e.Socket.Local != remote || e.Socket.Remote != local {
					t.Errorf("the server's socket is %+v, want %v to %v", e.Socket, remote, local)
				}
			}
			for _, e := range of(onClient, func(e Transition) bool {
				return e.Socket.Cookie == active && e.From != "CLOSE" // it had no port before
			}) {
				if e.Socket.Local != local || e.Socket.Remote != remote {
					t.Errorf("the client's socket is %+v, want %v to %v", e.Socket, local, remote)
				}
			}
			if ns := inode(t, client.ns); last.Namespace != ns {
				t.Errorf("the client's namespace is %d, want %d", last.Namespace, ns)
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	client, server := l.hosts["client"], l.hosts["server"]
	if _, err := client.dial(server, 9); !errors.Is(err, unix.ECONNREFUSED) {
		t.Fatalf("the connection ends with %v, want a refusal", err)
	}
	end := await(client, "the end", func(e Transition) bool { return e.To == "CLOSE" })
	if got, want := life(t, client.seen(), end.Socket.Cookie), "CLOSE > SYN_SENT > CLOSE"; got != want {
		t.Errorf("the client's socket goes %s, want %s", got, want)
	}
	if end.Err != unix.ECONNREFUSED {
		t.Errorf("the socket's error is %v, want ECONNREFUSED", end.Err)
	}
	received := await(client, "the RST", func(e Reset) bool { return e.Received })
	if received.Socket.Cookie != end.Socket.Cookie || received.Socket.State != "SYN_SENT" {
		t.Errorf("the RST meets %+v, want the connecting socket", received.Socket)
	}
	drop := await(server, "the drop of the SYN", func(e Drop) bool { return e.Reason == "NO_SOCKET" })
	if from, to := ends(t, drop.Packet); from != end.Socket.Local || to != end.Socket.Remote {
		t.Errorf("a packet from %v to %v is dropped, want the SYN of %+v", from, to, end.Socket)
	}
	if drop.Location == "" || drop.Socket != (Socket{}) {
		t.Errorf("it is dropped at %q by %+v, want a function and no socket",
			drop.Location, drop.Socket)
	}
	if !server.gaps["tcp:tcp_send_reset"] {
		sent := await(server, "the RST that is sent", func(e Reset) bool { return !e.Received })
		want := Socket{Local: end.Socket.Remote, Remote: end.Socket.Local}
		if sent.Reason != "NO_SOCKET" || !sent.Answers || sent.Socket != want {
			t.Errorf("the RST is %+v, want an answer by %+v because of NO_SOCKET", sent, want)
		}
	}
	l.end()
}

// ends returns source and destination of an IPv4 packet of TCP.
func ends(t testing.TB, packet []byte) (from, to netip.AddrPort) {
	t.Helper()
	if len(packet) < 24 || packet[0] != 0x45 || packet[9] != unix.IPPROTO_TCP {
		t.Fatalf("% x is not the beginning of a packet of TCP", packet)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[12:])), binary.BigEndian.Uint16(packet[20:])),
		netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[16:])), binary.BigEndian.Uint16(packet[22:]))
}

func TestAbortedConnection(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V6)
	client, server := l.hosts["client"], l.hosts["server"]
	conn, accepted := l.connect(7)
	active, passive := cookie(t, conn), cookie(t, accepted)
	l.try(conn.SetLinger(0))
	l.try(conn.Close())
	end := await(server, "the end", func(e Transition) bool {
		return e.Socket.Cookie == passive && e.To == "CLOSE"
	})
	if end.From != "ESTABLISHED" || end.Err != unix.ECONNRESET || end.FINReceived {
		t.Errorf("the server's socket ends by %+v, want ECONNRESET in ESTABLISHED", end)
	}
	sent := await(client, "the RST that is sent", func(e Reset) bool { return !e.Received })
	if sent.Socket.Cookie != active || sent.Answers {
		t.Errorf("the RST is sent as %+v, want by the client's socket, unasked", sent)
	}
	if want := l.view.ResetReasons(); len(want) > 0 && !slices.Contains(want, sent.Reason) {
		t.Errorf("the RST's reason is %q, want one of %q", sent.Reason, want) // kernels give different ones
	}
	received := await(server, "the RST", func(e Reset) bool { return e.Received })
	if received.Socket.Cookie != passive || received.Reason != "" ||
		received.Socket.Local != sent.Socket.Remote {
		t.Errorf("the RST is received as %+v, want by the server's socket", received)
	}
	l.end()
}

func TestDropReasons(t *testing.T) {
	for _, test := range []struct {
		name, reason string
		act          func(t *testing.T, client, server *host)
	}{
		{"by a rule of netfilter", "NETFILTER_DROP", func(t *testing.T, client, server *host) {
			testlab.NeedProgram(t, "iptables")
			server.sh("iptables -w -A INPUT -p tcp --dport 9 -j DROP")
			sendSYN(t, client, client.addr, server, true)
		}},
		{"by a rule of netfilter, when sent", "NETFILTER_DROP", func(t *testing.T, client, server *host) {
			testlab.NeedProgram(t, "iptables")
			server.sh("iptables -w -A OUTPUT -p tcp --sport 9 -j DROP")
			sendSYN(t, client, client.addr, server, true)
		}},
		{"because nobody listens", "NO_SOCKET", func(t *testing.T, client, server *host) {
			sendSYN(t, client, client.addr, server, true)
		}},
		{"because of its checksum", "TCP_CSUM", func(t *testing.T, client, server *host) {
			server.listen(9)
			sendSYN(t, client, client.addr, server, false)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLab(t, language.V4)
			client, server := l.hosts["client"], l.hosts["server"]
			test.act(t, client, server)
			drop := await(server, "the drop", func(e Drop) bool { return e.Reason == test.reason })
			from, to := ends(t, drop.Packet)
			if from.Port() != 9 && to.Port() != 9 {
				t.Errorf("a packet from %v to %v is dropped, want one of port 9", from, to)
			}
			if drop.Location == "" {
				t.Error("it is dropped nowhere")
			}
			l.end()
		})
	}
}

// sendSYN sends a SYN from port 1234 of an address to port 9, with a checksum that is right or not.
func sendSYN(t testing.TB, client *host, source netip.Addr, server *host, right bool) {
	t.Helper()
	packet := syn(source, server.addr, 9, right)
	client.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Addr: server.addr.As4()})
	})
}

// syn returns an IPv4 packet with a SYN. The kernel fills in the IP header's checksum.
func syn(source, destination netip.Addr, port uint16, right bool) []byte {
	packet := make([]byte, 40)
	packet[0], packet[8], packet[9] = 0x45, 64, unix.IPPROTO_TCP
	copy(packet[12:], source.AsSlice())
	copy(packet[16:], destination.AsSlice())
	segment := packet[20:]
	binary.BigEndian.PutUint16(segment[0:], 1234)
	binary.BigEndian.PutUint16(segment[2:], port)
	binary.BigEndian.PutUint32(segment[4:], 1000)
	segment[12], segment[13] = 5<<4, 0x02
	binary.BigEndian.PutUint16(segment[14:], 1024)
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(segment))
	for i := 12; i < len(packet); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(packet[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if !right {
		sum++
	}
	binary.BigEndian.PutUint16(segment[16:], ^uint16(sum))
	return packet
}

func TestRetransmittedSYN(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	testlab.NeedProgram(t, "iptables")
	l := newLab(t, language.V4)
	client, server := l.hosts["client"], l.hosts["server"]
	server.sh("iptables -w -A INPUT -p tcp --dport 9 -j DROP")
	client.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: 9, Addr: server.addr.As4()})
		if errors.Is(err, unix.EINPROGRESS) {
			err = nil
		}
		return err
	})
	again := await(client, "the second SYN", func(Retransmit) bool { return true })
	first := await(client, "the transition", func(e Transition) bool { return e.To == "SYN_SENT" })
	if again.Socket.Cookie != first.Socket.Cookie || again.Socket.State != "SYN_SENT" ||
		again.SYNACK || again.Err != 0 {
		t.Errorf("the retransmit is %+v, want the connecting socket's", again)
	}
	if again.Flags != 0x02 || again.EndSeq-again.Seq != 1 {
		t.Errorf("flags %#x, %d to %d are sent again, want a SYN", again.Flags, again.Seq, again.EndSeq)
	}
	if after := again.At - first.At; after < time.Second-10*time.Millisecond {
		t.Errorf("it is sent again after %v, want the initial RTO of 1 s", after)
	}
	drop := await(server, "the drop of the second SYN", func(e Drop) bool {
		return e.Reason == "NETFILTER_DROP" && e.At > again.At
	})
	if seq := binary.BigEndian.Uint32(drop.Packet[24:]); seq != again.Seq {
		t.Errorf("the segment of seq %d is dropped, want %d", seq, again.Seq)
	}
	l.end()
}

func TestRetransmittedSYNACK(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	client, server := l.hosts["client"], l.hosts["server"]
	server.listen(9)
	// From an address that nobody has, so that nobody answers the SYN-ACK.
	nobody := client.addr
	for nobody == client.addr || nobody == l.net.Topology().Host("client").Gateway {
		nobody = nobody.Next()
	}
	sendSYN(t, client, nobody, server, true)
	again := await(server, "the second SYN-ACK", func(Retransmit) bool { return true })
	want := Socket{
		Cookie: again.Socket.Cookie, State: "SYN_RECV",
		Local: netip.AddrPortFrom(server.addr, 9), Remote: netip.AddrPortFrom(nobody, 1234),
	}
	if again.Socket != want || want.Cookie == 0 {
		t.Errorf("the SYN-ACK is sent again by %+v, want %+v and a cookie", again.Socket, want)
	}
	if !again.SYNACK || again.Flags != 0x12 || again.EndSeq-again.Seq != 1 {
		t.Errorf("the retransmit is %+v, want a SYN-ACK", again)
	}
	l.end()
}

func TestProbes(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	client := l.hosts["client"]
	conn, accepted := l.connect(7)
	const size = 64 << 20
	began := time.Now()
	go func() {
		_, _ = conn.Write(make([]byte, size)) // a failure shows as an early end
		_ = conn.CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, accepted); err != nil || n != size {
		t.Fatalf("%d bytes came, %v", n, err)
	}
	took := time.Since(began)
	l.end()
	probes := of(client.seen(), func(e Probe) bool { return e.Socket.Cookie == cookie(t, conn) })
	if len(probes) < 3 {
		t.Fatalf("there are few probes:\n%s", list(probes))
	}
	first := probes[0]
	if first.Cwnd != 10 || first.Ssthresh != 1<<31-1 || first.Congestion != "Open" ||
		first.SendWindow == 0 {
		t.Errorf("at first it is %+v, want cwnd 10, no ssthresh, an open window", first)
	}
	if last := probes[len(probes)-1]; last.Cwnd <= first.Cwnd || last.SRTT <= 0 {
		t.Errorf("at last it is %+v, want a larger cwnd", last)
	}
	if most := 256 + int(took.Milliseconds())/8 + 1; len(probes) > most {
		t.Errorf("in %v there are %d probes, want at most %d", took, len(probes), most)
	}
	var leftOut uint32
	for _, p := range probes {
		leftOut += p.LeftOut
	}
	t.Logf("%d probes of %d changes in %v", len(probes), int(leftOut)+len(probes), took)
}

func TestWatchIsRefused(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	client := l.hosts["client"]
	_, err := l.view.Watch(inode(t, client.ns), client.record)
	if want := "it is being watched"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("watching twice gives %v, want %q", err, want)
	}
	for _, ns := range []uint64{0, 1 << 32} {
		if _, err := l.view.Watch(ns, client.record); err == nil {
			t.Errorf("namespace %d can be watched", ns)
		}
	}
	l.end()
	again, err := l.view.Watch(inode(t, client.ns), client.record)
	l.try(err)
	_, err = again.Stop()
	l.try(err)
	if lost, err := again.Stop(); err != nil || lost != (Lost{}) {
		t.Errorf("stopping twice gives %v, %v", lost, err)
	}
}

func TestOnlyWatchedNamespacesAreReported(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	client, server := l.hosts["client"], l.hosts["server"]
	lost, err := server.watch.Stop()
	l.try(err)
	if lost.Total() != 0 {
		t.Errorf("events were lost: %v", lost)
	}
	before := len(server.seen())
	_, err = client.dial(server, 9)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	await(client, "the end", func(e Transition) bool { return e.To == "CLOSE" })
	l.end() // of the client: all that was in the ring has been read
	if after := server.seen(); len(after) != before {
		t.Errorf("after the end of its watch this was reported:\n%s", list(after[before:]))
	}
	for _, e := range client.seen() {
		if e.About().Namespace != inode(t, client.ns) {
			t.Errorf("an event of another namespace was reported: %+v", e)
		}
	}
}
