package actor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// described describes a packet in words, as gopacket decodes it.
func described(t *testing.T, b []byte) string {
	t.Helper()
	first := layers.LayerTypeIPv6
	if b[0]>>4 == 4 {
		first = layers.LayerTypeIPv4
	}
	p := gopacket.NewPacket(b, first, gopacket.Default)
	if p.ErrorLayer() != nil {
		t.Fatal(p.ErrorLayer().Error())
	}
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	for _, layer := range p.Layers() {
		if l, ok := layer.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := l.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				t.Fatal(err)
			}
		}
		if l, ok := layer.(gopacket.LayerWithChecksum); ok {
			if err, check := l.VerifyChecksum(); err != nil || !check.Valid {
				t.Errorf("checksum of %s: %v, %+v", layer.LayerType(), err, check)
			}
		}
		switch l := layer.(type) {
		case *layers.IPv4:
			add("%s>%s ttl %d", l.SrcIP, l.DstIP, l.TTL)
		case *layers.IPv6:
			add("%s>%s ttl %d", l.SrcIP, l.DstIP, l.HopLimit)
		case *layers.UDP:
			add("udp %d>%d", uint16(l.SrcPort), uint16(l.DstPort))
		case *layers.ICMPv4:
			add("%s", l.TypeCode)
		case *layers.ICMPv6:
			add("%s", l.TypeCode)
		case *layers.TCP:
			add("tcp %d>%d", uint16(l.SrcPort), uint16(l.DstPort))
			for name, set := range map[string]bool{"FIN": l.FIN, "SYN": l.SYN, "RST": l.RST, "PSH": l.PSH, "ACK": l.ACK, "URG": l.URG, "ECE": l.ECE, "CWR": l.CWR} {
				if set {
					add("%s", name)
				}
			}
			slices.Sort(words[2:])
			add("seq %d ack %d window %d", l.Seq, l.Ack, l.Window)
			for _, o := range l.Options {
				if o.OptionType != layers.TCPOptionKindEndList {
					add("%s %x", o.OptionType, o.OptionData)
				}
			}
		}
	}
	if app := p.ApplicationLayer(); app != nil {
		add("%q", app.Payload())
	}
	return strings.Join(words, " ")
}

func TestPackets(t *testing.T) {
	for _, tt := range []struct {
		name     string
		step     language.Segment
		from, to string
		proto    layers.IPProtocol
		socket   *stream
		want     string
	}{
		{
			"a SYN",
			language.Segment{Flags: []string{"SYN"}},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, nil,
			"198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 SYN seq 0 ack 0 window 64240",
		},
		{
			"all fields",
			language.Segment{
				Flags: []string{"SYN", "ACK", "FIN", "RST", "PSH", "URG", "ECE", "CWR"}, Seq: "4294967295", Ack: "7", Window: new(0), TTL: 1,
				Options: &language.SegmentOptions{
					MSS: new(1460), WindowScale: new(7), SACKPermitted: true, Timestamps: &language.SegmentTimestamps{Value: "1", Echo: "2"},
				},
				Data: language.Data{Text: "hello"},
			},
			"[2001:2:0:1::2]:40000", "[2001:2:0:2::2]:8080", layers.IPProtocolTCP, nil,
			"2001:2:0:1::2>2001:2:0:2::2 ttl 1 tcp 40000>8080 ACK CWR ECE FIN PSH RST SYN URG seq 4294967295 ack 7 window 0 " +
				`MSS 05b4 SACKPermitted  Timestamps 0000000100000002 WindowScale 07 "hello"`,
		},
		{
			"a socket's bare ACK",
			language.Segment{},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, &stream{initial: 100, next: 150, peerInitial: 200, expected: 250, window: 9},
			"198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 ACK seq 150 ack 250 window 9",
		},
		{
			"a socket's data",
			language.Segment{Data: language.Data{Hex: "61 62"}, Seq: "1", Ack: "-1"},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, &stream{initial: 100, next: 150, peerInitial: 200, expected: 250, window: 9},
			`198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 ACK PSH seq 101 ack 199 window 9 "ab"`,
		},
		{
			"a socket's data without flags",
			language.Segment{Flags: language.SegmentFlags{}, Data: language.Data{Text: "ab"}},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, &stream{initial: 100, next: 150, peerInitial: 200, expected: 250, window: 9},
			`198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 seq 150 ack 0 window 9 "ab"`,
		},
		{
			"a socket's RST",
			language.Segment{Flags: []string{"RST"}, Seq: "next-51"},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, &stream{initial: 100, next: 50, expected: 250},
			"198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 RST seq 4294967295 ack 0 window 0",
		},
		{
			"a socket's clock",
			language.Segment{Options: &language.SegmentOptions{Timestamps: &language.SegmentTimestamps{Value: "now-1"}}},
			"198.18.1.2:40000", "198.18.2.2:8080", layers.IPProtocolTCP, &stream{next: 1, expected: 2, clock: 0x100},
			"198.18.1.2>198.18.2.2 ttl 64 tcp 40000>8080 ACK seq 1 ack 2 window 0 Timestamps 000000ff00000000",
		},
		{
			"a datagram",
			language.Segment{UDP: true, TTL: 3, Data: language.Data{Text: "x"}},
			"198.18.1.2:40000", "198.18.2.2:5000", layers.IPProtocolUDP, nil,
			`198.18.1.2>198.18.2.2 ttl 3 udp 40000>5000 "x"`,
		},
		{
			"an echo request",
			language.Segment{ICMP: "echo-request", Data: language.Data{Text: "x"}},
			"198.18.1.2:0", "198.18.2.2:0", layers.IPProtocolICMPv4, nil,
			`198.18.1.2>198.18.2.2 ttl 64 EchoRequest "x"`,
		},
		{
			"an echo reply on IPv6",
			language.Segment{ICMP: "echo-reply"},
			"[2001:2:0:1::2]:0", "[2001:2:0:2::2]:0", layers.IPProtocolICMPv6, nil,
			"2001:2:0:1::2>2001:2:0:2::2 ttl 64 EchoReply",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, _, err := payload(&tt.step.Data)
			if err != nil {
				t.Fatal(err)
			}
			p := &packet{
				from: netip.MustParseAddrPort(tt.from), to: netip.MustParseAddrPort(tt.to),
				proto: tt.proto, payload: data, step: &tt.step, socket: tt.socket,
			}
			b, err := p.write()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, described(t, b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func segmentOp(s language.Segment) language.Op { return language.Op{Segment: &s} }

// TestSegmentsOfASocket sends segments in the name of a socket, without its knowledge, and checks
// how the other end of the connection reacts.
func TestSegmentsOfASocket(t *testing.T) {
	text := func(s string) language.Data { return language.Data{Text: s} }
	rst := []string{"RST"}
	for _, tt := range []struct {
		name string
		op   language.Segment
		// length is the length of the IPv4 packet, got the data that the other end then receives,
		// counter the counter that rises by one.
		length  int64
		got     string
		err     string
		counter string
	}{
		{"the next bytes", language.Segment{Data: text("more")}, 44, "more", "", ""},
		{"bytes it has already", language.Segment{Data: text("12345"), Seq: "1"}, 45, "", "EAGAIN", "TcpExt.TCPDSACKOldSent"},
		{"bytes it has in part", language.Segment{Data: text("345678"), Seq: "3"}, 46, "678", "", ""},
		{"bytes that leave a gap", language.Segment{Data: text("x"), Seq: "next+1"}, 41, "", "EAGAIN", "TcpExt.TCPOFOQueue"},
		{"a keepalive probe", language.Segment{Seq: "next-1"}, 40, "", "EAGAIN", ""},
		{"a FIN", language.Segment{Flags: []string{"FIN", "ACK"}}, 40, "", "", ""},
		{"a RST", language.Segment{Flags: rst}, 40, "", "ECONNRESET", "Tcp.EstabResets"},
		{"a RST by relative number", language.Segment{Flags: rst, Seq: "6"}, 40, "", "ECONNRESET", "Tcp.EstabResets"},
		{"a RST within the window", language.Segment{Flags: rst, Seq: "next+1"}, 40, "", "EAGAIN", "TcpExt.TCPChallengeACK"},
		{"a RST beyond the window", language.Segment{Flags: rst, Seq: "next+1000000000"}, 40, "", "EAGAIN", ""},
		{"a SYN", language.Segment{Flags: []string{"SYN"}}, 40, "", "EAGAIN", "TcpExt.TCPSYNChallenge"},
		{"bytes with an old timestamp", language.Segment{
			Data: text("x"), Options: &language.SegmentOptions{Timestamps: &language.SegmentTimestamps{Value: "now-100000"}},
		}, 53, "", "EAGAIN", "TcpExt.PAWSEstab"},
		{"bytes with a fresh timestamp", language.Segment{
			Data: text("x"), Options: &language.SegmentOptions{Timestamps: &language.SegmentTimestamps{Value: "now"}},
		}, 53, "x", "", ""},
		{"an ACK of bytes never sent", language.Segment{Ack: "next+100000"}, 40, "", "EAGAIN", ""},
	} {
		for i, sender := range []string{"sock", "conn"} {
			t.Run(tt.name+" from "+sender, func(t *testing.T) {
				ownNetwork(t)
				receiver := []string{"conn", "sock"}[i]
				before := map[string]int64{}
				p := start(t, Init{Steps: []language.Step{
					step("listen", listenOn(2240)), step("connect", connectTo("127.0.0.1:2240")), step("accept", acceptOp()),
					on(sender, step("send", sendText("12345"))), on(receiver, step("recv", recvOp())),
					step("wait", waitFor("b.go")),
					on(sender, step("it", segmentOp(tt.op))),
					on(receiver, step("then", language.Op{Recv: &language.Recv{Flags: []string{"dontwait"}}})),
				}})
				p.send(Command{Go: true})
				p.step("recv")
				if tt.counter != "" {
					before = counters(t)
				}
				p.send(Command{Event: "b.go"})
				p.done()
				it, then := p.step("it"), p.step("then")
				if it.Errno != "" || it.Problem != "" || it.Result != tt.length || it.Bytes != int64(len(tt.op.Text)) {
					t.Fatalf("errno %q, problem %q, result %d, %d bytes", it.Errno, it.Problem, it.Result, it.Bytes)
				}
				if it.Socket != sender {
					t.Errorf("the socket is %q, want %q", it.Socket, sender)
				}
				if string(then.Data) != tt.got || then.Errno != tt.err {
					t.Errorf("then came %q, %s, want %q, %s", then.Data, then.Errno, tt.got, tt.err)
				}
				if n := counters(t)[tt.counter] - before[tt.counter]; tt.counter != "" && n != 1 {
					t.Errorf("%s rose by %d, want 1", tt.counter, n)
				}
			})
		}
	}
}

// counters reads the kernel's counters by GROUP.NAME.
func counters(t *testing.T) map[string]int64 {
	t.Helper()
	values := map[string]int64{}
	for _, name := range []string{"/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat"} {
		table, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(table)), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
			for j := 1; j < len(names); j++ {
				var n int64
				if _, err := fmt.Sscan(numbers[j], &n); err != nil {
					t.Fatal(err)
				}
				values[strings.TrimSuffix(names[0], ":")+"."+names[j]] = n
			}
		}
	}
	table, err := os.ReadFile("/proc/thread-self/net/snmp6")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		var name string
		var n int64
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			t.Fatal(err)
		}
		values["6."+name] = n
	}
	return values
}

// TestPacketsOfNoSocket sends packets that belong to no socket.
func TestPacketsOfNoSocket(t *testing.T) {
	lab := &network.Topology{Family: language.V4, Hosts: []network.Host{{Name: "h", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}}}
	ack := []string{"ACK"}
	for _, tt := range []struct {
		name    string
		op      language.Segment
		length  int64
		counter string
		local   string
	}{
		{"an ACK to a port nobody has", language.Segment{To: "h:2250", Flags: ack}, 40, "Tcp.OutRsts", "127.0.0.1:40000"},
		{"a SYN from elsewhere", language.Segment{To: "h:2250", From: "127.0.0.9:7", Flags: []string{"SYN"}}, 40, "Tcp.OutRsts", "127.0.0.9:7"},
		{"over IPv6", language.Segment{To: "[::1]:2250", From: "[::1]:7", Flags: ack}, 60, "Tcp.OutRsts", "[::1]:7"},
		{"a datagram to a port nobody has", language.Segment{To: "h:2250", UDP: true, Data: language.Data{Bytes: 100}}, 128, "Udp.NoPorts", "127.0.0.1:40000"},
		{"an echo request", language.Segment{To: "h", ICMP: "echo-request"}, 28, "Icmp.OutEchoReps", "127.0.0.1"},
		{"an echo request on IPv6", language.Segment{To: "::1", From: "::1", ICMP: "echo-request"}, 48, "6.Icmp6OutEchoReplies", "::1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ownNetwork(t)
			p := start(t, Init{Topology: lab, Steps: []language.Step{step("wait", waitFor("b.go")), step("it", segmentOp(tt.op))}})
			before := counters(t)
			p.send(Command{Go: true})
			p.send(Command{Event: "b.go"})
			it := p.step("it")
			if it.Errno != "" || it.Problem != "" || it.Result != tt.length || it.Local != tt.local {
				t.Fatalf("errno %q, problem %q, result %d, from %s", it.Errno, it.Problem, it.Result, it.Local)
			}
			if n := counters(t)[tt.counter] - before[tt.counter]; n != 1 {
				t.Errorf("%s rose by %d, want 1", tt.counter, n)
			}
		})
	}
}

func TestDatagramOfASocket(t *testing.T) {
	udp := language.Op{Socket: &language.SocketOp{Type: "udp"}}
	o := outcomes(
		t,
		on("a", step("socket", udp)), on("a", step("bind", language.Op{Bind: &language.Bind{Port: 2251}})),
		on("b", step("socket2", udp)), on("b", step("connect", connectTo("127.0.0.1:2251"))),
		on("b", step("it", segmentOp(language.Segment{Data: language.Data{Text: "hello"}}))),
		on("a", step("recvfrom", language.Op{Recvfrom: &language.Recvfrom{}})),
	)
	if it := o["it"]; it.Result != 33 || it.Errno != "" || it.Problem != "" {
		t.Errorf("result %d, %q, %q", it.Result, it.Errno, it.Problem)
	}
	if r := o["recvfrom"]; string(r.Data) != "hello" || r.Peer != o["connect"].Local {
		t.Errorf("%q from %s, want hello from %s", r.Data, r.Peer, o["connect"].Local)
	}
}

func TestSegmentsThatCannotBeSent(t *testing.T) {
	udp := step("u0", language.Op{Socket: &language.SocketOp{Type: "udp"}})
	connectUDP := on("sock", step("c0", connectTo("127.0.0.1:9")))
	connected := []language.Step{step("l0", listenOn(2252)), step("c0", connectTo("127.0.0.1:2252"))}
	syn := []string{"SYN"}
	for _, tt := range []struct {
		name    string
		before  []language.Step
		op      language.Segment
		socket  string
		problem string
		errno   string
	}{
		{"without a socket or a target", nil, language.Segment{Flags: syn}, "", "no open socket", ""},
		{"to an unknown host", nil, language.Segment{To: "nobody:80", Flags: syn}, "", "nobody", ""},
		{"from a host without an address", nil, language.Segment{To: "127.0.0.1:80", Flags: syn}, "", "no address", ""},
		{"from the other IP version", nil, language.Segment{To: "127.0.0.1:80", From: "[::1]:80", Flags: syn}, "", "IP version", ""},
		{"with an unknown flag", nil, language.Segment{To: "127.0.0.1:80", From: "127.0.0.1:1", Flags: []string{"XYZ"}}, "", "XYZ", ""},
		{"longer than a packet can be", nil, language.Segment{To: "127.0.0.1:80", From: "127.0.0.1:1", Flags: syn, Data: language.Data{Bytes: 65530}}, "", "", "EMSGSIZE"},
		{"of a socket that is not connected", []language.Step{step("s0", language.Op{Socket: &language.SocketOp{}})}, language.Segment{}, "sock", "", "ENOTCONN"},
		{"of a listener", connected, language.Segment{To: "127.0.0.1:80"}, "listener", "", "EPERM"},
		{"of a closed socket", append(connected, on("sock", step("x0", closeOp()))), language.Segment{}, "sock", "", "EBADF"},
		{"TCP flags on a UDP socket", []language.Step{udp, connectUDP}, language.Segment{Flags: syn}, "sock", "UDP socket", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := outcomes(t, append(slices.Clone(tt.before), on(tt.socket, step("it", segmentOp(tt.op))))...)["it"]
			if !strings.Contains(it.Problem, tt.problem) || (it.Problem == "") != (tt.problem == "") || it.Errno != tt.errno || it.Result != -1 {
				t.Errorf("problem %q, errno %q, result %d, want %q, %q, -1", it.Problem, it.Errno, it.Result, tt.problem, tt.errno)
			}
		})
	}
}

// A socket whose connection has ended keeps its numbers. The other end has forgotten the connection
// and answers with a RST, or the kernel's TIME_WAIT takes the segment.
func TestSegmentsOfAnEndedConnection(t *testing.T) {
	shut := language.Op{Shutdown: &language.Shutdown{How: "write"}}
	for _, tt := range []struct {
		name string
		end  []language.Step
		// seq is the relative number of the next byte, after the FIN if there was one.
		seq string
	}{
		{"after both FINs, ours last", []language.Step{on("conn", step("x", closeOp())), on("sock", step("eof", recvOp())), on("sock", step("shut", shut))}, "7"},
		{"after both FINs, ours first", []language.Step{on("sock", step("shut", shut)), on("conn", step("eof", recvOp())), on("conn", step("x", closeOp())), on("sock", step("eof2", recvOp()))}, "7"},
		{"after a RST of the peer", []language.Step{
			on("conn", step("linger", set("SO_LINGER", "0s"))), on("conn", step("x", closeOp())), on("sock", step("reset", recvOp())),
		}, "6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ownNetwork(t)
			steps := []language.Step{
				step("listen", listenOn(2260)), step("connect", connectTo("127.0.0.1:2260")), step("accept", acceptOp()),
				on("sock", step("send", sendText("12345"))), on("conn", step("recv", recvOp())),
			}
			steps = append(steps, tt.end...)
			p := start(t, Init{Steps: append(steps,
				on("sock", step("info", language.Op{TCPInfo: &language.TCPInfo{}})),
				step("wait", waitFor("b.go")),
				on("sock", step("it", segmentOp(language.Segment{Flags: []string{"ACK"}, Seq: "next"}))),
				on("sock", step("same", segmentOp(language.Segment{Flags: []string{"ACK"}, Seq: language.Number(tt.seq)}))),
			)})
			p.send(Command{Go: true})
			info := p.step("info")
			const tcpClose = 7
			if got := info.Values["state"]; got != tcpClose {
				t.Fatalf("the socket is in state %d, want %d", got, tcpClose)
			}
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			p.send(Command{Event: "b.go"})
			p.done()
			for _, name := range []string{"it", "same"} {
				if it := p.step(name); it.Errno != "" || it.Problem != "" || it.Result != 40 {
					t.Errorf("%s: errno %q, problem %q, result %d", name, it.Errno, it.Problem, it.Result)
				}
			}
			const ipHeader = 20
			var got [][]byte // the TCP headers of what was sent to the listener's port
			for len(got) < 2 {
				var b [128]byte
				n, err := unix.Read(fd, b[:])
				if err != nil {
					t.Fatal(err)
				}
				if binary.BigEndian.Uint16(b[ipHeader+2:]) == 2260 {
					got = append(got, b[ipHeader:n])
				}
			}
			if !bytes.Equal(got[0], got[1]) {
				t.Errorf("next is in % x, the relative number %s in % x: want the same segment", got[0], tt.seq, got[1])
			}
			local := netip.MustParseAddrPort(p.step("connect").Local)
			if from := binary.BigEndian.Uint16(got[0]); from != local.Port() {
				t.Errorf("sent from port %d, want %d", from, local.Port())
			}
		})
	}
}
