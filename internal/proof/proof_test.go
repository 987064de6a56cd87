package proof

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

const (
	ms         = time.Millisecond
	clientAddr = "198.18.1.2"
	serverAddr = "198.18.2.2"
	port       = 8080
)

// tape records what one host of a connection sees: the client's, or the server's.
type tape struct {
	t    testing.TB
	tr   trace.Trace
	host string
	now  time.Duration
	// isn are the initial sequence numbers of this host and of the other.
	isn [2]uint32
	// cookie is the number of the socket in samples and steps.
	cookie uint64
	sport  int
	// window is that of segments. faults are what happens to packets between the host and the
	// capture: "output", "input" or "forges".
	window  uint16
	faults  string
	options []layers.TCPOption
}

func newTape(t testing.TB, host string) *tape {
	p := &tape{t: t, host: host, isn: [2]uint32{1000, 5000}, cookie: 7, sport: 40000, window: 64240}
	for name, addr := range map[string]string{"client": clientAddr, "server": serverAddr} {
		p.tr.Add(trace.Event{Host: &trace.Host{Name: name, Addresses: []string{addr + "/24"}}})
	}
	return p
}

func (p *tape) add(e trace.Event) *tape {
	p.now += ms
	e.T = p.now
	p.tr.Add(e)
	return p
}

func (p *tape) ends() (local, remote string) {
	client := net.JoinHostPort(clientAddr, strconv.Itoa(p.sport))
	server := net.JoinHostPort(serverAddr, strconv.Itoa(port))
	if p.host == "client" {
		return client, server
	}
	return server, client
}

// out and in add a segment with these flags, of "SAFR", and numbers counted from the initial ones.
func (p *tape) out(flags string, seq, ack, length int) *tape {
	return p.packet(true, flags, seq, ack, length)
}

func (p *tape) in(flags string, seq, ack, length int) *tape {
	return p.packet(false, flags, seq, ack, length)
}

func (p *tape) packet(out bool, flags string, seq, ack, length int) *tape {
	p.t.Helper()
	fromClient := out == (p.host == "client")
	own, other := p.isn[0], p.isn[1]
	if !out {
		own, other = other, own
	}
	src, dst, sport, dport := clientAddr, serverAddr, p.sport, port
	if !fromClient {
		src, dst, sport, dport = dst, src, dport, sport
	}
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(sport), DstPort: layers.TCPPort(dport), Window: p.window,
		Seq: own + uint32(seq),
		SYN: strings.Contains(flags, "S"), ACK: strings.Contains(flags, "A"),
		FIN: strings.Contains(flags, "F"), RST: strings.Contains(flags, "R"), Options: p.options,
	}
	if tcp.ACK {
		tcp.Ack = other + uint32(ack)
	}
	ip := &layers.IPv4{
		Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP,
		SrcIP: net.ParseIP(src).To4(), DstIP: net.ParseIP(dst).To4(),
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		p.t.Fatal(err)
	}
	eth := &layers.Ethernet{
		SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6),
		EthernetType: layers.EthernetTypeIPv4,
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		eth, ip, tcp, gopacket.Payload(make([]byte, length)))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.add(trace.Event{Packet: &trace.Packet{
		LinkEnd: &trace.LinkEnd{Host: p.host, Device: "eth0"}, Out: out, Frame: buf.Bytes(), Length: len(buf.Bytes()),
	}})
}

// fastSYN adds a SYN with the option TCP Fast Open and data.
func (p *tape) fastSYN(length int) *tape {
	p.options = []layers.TCPOption{{OptionType: 34, OptionLength: 10, OptionData: make([]byte, 8)}}
	p.out("S", 0, 0, length)
	p.options = nil
	return p
}

// look adds a look that saw the socket in a state.
func (p *tape) look(state string) *tape {
	local, remote := p.ends()
	return p.add(trace.Event{Socket: &trace.Socket{
		Host: p.host, Cookie: p.cookie, Local: local, Remote: remote, State: state,
		Took: 10 * time.Microsecond,
	}})
}

// step adds a step of the host's actor that began half a millisecond before its end.
func (p *tape) step(op, errno string, result int64) *tape {
	local, remote := p.ends()
	p.now += ms
	p.tr.Add(trace.Event{T: p.now, Step: &trace.Step{
		Actor: p.host, ID: op, Op: op, N: 1, Began: p.now - ms/2, Cookie: p.cookie,
		Local: local, Remote: remote, Errno: errno, Result: result,
	}})
	return p
}

// craft adds a segment step whose packet is the one captured last: a raw socket sent it.
func (p *tape) craft() *tape {
	last := p.tr.Events[len(p.tr.Events)-1]
	began := p.now - ms/2
	return p.add(trace.Event{Step: &trace.Step{
		Actor: p.host, ID: "segment", Op: "segment", N: 1, Began: began, Result: 40,
		Packet: last.Packet().Frame[14:54],
	}})
}

// watched says that the kernel's tracepoints are watched.
func (p *tape) watched() *tape { return p.add(trace.Event{Tracepoints: &trace.Tracepoints{}}) }

// goes adds the transitions along states.
func (p *tape) goes(states ...string) *tape {
	local, remote := p.ends()
	for i := range states[1:] {
		p.now += 10 * time.Microsecond
		p.tr.Add(trace.Event{T: p.now, Transition: &trace.Transition{
			TCPSocket: trace.TCPSocket{
				Host: p.host, Cookie: p.cookie, State: states[i+1], Local: local, Remote: remote,
			},
			From: states[i],
		}})
	}
	return p
}

// leaves adds the transition to CLOSE of a socket that a TIME_WAIT follows.
func (p *tape) leaves(from string) *tape {
	p.goes(from, "CLOSE")
	p.tr.Events[len(p.tr.Events)-1].Transition.FINReceived = true
	return p
}

// counters adds a counter that rose by n.
func (p *tape) counters(name string, n int64) *tape {
	for at, value := range map[trace.Moment]int64{trace.Before: 0, trace.After: n} {
		e := trace.Event{Counters: &trace.Counters{Host: p.host, At: at, Values: map[string]int64{name: value}}}
		if at == trace.Before {
			p.tr.Events = append(trace.Of(e).Events, p.tr.Events...)
			continue
		}
		p.add(e)
	}
	return p
}

// sockets ends the run and returns the sockets of the tape's host.
func (p *tape) sockets() []*Socket {
	p.now += 100 * ms
	p.add(trace.Event{End: &trace.End{Reason: trace.EndDone, Looked: p.now}})
	p.tr.Sort()
	return Sockets(&p.tr, p.scene())
}

// scene says what the tape's faults leave of what the capture shows.
func (p *tape) scene() Scene {
	without := func(what string) func(string) bool {
		return func(string) bool { return !strings.Contains(p.faults, what) }
	}
	return Scene{
		Host:   func(actor string) string { return actor },
		Output: without("output"), Input: without("input"),
		Forges: func(string) bool { return strings.Contains(p.faults, "forges") },
		Crafts: func(string) bool { return strings.Contains(p.faults, "crafts") },
	}
}

// paths ends the run and returns the paths of the sockets of the tape's host, as text.
func (p *tape) paths() []string {
	var all []string
	for _, s := range p.sockets() {
		var ways []string
		for _, path := range s.Paths {
			var states []string
			for _, phase := range path {
				state := phase.State
				if state == Unknown {
					state = "?"
				}
				states = append(states, state)
			}
			if len(path) == 0 {
				states = []string{"none"}
			}
			ways = append(ways, strings.Join(states, " "))
		}
		all = append(all, strings.Join(ways, " | "))
	}
	return all
}

// times returns the times of the phases of the one way that the tape's only socket went, in
// milliseconds: "ESTABLISHED 3" began then, "ESTABLISHED 3-5" at some time between the two.
func (p *tape) times() []string {
	p.t.Helper()
	all := p.sockets()
	if len(all) != 1 || len(all[0].Paths) != 1 {
		p.t.Fatalf("want one socket that went one way, got %v", all)
	}
	return timesOf(all[0].Paths[0])
}

func timesOf(path []Phase) []string {
	var words []string
	for _, phase := range path {
		from, to := phase.Earliest.Round(ms)/ms, phase.From.Round(ms)/ms
		word := fmt.Sprintf("%s %d", phase.State, from)
		if to != from {
			word += fmt.Sprintf("-%d", to)
		}
		words = append(words, word)
	}
	return words
}

// The packets of plain connections, as each side sees them.
func (p *tape) clientOpens() *tape { return p.out("S", 0, 0, 0).in("SA", 0, 1, 0).out("A", 1, 1, 0) }
func (p *tape) serverOpens() *tape { return p.in("S", 0, 0, 0).out("SA", 0, 1, 0).in("A", 1, 1, 0) }

func TestWhatPacketsStepsAndLooksProve(t *testing.T) {
	for _, test := range []struct {
		name string
		host string
		make func(*tape)
		want []string
	}{
		{"the active closer of a plain connection", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0)
			p.out("FA", 1, 1, 0).in("A", 1, 2, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"a FIN that acknowledges ours, too, passes FIN_WAIT2", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0)
			p.out("FA", 1, 1, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"both close at once", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0)
			p.out("FA", 1, 1, 0).in("FA", 1, 1, 0).out("A", 2, 2, 0).in("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 CLOSING TIME_WAIT"}},
		{"both open at once", "client", func(p *tape) {
			p.out("S", 0, 0, 0).in("S", 0, 0, 0).out("SA", 0, 1, 0).in("SA", 0, 1, 0).out("A", 1, 1, 0)
			p.step("connect", "", 0).in("A", 1, 1, 0).look("ESTABLISHED")
		}, []string{"SYN_SENT SYN_RECV ESTABLISHED"}},
		{"both open at once, and the peer's SYN-ACK is lost", "client", func(p *tape) {
			p.out("S", 0, 0, 0).in("S", 0, 0, 0).out("SA", 0, 1, 0).look("SYN_RECV")
		}, []string{"SYN_SENT SYN_RECV"}},
		{"the passive closer of a plain connection", "server", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("FA", 1, 1, 0).out("A", 1, 2, 0)
			p.step("recv", "", 0).step("close", "", 0).out("FA", 1, 2, 0).in("A", 2, 2, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED"}},
		{"a FIN that goes out with the acknowledgement of the peer's", "server", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("FA", 1, 1, 0)
			p.step("close", "", 0).out("FA", 1, 2, 0).in("A", 2, 2, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED"}},
		{"established and reset, between two looks", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("RA", 1, 1, 0)
		}, []string{"SYN_SENT ESTABLISHED CLOSED"}},
		{"a server's connection that nobody accepted before its RST", "server", func(p *tape) {
			p.serverOpens().in("RA", 1, 1, 0)
		}, []string{"SYN_RECV CLOSED | SYN_RECV ESTABLISHED CLOSED"}},
		{"an ACK that is answered by a RST: tcp_abort_on_overflow", "server", func(p *tape) {
			p.serverOpens().out("R", 1, 0, 0)
		}, []string{"SYN_RECV CLOSED"}},
		{"an ACK after a look that still saw a request", "server", func(p *tape) {
			p.serverOpens().look("SYN_RECV").in("RA", 1, 1, 0).look("CLOSED")
		}, []string{"SYN_RECV CLOSED"}},
		{"a connect that was refused", "client", func(p *tape) {
			p.out("S", 0, 0, 0).in("RA", -5000, 1, 0).step("connect", "ECONNREFUSED", -1)
		}, []string{"SYN_SENT CLOSED"}},
		{"a port where nobody listens has no socket", "server", func(p *tape) {
			p.in("S", 0, 0, 0).out("RA", -1000, 1, 0)
		}, nil},
		{"a SYN-ACK that is repeated after the ACK: the accept queue was full", "server", func(p *tape) {
			p.serverOpens().look("SYN_RECV").out("SA", 0, 1, 0).in("RA", 1, 1, 0).look("CLOSED")
		}, []string{"SYN_RECV CLOSED"}},
		{"a SYN that waits for a neighbour's address", "client", func(p *tape) {
			p.look("SYN_SENT").look("CLOSED")
		}, []string{"SYN_SENT CLOSED"}},
		{"two connections on the same ports", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("RA", 1, 1, 0)
			p.cookie, p.isn = 8, [2]uint32{70000, 90000}
			p.clientOpens().step("connect", "", 0).look("ESTABLISHED")
		}, []string{"SYN_SENT ESTABLISHED CLOSED", "SYN_SENT ESTABLISHED"}},
		{"a FIN that no step of the socket's program explains", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).out("FA", 1, 1, 0)
		}, []string{"SYN_SENT ESTABLISHED ? CLOSED"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, test.host)
			test.make(p)
			if diff := cmp.Diff(test.want, p.paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

// A program closes at some time before its FIN is captured.
func TestAFINShowsWhenItsProgramHadClosed(t *testing.T) {
	p := newTape(t, "client")
	p.clientOpens().step("connect", "", 0).add(trace.Event{Start: &trace.Start{Actor: "client", Op: "close"}})
	began := p.now
	p.out("FA", 1, 1, 0)
	sent := p.now
	local, remote := p.ends()
	p.now += ms
	p.tr.Add(trace.Event{T: p.now, Step: &trace.Step{
		Actor: "client", ID: "close", Op: "close", N: 1, Began: began, Cookie: p.cookie, Local: local, Remote: remote,
	}})
	p.look("FIN_WAIT1")
	p.tr.Sort()
	all := Sockets(&p.tr, SceneOf(&language.Scenario{Actors: []language.Actor{{Name: "client", Host: "client"}}}))
	if len(all) != 1 || len(all[0].Paths) != 1 {
		t.Fatalf("want one socket with one path, got %+v", all)
	}
	last := all[0].Paths[0][len(all[0].Paths[0])-1]
	if last.State != "FIN_WAIT1" || last.Earliest != began || last.From != sent {
		t.Errorf("got %+v, want FIN_WAIT1 between %v and %v", last, began, sent)
	}
}

// A socket that no look saw is gone once a system call returns why.
func TestAnErrorShowsThatItsSocketIsGone(t *testing.T) {
	p := newTape(t, "client")
	p.out("S", 0, 0, 0).step("connect", "ETIMEDOUT", -1)
	failed := p.now
	p.paths()
	all := Sockets(&p.tr, SceneOf(&language.Scenario{Actors: []language.Actor{{Name: "client", Host: "client"}}}))
	if len(all) != 1 || len(all[0].Paths) != 1 {
		t.Fatalf("want one socket with one path, got %+v", all)
	}
	last := all[0].Paths[0][len(all[0].Paths[0])-1]
	if last.State != "CLOSED" || last.From != failed || last.Source != ByStep {
		t.Errorf("got %+v, want CLOSED at %v by the step", last, failed)
	}
}

// Where something may take packets away before the capture, less is proven.
func TestWhatHiddenPacketsLeaveOpen(t *testing.T) {
	opened := func(p *tape) {
		p.clientOpens().step("connect", "", 0).step("close", "", 0).out("RA", 1, 1, 0)
	}
	for _, test := range []struct {
		name   string
		faults string
		want   []string
	}{
		{"no FIN was seen, so none was sent", "", []string{"SYN_SENT ESTABLISHED CLOSED"}},
		{"a FIN may have been taken away", "input output", []string{
			"SYN_SENT ESTABLISHED CLOSED | SYN_SENT ESTABLISHED FIN_WAIT1 CLOSED",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, "client")
			opened(p)
			p.faults = test.faults
			if diff := cmp.Diff(test.want, p.paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

// A state that may have come before the end had come by then.
func TestNoStateBeginsAfterTheEndOfItsSocket(t *testing.T) {
	p := newTape(t, "client")
	p.add(trace.Event{Start: &trace.Start{Actor: "client", Op: "exec"}})
	p.clientOpens().look("ESTABLISHED").in("RA", 1, 1, 0).look("CLOSED")
	p.faults = "output"
	all := p.sockets()
	if len(all) != 1 || len(all[0].Paths) != 2 {
		t.Fatalf("want one socket with two paths, got %+v", all)
	}
	for _, path := range all[0].Paths {
		for i := range path {
			if at := path[i].From; at < path[i].Earliest || i > 0 && at < path[i-1].From {
				t.Errorf("%s begins at %v, before it could or before the state before it: %+v",
					path[i].State, at, path)
			}
		}
	}
}

func TestWhatTransitionsHide(t *testing.T) {
	for _, test := range []struct {
		name string
		host string
		make func(*tape)
		want []string
	}{
		{"a request is SYN_RECV from its SYN-ACK on", "server", func(p *tape) {
			p.watched().serverOpens().goes("LISTEN", "SYN_RECV", "ESTABLISHED").look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED"}},
		{"a request that never became a connection", "server", func(p *tape) {
			p.watched().in("S", 0, 0, 0).out("SA", 0, 1, 0).look("SYN_RECV").look("CLOSED")
		}, []string{"SYN_RECV CLOSED"}},
		{"a TIME_WAIT takes the socket's place", "client", func(p *tape) {
			p.watched().clientOpens().goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2")
			p.leaves("FIN_WAIT2").look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"no TIME_WAIT had room", "client", func(p *tape) {
			p.watched().clientOpens().goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2")
			p.leaves("FIN_WAIT2").counters("TcpExt.TCPTimeWaitOverflow", 1)
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED"}},
		{"a RST that somebody else sends when TIME_WAIT begins", "client", func(p *tape) {
			p.watched().clientOpens().goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2")
			p.in("FA", 1, 2, 0).leaves("FIN_WAIT2")
			p.now -= ms - 20*time.Microsecond
			p.in("R", 1, 0, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"a FIN that waits while FIN_WAIT2 loses its socket", "client", func(p *tape) {
			p.faults = "input"
			p.watched().clientOpens().in("FA", 1, 2, 0)
			p.goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE")
			p.look("FIN_WAIT2").look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"a FIN that comes when nothing is left of FIN_WAIT2", "client", func(p *tape) {
			p.watched().clientOpens()
			p.goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE")
			p.look("FIN_WAIT2").look("CLOSED").in("FA", 1, 2, 0).out("R", 2, 0, 0)
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED"}},
		{"two connections on the same ports, soon after each other", "server", func(p *tape) {
			p.watched().serverOpens().goes("LISTEN", "SYN_RECV", "ESTABLISHED", "CLOSE").in("R", 1, 0, 0)
			p.cookie, p.isn = 8, [2]uint32{70000, 90000}
			p.serverOpens().goes("LISTEN", "SYN_RECV", "ESTABLISHED").look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED"}},
		{"a RST that a TIME_WAIT does not take", "client", func(p *tape) {
			p.watched().clientOpens().goes("CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2")
			p.in("FA", 1, 2, 0).leaves("FIN_WAIT2").out("A", 2, 2, 0).look("TIME_WAIT").in("R", 1, 0, 0)
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"a transition to CLOSE that is missing, and not counted as lost", "client", func(p *tape) {
			p.watched().clientOpens().step("connect", "", 0).goes("CLOSE", "SYN_SENT", "ESTABLISHED")
			p.look("ESTABLISHED").step("recv", "ETIMEDOUT", -1).look("CLOSED")
		}, []string{"SYN_SENT ESTABLISHED CLOSED"}},
		{"a transition in the middle that is missing", "client", func(p *tape) {
			p.watched().clientOpens().step("connect", "", 0).goes("CLOSE", "SYN_SENT", "ESTABLISHED")
			p.step("close", "", 0).out("FA", 1, 1, 0).in("A", 1, 2, 0).in("FA", 1, 2, 0)
			p.leaves("FIN_WAIT2").out("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"lost transitions are made up for by packets", "client", func(p *tape) {
			p.watched().clientOpens().step("connect", "", 0).goes("CLOSE", "SYN_SENT").look("ESTABLISHED")
			p.add(trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Transitions, N: 1}})
		}, []string{"SYN_SENT ESTABLISHED"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, test.host)
			test.make(p)
			if diff := cmp.Diff(test.want, p.paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

// Routes lead along TCP's state machine, and there is none back.
func TestRoutes(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     int
	}{
		{established, established, 1},
		{established, timeWait, 2}, // by FIN_WAIT2 or CLOSING
		{established, lastAck, 1},  // by CLOSE_WAIT
		{timeWait, established, 0}, // no way back
		{synRecv, closeWait, 1},    // by ESTABLISHED
		{none, synRecv, 2},         // as a request, or after a SYN of its own
		{closeWait, closed, 2},     // at once, or by LAST_ACK
		{finWait1, finWait2, 1},
	} {
		if got := routes(test.from, test.to); len(got) != test.want {
			t.Errorf("from %s to %s there are %d routes, want %d: %v", test.from, test.to, len(got), test.want, got)
		}
	}
}
