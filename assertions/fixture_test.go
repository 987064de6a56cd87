package assertions

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// lab is a scenario with a server, a client and a fault. actors and expect are the rest of its
// YAML.
func lab(t *testing.T, actors, expect string) *language.Scenario {
	t.Helper()
	return load(t, `
name: fixture
title: a scenario to judge traces by
hosts: {client: {}, server: {}}
faults:
  silent-server: {match: {to: server, tcp: SYN, port: 8080}, do: drop}
actors:
`+indent(actors)+`
expect:
`+indent(expect))
}

func load(t *testing.T, text string) *language.Scenario {
	t.Helper()
	f, err := language.Parse("fixture.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// connecting has a client that connects and a server that listens.
const connecting = `
server: [listen: {port: 8080}]
client: [connect: {to: "server:8080"}]
`

const (
	clientAddr = "198.18.1.2"
	serverAddr = "198.18.2.2"
	wireAddr   = "198.18.2.1"
)

// tape builds a trace event by event. The actors start at 1 s; times are counted from then.
type tape struct {
	tr *trace.Trace
	at time.Duration
	// cookies are the numbers of sockets, states their last states.
	cookies map[string]uint64
	states  map[uint64]string
}

const start = time.Second

func newTape() *tape {
	tr := &trace.Trace{}
	tr.Add(trace.Event{Run: &trace.Run{Scenario: "fixture", Family: "v4"}})
	for name, addrs := range map[string][]string{
		"client": {clientAddr + "/24"}, "server": {serverAddr + "/24"}, "wire": {"198.18.1.1/24", wireAddr + "/24"},
	} {
		tr.Add(trace.Event{Host: &trace.Host{Name: name, Addresses: addrs}})
	}
	tr.Add(trace.Event{Tracepoints: &trace.Tracepoints{}})
	tr.Add(trace.Event{T: start, Start: &trace.Start{}})
	return &tape{tr: tr, at: start, cookies: map[string]uint64{}, states: map[uint64]string{}}
}

func (p *tape) add(at time.Duration, e trace.Event) {
	e.T = start + at
	p.tr.Add(e)
}

// step adds a step, ACTOR.STEP.
func (p *tape) step(name string, began, ended time.Duration, set func(*trace.Step)) {
	s := p.begin(name, began)
	out := &trace.Step{Actor: s.Actor, ID: s.Step, Op: s.Op, N: s.N, Began: start + began}
	if set != nil {
		set(out)
	}
	p.add(ended, trace.Event{Step: out})
}

func (p *tape) begin(name string, began time.Duration) *trace.Start {
	actor, id, n := language.StepRef(name).Split()
	s := &trace.Start{Actor: actor, Step: id, Op: id, N: max(1, n)}
	p.add(began, trace.Event{Start: s})
	return s
}

func errno(name string) func(*trace.Step) {
	return func(s *trace.Step) { s.Errno, s.Result = name, -1 }
}

// program adds a change of the program of an actor's step exec, line a line that it wrote.
func (p *tape) program(actor string, at time.Duration, what trace.ProgramChange) {
	p.add(at, trace.Event{Program: &trace.Program{Actor: actor, Step: "exec", N: 1, What: what, PID: 7}})
}

func (p *tape) line(actor string, at time.Duration, stream trace.Stream, text string) {
	p.add(at, trace.Event{Line: &trace.Line{Actor: actor, Step: "exec", N: 1, Stream: stream, Text: trace.Output(text)}})
}

// longLine is a run in which client.exec printed a line that is not kept to its end.
func longLine(p *tape) *trace.Trace {
	p.program("client", ms, trace.ProgramStarted)
	p.add(2*ms, trace.Event{Line: &trace.Line{Actor: "client", Step: "exec", N: 1, Stream: trace.Stdout, Text: "a beginning of", Bytes: 5000}})
	return p.end(second, "done")
}

// logs is a run in which client.exec printed some lines, one 500 ms after client.web, and so many
// before it that are left out.
func logs(leftOut int64) func(p *tape) *trace.Trace {
	return func(p *tape) *trace.Trace {
		p.program("client", ms, trace.ProgramStarted)
		p.line("client", 2*ms, trace.Stdout, "up")
		p.step("client.web", 10*ms, 100*ms, func(s *trace.Step) { s.Op = "start" })
		if leftOut > 0 {
			p.add(200*ms, trace.Event{Program: &trace.Program{Actor: "client", Step: "exec", N: 1, What: trace.ProgramCut, Lines: leftOut, Bytes: 99}})
		}
		p.line("client", 600*ms, trace.Stderr, "timed out")
		p.line("server", 2*ms, trace.Stdout, "refused by another program")
		p.program("client", 700*ms, trace.ProgramEnded)
		return p.end(second, "done")
	}
}

// notReady is a run in which the program client.web did not get ready.
func notReady(p *tape) *trace.Trace {
	p.step("client.web", 0, second, func(s *trace.Step) {
		s.Op, s.Errno, s.Result, s.Value = "start", "ETIMEDOUT", -1, "no socket of it listens on port 80"
	})
	p.add(ms, trace.Event{Program: &trace.Program{Actor: "client", Step: "web", N: 1, What: trace.ProgramStarted, Beside: true}})
	p.add(2*ms, trace.Event{Line: &trace.Line{Actor: "client", Step: "web", N: 1, Stream: trace.Stderr, Text: "cannot bind"}})
	return p.end(2*second, "done")
}

// beside is a run in which the program client.web ran beside for a second, and ended as set says.
func beside(set func(*trace.Program)) func(p *tape) *trace.Trace {
	return func(p *tape) *trace.Trace {
		program := trace.Program{Actor: "client", Step: "web", N: 1, What: trace.ProgramStarted, PID: 7, Beside: true}
		started := program
		p.add(ms, trace.Event{Program: &started})
		program.What = trace.ProgramEnded
		set(&program)
		p.add(second+ms, trace.Event{Program: &program})
		return p.end(2*second, "done")
	}
}

func (p *tape) hits(fault string, at time.Duration, n uint64) {
	p.add(at, trace.Event{Fault: &trace.Fault{Name: fault, What: "on", Mechanism: "iptables"}})
	p.add(at, trace.Event{Fault: &trace.Fault{Name: fault, What: "hits", Hits: n}})
}

// socket adds a look at a socket that has just come to a state, and the transition that brought it
// there.
func (p *tape) socket(at time.Duration, host, local, remote, state string) *trace.Socket {
	s := &trace.Socket{Host: host, Cookie: p.cookie(host + local), Local: local, Remote: remote, State: state}
	p.add(at, trace.Event{Socket: s})
	to := state
	if to == "CLOSED" {
		to = "CLOSE"
	}
	if p.states[s.Cookie] != to {
		p.add(at, trace.Event{Transition: &trace.Transition{
			TCPSocket: trace.TCPSocket{Host: host, Cookie: s.Cookie, State: to, Local: local, Remote: remote},
			From:      p.states[s.Cookie],
		}})
		p.states[s.Cookie] = to
	}
	return s
}

func (p *tape) cookie(name string) uint64 {
	if p.cookies[name] == 0 {
		p.cookies[name] = uint64(len(p.cookies) + 1)
	}
	return p.cookies[name]
}

func (p *tape) end(at time.Duration, reason trace.EndReason, hanging ...string) *trace.Trace {
	p.add(at, trace.Event{End: &trace.End{Reason: reason, Hanging: hanging}})
	p.tr.Sort()
	return p.tr
}

// seen is a packet at a link end; flags are of "SAFR", an empty set is UDP.
type seen struct {
	host     string
	in       bool
	src, dst string
	sport    int
	dport    int
	flags    string
	seq, ack uint32
	data     string
}

func (p *tape) packet(at time.Duration, s seen) {
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.ParseIP(s.src).To4(), DstIP: net.ParseIP(s.dst).To4()}
	var head gopacket.SerializableLayer = &layers.TCP{
		SrcPort: layers.TCPPort(s.sport), DstPort: layers.TCPPort(s.dport), Seq: s.seq, Ack: s.ack, Window: 64240,
		SYN: strings.Contains(s.flags, "S"), ACK: strings.Contains(s.flags, "A"), FIN: strings.Contains(s.flags, "F"), RST: strings.Contains(s.flags, "R"),
	}
	if s.flags == "" {
		ip.Protocol = layers.IPProtocolUDP
		head = &layers.UDP{SrcPort: layers.UDPPort(s.sport), DstPort: layers.UDPPort(s.dport)}
	}
	p.frame(at, s, ip, head, gopacket.Payload(s.data))
}

func (p *tape) frame(at time.Duration, s seen, ls ...gopacket.SerializableLayer) {
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	buf := gopacket.NewSerializeBuffer()
	all := append([]gopacket.SerializableLayer{eth}, ls...)
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		panic(err)
	}
	p.add(at, trace.Event{Packet: &trace.Packet{LinkEnd: &trace.LinkEnd{Host: s.host, Device: "eth0"}, Out: !s.in, Frame: buf.Bytes(), Length: len(buf.Bytes())}})
}

// toServer and toClient are segments between port 41234 and port 8080, as their sender sees them.
func toServer(flags string, seq, ack uint32, data string) seen {
	return seen{host: "client", src: clientAddr, dst: serverAddr, sport: 41234, dport: 8080, flags: flags, seq: seq, ack: ack, data: data}
}

func toClient(flags string, seq, ack uint32, data string) seen {
	return seen{host: "server", src: serverAddr, dst: clientAddr, sport: 8080, dport: 41234, flags: flags, seq: seq, ack: ack, data: data}
}

// syns is a client that sends SYNs at these times and gives up at the end.
func syns(gaveUp time.Duration, at ...time.Duration) *trace.Trace {
	p := newTape()
	p.step("server.listen", 0, 0, nil)
	p.step("client.connect", 0, gaveUp, errno("ETIMEDOUT"))
	for _, t := range at {
		p.packet(t, toServer("S", 1000, 0, ""))
	}
	p.socket(0, "client", clientAddr+":41234", serverAddr+":8080", "SYN_SENT")
	p.socket(gaveUp, "client", clientAddr+":41234", serverAddr+":8080", "CLOSED")
	p.hits("silent-server", gaveUp, uint64(len(at)))
	return p.end(gaveUp+time.Second, "done")
}

// changeLast changes the last event, a packet.
func (p *tape) changeLast(change func(*trace.Packet)) {
	last := len(p.tr.Events) - 1
	e := p.tr.Events[last].Whole()
	e.Packet.Frame = slices.Clone(e.Packet.Frame)
	change(e.Packet)
	p.tr.Events = p.tr.Events[:last]
	p.tr.Add(e)
}
