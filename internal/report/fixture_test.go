package report

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// golden compares got with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	testlab.Golden(t, filepath.Join("testdata", name+".golden"), got)
}

// lab writes traces of an imaginary lab: client 198.18.1.2, wire, server 198.18.2.2.
type lab struct {
	t     testing.TB
	trace *trace.Trace
	v6    bool
	// lo has all addresses on the loopback device.
	lo   bool
	ipid uint16
}

// start is the time at which the actors of a lab begin.
const start = 50 * time.Millisecond

func newLab(t testing.TB, v6 bool) *lab {
	l := &lab{t: t, trace: &trace.Trace{}, v6: v6, ipid: 1000}
	family := "v4"
	if v6 {
		family = "v6"
	}
	l.add(0, trace.Event{Run: &trace.Run{Scenario: "fixture", Family: family, Seed: 7, Wall: time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC), Kernel: "6.18.0", Version: "dev"}})
	for _, h := range []trace.Host{
		{Name: "client", Addresses: []string{l.addr("client")}, Links: []trace.Link{{Device: "eth0", MTU: 1500, Peer: "wire"}}},
		{Name: "wire", Addresses: []string{"198.18.1.1", "198.18.2.1"}, Links: []trace.Link{{Device: "client", MTU: 1500, Peer: "client"}, {Device: "server", MTU: 1500, Peer: "server"}}},
		{Name: "server", Addresses: []string{l.addr("server")}, Links: []trace.Link{{Device: "eth0", MTU: 1500, Peer: "wire"}}},
	} {
		l.add(time.Millisecond, trace.Event{Host: &h})
	}
	l.add(start, trace.Event{Start: &trace.Start{}})
	return l
}

func (l *lab) add(at time.Duration, e trace.Event) {
	e.T = at
	l.trace.Add(e)
}

func (l *lab) addr(host string) string {
	switch {
	case l.lo && l.v6:
		return "::1"
	case l.lo:
		return "127.0.0.1"
	case host == "client" && l.v6:
		return "2001:2:0:1::2"
	case host == "client":
		return "198.18.1.2"
	case host == "server" && l.v6:
		return "2001:2:0:2::2"
	case host == "wire":
		return "198.18.1.1"
	}
	return "198.18.2.2"
}

func other(host string) string {
	if host == "client" {
		return "server"
	}
	return "client"
}

// seg is a TCP segment to send.
type seg struct {
	from     string
	flags    string
	seq, ack uint32
	win      uint16
	data     string
	sport    uint16 // the client's port; 0 means 40000
	id       uint16 // 0 means the next
	noID     bool
}

func (l *lab) tcp(s seg) []byte {
	port := s.sport
	if port == 0 {
		port = 40000
	}
	tcp := &layers.TCP{SrcPort: layers.TCPPort(port), DstPort: 8080, Seq: s.seq, Ack: s.ack, Window: s.win}
	if s.from == "server" {
		tcp.SrcPort, tcp.DstPort = tcp.DstPort, tcp.SrcPort
	}
	for _, f := range s.flags {
		switch f {
		case 'S':
			tcp.SYN = true
			tcp.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{0x05, 0xb4}}}
		case 'A':
			tcp.ACK = true
		case 'F':
			tcp.FIN = true
		case 'R':
			tcp.RST = true
		case 'P':
			tcp.PSH = true
		}
	}
	id := s.id
	if id == 0 && !s.noID {
		l.ipid++
		id = l.ipid
	}
	return l.frame(s.from, other(s.from), id, layers.IPProtocolTCP, tcp, gopacket.Payload(s.data))
}

func (l *lab) frame(from, to string, id uint16, proto layers.IPProtocol, inner ...gopacket.SerializableLayer) []byte {
	l.t.Helper()
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	var ip gopacket.SerializableLayer
	if l.v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: net.ParseIP(l.addr(from)), DstIP: net.ParseIP(l.addr(to))}
	} else {
		ip = &layers.IPv4{Version: 4, TTL: 64, Id: id, Protocol: proto, SrcIP: net.ParseIP(l.addr(from)), DstIP: net.ParseIP(l.addr(to))}
	}
	buf := gopacket.NewSerializeBuffer()
	all := append([]gopacket.SerializableLayer{eth, ip}, inner...)
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		l.t.Fatal(err)
	}
	return append([]byte(nil), buf.Bytes()...)
}

func (l *lab) see(at time.Duration, host, device string, out bool, frame []byte) {
	l.add(start+at, trace.Event{Packet: &trace.Packet{LinkEnd: &trace.LinkEnd{Host: host, Device: device}, Out: out, Frame: frame, Length: len(frame)}})
}

// pass lets a frame arrive, after 40 µs or, with a delay on the wire, later.
func (l *lab) pass(at, delay time.Duration, from string, frame []byte) {
	us := time.Microsecond
	to := other(from)
	l.see(at, from, "eth0", true, frame)
	l.see(at+10*us, "wire", from, false, frame)
	l.see(at+30*us+delay, "wire", to, true, frame)
	l.see(at+40*us+delay, to, "eth0", false, frame)
}

// lose lets a frame get to the wire and no further.
func (l *lab) lose(at time.Duration, from string, frame []byte) {
	l.see(at, from, "eth0", true, frame)
	l.see(at+10*time.Microsecond, "wire", from, false, frame)
}

func (l *lab) step(began, ended time.Duration, st trace.Step) {
	if st.N == 0 {
		st.N = 1
	}
	if st.ID == "" {
		st.ID = st.Op
	}
	st.Began = start + began
	l.add(start+began, trace.Event{Start: &trace.Start{Actor: st.Actor, Step: st.ID, Op: st.Op, N: st.N}})
	l.add(start+ended, trace.Event{Step: &st})
}

func (l *lab) state(at time.Duration, host, state string) {
	ports := map[string]string{"client": "40000", "server": "8080"}
	local := net.JoinHostPort(l.addr(host), ports[host])
	remote := net.JoinHostPort(l.addr(other(host)), ports[other(host)])
	l.add(start+at, trace.Event{Socket: &trace.Socket{Host: host, Local: local, Remote: remote, State: state}})
}

func (l *lab) end(at time.Duration) *trace.Trace {
	l.add(start+at, trace.Event{End: &trace.End{Reason: "done"}})
	l.trace.Sort()
	return l.trace
}

const ms = time.Millisecond

// synBackoff is connect() to a server whose input drops SYNs.
func synBackoff(t testing.TB) (*language.Scenario, *trace.Trace) {
	s := &language.Scenario{
		Name: "syn-retry-backoff", Case: "retries=1", Family: "v4",
		Title: "connect() to a silent server backs off 1, 2, 4, 8, 16, 32 s and ends in ETIMEDOUT",
		Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		Faults: []language.Fault{{
			Name: "silent-server", At: "server.input", Do: language.Action{Drop: &language.Drop{}},
			Match: language.Selector{To: "server", TCP: language.Kinds{language.SYN}, Port: language.PortList(8080)},
		}},
		Actors: []language.Actor{
			{Name: "server", Host: "server", Steps: []language.Step{{ID: "listen", Op: language.Op{Listen: &language.Listen{Port: 8080}}}}},
			{Name: "client", Host: "client", Steps: []language.Step{{ID: "connect", Op: language.Op{Connect: &language.Connect{To: "server:8080"}}}}},
		},
	}
	l := newLab(t, false)
	l.add(2*ms, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: "on", Mechanism: "iptables", Why: "stateless drop: the plainest that can"}})
	l.step(-10*ms, -9900*time.Microsecond, trace.Step{Actor: "server", Op: "listen"})
	l.add(start, trace.Event{Start: &trace.Start{Actor: "client", Step: "connect", Op: "connect", N: 1}})
	l.state(time.Millisecond/10, "client", "SYN_SENT")
	for i, at := range []time.Duration{200 * time.Microsecond, 1024 * ms} {
		l.pass(at, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 7000, win: 64240}))
		l.add(start+at+50*time.Microsecond, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: "hits", Hits: uint64(i + 1)}})
	}
	l.state(3071*ms, "client", "CLOSED")
	l.add(start+3071*ms, trace.Event{Step: &trace.Step{Actor: "client", ID: "connect", Op: "connect", N: 1, Began: start, Errno: "ETIMEDOUT", Result: -1}})
	l.add(start+3072*ms, trace.Event{Counters: &trace.Counters{Host: "client", At: "before", Values: map[string]int64{"TcpExt.TCPTimeouts": 0, "Tcp.OutSegs": 0}}})
	l.add(start+3073*ms, trace.Event{Counters: &trace.Counters{Host: "client", At: "after", Values: map[string]int64{"TcpExt.TCPTimeouts": 2, "Tcp.OutSegs": 2, "Tcp.AttemptFails": 0}}})
	return s, l.end(3075 * ms)
}

// exchange is a whole connection, with a request lost once on the wire, a late answer and an
// orderly end.
func exchange(t *testing.T, v6 bool) (*language.Scenario, *trace.Trace) {
	s := &language.Scenario{
		Name: "lost-request", Family: "v4", Title: "a lost request is sent again",
		Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		Faults: []language.Fault{
			{Name: "lose-request", Nth: language.Ints{1}, Do: language.Action{Drop: &language.Drop{}}, Match: language.Selector{From: "client", TCP: language.Kinds{language.DATA}}},
			{Name: "slow-answer", Do: language.Action{Delay: &language.Delay{By: language.Duration(50 * ms)}}, Match: language.Selector{From: "server", TCP: language.Kinds{language.DATA}}},
		},
		Actors: []language.Actor{
			{Name: "server", Host: "server", Steps: []language.Step{
				{ID: "listen", Op: language.Op{Listen: &language.Listen{Port: 8080}}},
				{ID: "accept", Op: language.Op{Accept: &language.Accept{}}},
				{ID: "recv", Op: language.Op{Recv: &language.Recv{}}},
				{ID: "send", Op: language.Op{Send: &language.Send{Data: language.Data{Text: "world"}}}},
			}},
			{Name: "client", Host: "client", Steps: []language.Step{
				{ID: "connect", Op: language.Op{Connect: &language.Connect{To: "server:8080"}}},
				{ID: "send", Op: language.Op{Send: &language.Send{Data: language.Data{Text: "hello"}}}},
				{ID: "recv", Op: language.Op{Recv: &language.Recv{}}},
				{ID: "close", Op: language.Op{Close: &language.Close{}}},
			}},
		},
	}
	l := newLab(t, v6)
	local, remote := net.JoinHostPort(l.addr("client"), "40000"), net.JoinHostPort(l.addr("server"), "8080")
	us := time.Microsecond
	l.add(2*ms, trace.Event{Fault: &trace.Fault{Name: "lose-request", What: "on", Mechanism: "nfqueue", Why: "nth needs a count of its own"}})
	l.add(2*ms, trace.Event{Fault: &trace.Fault{Name: "slow-answer", What: "on", Mechanism: "tc", Why: "a delay without a trigger"}})
	l.step(-10*ms, -9900*us, trace.Step{Actor: "server", Op: "listen"})
	l.state(50*us, "client", "SYN_SENT")
	l.pass(100*us, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 4294967290, win: 64240}))
	l.state(145*us, "server", "SYN_RECV")
	l.pass(160*us, 0, "server", l.tcp(seg{from: "server", flags: "SA", seq: 500, ack: 4294967291, win: 65160, noID: true}))
	l.state(205*us, "client", "ESTABLISHED")
	l.pass(210*us, 0, "client", l.tcp(seg{from: "client", flags: "A", seq: 4294967291, ack: 501, win: 502}))
	l.state(255*us, "server", "ESTABLISHED")
	l.step(10*us, 220*us, trace.Step{Actor: "client", Op: "connect", Local: local, Remote: remote})
	l.step(0, 300*us, trace.Step{Actor: "server", Op: "accept", Peer: l.addr("client") + ":40000"})
	l.lose(400*us, "client", l.tcp(seg{from: "client", flags: "PA", seq: 4294967291, ack: 501, win: 502, data: "hello"}))
	l.add(start+420*us, trace.Event{Fault: &trace.Fault{Name: "lose-request", What: "hits", Hits: 1}})
	l.step(390*us, 405*us, trace.Step{Actor: "client", Op: "send", Bytes: 5, Result: 5})
	l.pass(210*ms, 0, "client", l.tcp(seg{from: "client", flags: "PA", seq: 4294967291, ack: 501, win: 502, data: "hello"}))
	l.pass(210100*us, 0, "server", l.tcp(seg{from: "server", flags: "A", seq: 501, ack: 0, win: 509}))
	l.step(310*us, 210090*us, trace.Step{Actor: "server", Op: "recv", Bytes: 5, Result: 5})
	l.step(210110*us, 210130*us, trace.Step{Actor: "server", Op: "send", Bytes: 5, Result: 5})
	l.pass(210120*us, 50*ms, "server", l.tcp(seg{from: "server", flags: "PA", seq: 501, ack: 0, win: 509, data: "world"}))
	l.add(start+260*ms, trace.Event{Fault: &trace.Fault{Name: "slow-answer", What: "hits", Hits: 1}})
	l.step(410*us, 260200*us, trace.Step{Actor: "client", Op: "recv", Bytes: 5, Result: 5})
	l.pass(260300*us, 0, "client", l.tcp(seg{from: "client", flags: "FA", seq: 0, ack: 506, win: 502}))
	l.step(260290*us, 260305*us, trace.Step{Actor: "client", Op: "close", Local: local, Remote: remote})
	l.state(260310*us, "client", "FIN_WAIT1")
	l.state(260345*us, "server", "CLOSE_WAIT")
	l.pass(260400*us, 0, "server", l.tcp(seg{from: "server", flags: "A", seq: 506, ack: 1, win: 509}))
	l.state(260450*us, "client", "FIN_WAIT2")
	return s, l.end(300 * ms)
}

// allJourneys returns the journeys of all packets of a trace.
func allJourneys(s *language.Scenario, t *trace.Trace) []*Journey {
	all, _ := journeys(s, t, mostJourneys)
	return all
}
