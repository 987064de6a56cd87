package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

// again begins another connection between the same ends.
func (p *tape) again() *tape {
	p.cookie, p.isn = p.cookie+1, [2]uint32{p.isn[0] + 70000, p.isn[1] + 90000}
	return p
}

// whileWindowIs adds what make does, with another window.
func (p *tape) whileWindowIs(window uint16, make func(*tape) *tape) *tape {
	before := p.window
	p.window = window
	make(p)
	p.window = before
	return p
}

// Rows with faults say what something does to packets between the host's sockets and the capture.
func TestWhatStrangePacketsProve(t *testing.T) {
	for _, test := range []struct {
		name   string
		host   string
		faults string
		make   func(*tape)
		want   []string
	}{
		{"data that was kept until its socket had been reset", "server", "output", func(p *tape) {
			p.serverOpens().step("accept", "", 4).step("send", "", 10).step("close", "", 0)
			p.look("CLOSED").out("A", 1, 1, 10).out("R", 11, 0, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSED | SYN_RECV ESTABLISHED FIN_WAIT1 CLOSED"}},
		{"an ACK that was sent before the FIN came, and captured after", "client", "output", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("FA", 1, 1, 0).look("CLOSE_WAIT").out("A", 1, 1, 0)
		}, []string{"SYN_SENT ESTABLISHED CLOSE_WAIT"}},
		{"a RST that a fault forged in the host's name", "client", "forges", func(p *tape) {
			p.clientOpens().step("connect", "", 0).out("RA", 1, 1, 0).look("ESTABLISHED")
		}, []string{"SYN_SENT ESTABLISHED"}},
		{"a SYN where a program may have sent it by a raw socket", "client", "crafts", func(p *tape) {
			p.out("S", 0, 0, 0).in("RA", -5000, 1, 0)
		}, []string{"none | SYN_SENT CLOSED"}},
		{"a RST that a raw socket sent in the socket's name", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).out("RA", 1, 1, 0).craft().look("ESTABLISHED")
		}, []string{"SYN_SENT ESTABLISHED"}},
		{"a FIN of the socket while a raw socket sends another packet", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).out("A", 100, 1, 0).craft()
			p.step("close", "", 0).out("FA", 1, 1, 0).look("FIN_WAIT1")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1"}},
		{"a FIN that waits at the host's input", "client", "input", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("FA", 1, 1, 0).look("ESTABLISHED").look("CLOSE_WAIT")
		}, []string{"SYN_SENT ESTABLISHED CLOSE_WAIT"}},
		{"a FIN of the connection before, in the next one", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("RA", 1, 1, 0)
			p.again().clientOpens().step("connect", "", 0)
			p.in("FA", 1-90000, 1-70000, 0).look("ESTABLISHED").step("close", "", 0).out("FA", 1, 1, 0)
			p.in("A", 1, 2, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{
			"SYN_SENT ESTABLISHED CLOSED", "SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
		}},
		{"a close of the connection before that ends in the next one", "server", "", func(p *tape) {
			p.serverOpens().step("accept", "", 4).look("ESTABLISHED").in("RA", 1, 1, 0).look("CLOSED")
			old := p.cookie
			p.again().serverOpens().look("ESTABLISHED")
			p.cookie = old
			p.step("close", "", 0)
			p.cookie++
			p.in("A", 1, 1, 10).out("A", 1, 11, 0).look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED"}},
		{"a SYN-ACK of the connection before that is sent again in the next one", "server", "output", func(p *tape) {
			p.serverOpens().step("accept", "", 4).look("ESTABLISHED").in("RA", 1, 1, 0).look("CLOSED")
			p.again().serverOpens().look("ESTABLISHED").in("A", 1, 1, 10).out("A", 1, 11, 0)
			p.out("SA", -70000, 1-90000, 0).look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED"}},
		{"a look that began before the SYN-ACK, and saw the connection", "server", "", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("RA", 1, 1, 0)
			p.cookie++
			p.isn = [2]uint32{71000, 95000}
			p.in("S", 0, 0, 0).look("ESTABLISHED")
			p.tr.Events[len(p.tr.Events)-1].Socket.Took = 3 * ms
			p.out("SA", 0, 1, 0).in("A", 1, 1, 0).look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED"}},
		{"a SYN of a dead socket after the next one has begun", "client", "output", func(p *tape) {
			p.again().look("SYN_SENT").add(trace.Event{Socket: nil, Note: &trace.Note{}})
			p.isn[0] -= 70000
			p.out("S", 0, 0, 0)
			p.isn[0] += 70000
			p.clientOpens().look("ESTABLISHED")
		}, []string{"SYN_SENT CLOSED", "SYN_SENT ESTABLISHED"}},
		{"the SYN-ACK of a peer that opens, too", "client", "", func(p *tape) {
			p.out("S", 0, 0, 0).in("S", 0, 0, 0).out("SA", 0, 1, 0).in("SA", 0, 1, 0)
			p.out("A", 1, 1, 0).look("ESTABLISHED")
		}, []string{"SYN_SENT SYN_RECV ESTABLISHED"}},
		{"a close before both have opened", "client", "", func(p *tape) {
			p.out("S", 0, 0, 0).in("S", 0, 0, 0).out("SA", 0, 1, 0).step("connect", "EINPROGRESS", -1)
			p.step("close", "", 0).look("FIN_WAIT1").out("SA", 0, 1, 0)
			p.in("A", 1, 1, 0).out("FA", 1, 1, 0).look("FIN_WAIT1")
		}, []string{"SYN_SENT SYN_RECV FIN_WAIT1"}},
		{"a window of 0 in the SYN-ACK, which stops the FIN", "client", "", func(p *tape) {
			p.out("S", 0, 0, 0).whileWindowIs(0, func(p *tape) *tape { return p.in("SA", 0, 1, 0) })
			p.out("A", 1, 1, 0).step("connect", "", 0).step("close", "", 0).out("A", 0, 1, 0)
			p.in("A", 1, 1, 0).out("FA", 1, 1, 0).look("FIN_WAIT1")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1"}},
		{"a connect that returns before the SYN: it has data", "client", "", func(p *tape) {
			p.step("connect", "", 0).fastSYN(10).in("SA", 0, 11, 0).out("A", 11, 1, 0).look("ESTABLISHED")
		}, []string{"SYN_SENT ESTABLISHED"}},
		{"a FIN that somebody else sent: the data go beyond it", "server", "", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("FA", 2, 1, 0).out("A", 1, 1, 0)
			p.in("A", 1, 1, 100).out("A", 1, 101, 0).in("A", 101, 1, 0)
			p.look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED"}},
		{"a close of the connection before, when nobody has looked at the next", "server", "", func(p *tape) {
			p.serverOpens().step("accept", "", 4).look("ESTABLISHED").in("RA", 1, 1, 0).look("CLOSED")
			old := p.cookie
			p.again().serverOpens()
			p.cookie = old
			p.step("close", "", 0)
			p.in("A", 1, 1, 10).out("A", 1, 11, 0).in("R", 11, 0, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED CLOSED"}},
		{"one of two had no room for TIME_WAIT, or a RST ended its FIN_WAIT2", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0)
			p.out("FA", 1, 1, 0).in("A", 1, 2, 0).in("R", 1, 0, 0)
			p.again().clientOpens().step("connect", "", 0).step("close", "", 0)
			p.out("FA", 1, 1, 0).in("A", 1, 2, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0)
			p.counters("TcpExt.TCPTimeWaitOverflow", 1)
		}, []string{
			"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED",
			"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED | " +
				"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSED",
		}},
		{"segments that a request answers with an ACK", "server", "", func(p *tape) {
			p.serverOpens().in("A", 1, 1, 10).out("A", 1, 1, 0).look("SYN_RECV")
		}, []string{"SYN_RECV"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, test.host)
			p.faults = test.faults
			test.make(p)
			if diff := cmp.Diff(test.want, p.paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

// A segment that no RST answers met a socket, and what comes in is taken in order.
func TestWhatTheOrderOfPacketsProves(t *testing.T) {
	noDefers := func(p *tape) *tape { return p.counters("TcpExt.ListenDrops", 0) }
	for _, test := range []struct {
		name string
		host string
		make func(*tape)
		want []string
	}{
		{"a RST after the ACK of the FIN", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("FA", 1, 1, 0)
			p.in("A", 1, 2, 0).in("R", 1, 0, 0)
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED"}},
		{"a RST after the FIN", "server", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("FA", 1, 1, 0).in("R", 2, 0, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSE_WAIT CLOSED"}},
		{"a RST after a FIN that followed lost data", "server", func(p *tape) {
			p.serverOpens().step("accept", "", 4).in("FA", 11, 1, 0).in("R", 1, 0, 0)
		}, []string{"SYN_RECV ESTABLISHED CLOSED | SYN_RECV ESTABLISHED CLOSE_WAIT CLOSED"}},
		{"a RST after the handshake, where every listener had room", "server", func(p *tape) {
			noDefers(p.serverOpens().in("RA", 1, 1, 0))
		}, []string{"SYN_RECV ESTABLISHED CLOSED"}},
		{"the peer's FIN after the ACK of ours, which it had not got when it sent the FIN", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("FA", 1, 1, 0)
			p.in("A", 1, 2, 0).in("FA", 1, 1, 0).out("A", 2, 2, 0).look("TIME_WAIT")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"}},
		{"an error of the connection before, which a step returns in the next one", "server", func(p *tape) {
			p.serverOpens().step("accept", "", 4).look("ESTABLISHED").in("RA", 1, 1, 0).look("CLOSED")
			old := p.cookie
			p.again().serverOpens().look("ESTABLISHED")
			p.cookie = old
			p.step("recv", "ECONNRESET", -1)
			p.cookie++
			p.look("ESTABLISHED")
		}, []string{"SYN_RECV ESTABLISHED CLOSED", "SYN_RECV ESTABLISHED"}},
		{"a descriptor that was refused on another port before", "client", func(p *tape) {
			p.step("connect", "ECONNREFUSED", -1)
			s := p.tr.Events[len(p.tr.Events)-1].Step
			s.Local, s.Remote = "0.0.0.0:39999", ""
			p.clientOpens().step("connect", "", 0).look("ESTABLISHED")
		}, []string{"SYN_SENT ESTABLISHED"}},
		{"a look after the last packet that was captured, which was a RST", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("R", 1, 0, 0)
			noDefers(p.add(trace.Event{Note: &trace.Note{}})).step("close", "", 0).look("CLOSED")
		}, []string{"SYN_SENT ESTABLISHED CLOSED"}},
		{"a look after the last packet that was captured", "client", func(p *tape) {
			noDefers(p.clientOpens().step("connect", "", 0).step("close", "", 0).out("FA", 1, 1, 0))
			p.look("FIN_WAIT1").look("FIN_WAIT2")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2"}},
		{"an accept of a connection that was reset", "server", func(p *tape) {
			p.serverOpens().in("RA", 1, 1, 0).step("accept", "", 4)
		}, []string{"SYN_RECV ESTABLISHED CLOSED"}},
		{"a SYN-ACK that comes when the program has closed its socket", "client", func(p *tape) {
			p.out("S", 0, 0, 0).step("connect", "EINPROGRESS", -1).step("close", "", 0)
			p.in("SA", 0, 1, 0).out("R", 1, 0, 0)
		}, []string{"SYN_SENT CLOSED"}},
		{"data that ends a socket in FIN_WAIT1, and acknowledges its FIN", "client", func(p *tape) {
			p.clientOpens().step("connect", "", 0).step("close", "", 0).out("FA", 1, 1, 0)
			p.look("FIN_WAIT1").in("A", 1, 2, 10).out("R", 2, 0, 0).look("CLOSED")
		}, []string{"SYN_SENT ESTABLISHED FIN_WAIT1 CLOSED | SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED"}},
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

// What is not known about when a phase began is not said.
func TestWhenPhasesBegin(t *testing.T) {
	for _, test := range []struct {
		name   string
		host   string
		faults string
		make   func(*tape)
		want   []string
	}{
		{"a plain connection", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).look("ESTABLISHED")
		}, []string{"SYN_SENT 1", "ESTABLISHED 2"}},
		{"the accept queue is full until data come", "server", "", func(p *tape) {
			p.serverOpens().in("A", 1, 1, 10).out("A", 1, 11, 0).look("ESTABLISHED")
			p.counters("TcpExt.ListenOverflows", 1)
		}, []string{"SYN_RECV 2", "ESTABLISHED 3-4"}},
		{"a look sees that the queue was full", "server", "", func(p *tape) {
			p.serverOpens().look("SYN_RECV").in("A", 1, 1, 10).out("A", 1, 11, 0).look("ESTABLISHED")
		}, []string{"SYN_RECV 2", "ESTABLISHED 5"}},
		{"a SYN cookie needs no request", "server", "", func(p *tape) {
			p.serverOpens().look("ESTABLISHED").counters("TcpExt.SyncookiesSent", 1)
		}, []string{"SYN_RECV 2-3", "ESTABLISHED 3"}},
		{"a SYN that was kept before the capture", "client", "output", func(p *tape) {
			p.step("connect", "EINPROGRESS", -1).clientOpens().look("ESTABLISHED")
		}, []string{"SYN_SENT 1-2", "ESTABLISHED 3"}},
		{"a FIN that was kept after the capture", "client", "input", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("FA", 1, 1, 0).out("A", 1, 1, 10).out("A", 11, 2, 0)
			p.look("CLOSE_WAIT")
		}, []string{"SYN_SENT 1", "ESTABLISHED 2-3", "CLOSE_WAIT 6-7"}},
		{"a FIN after data that was lost, and came again", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("FA", 11, 1, 0).out("A", 1, 1, 0)
			p.in("A", 1, 1, 10).out("A", 1, 12, 0).look("CLOSE_WAIT")
		}, []string{"SYN_SENT 1", "ESTABLISHED 2", "CLOSE_WAIT 6-8"}},
		{"a program that closes at some time before its FIN is seen", "client", "", func(p *tape) {
			p.add(trace.Event{Start: &trace.Start{Actor: "client", Step: "exec", Op: "exec", N: 1}})
			p.clientOpens().look("ESTABLISHED").add(trace.Event{Note: &trace.Note{}})
			p.out("FA", 1, 1, 0).look("FIN_WAIT1")
		}, []string{"SYN_SENT 1-2", "ESTABLISHED 3", "FIN_WAIT1 5-7"}},
		{"a RST that does not fit, before the end that no packet shows", "client", "", func(p *tape) {
			p.clientOpens().step("connect", "", 0).in("R", 100, 0, 0).look("ESTABLISHED").look("CLOSED")
		}, []string{"SYN_SENT 1", "ESTABLISHED 2", "CLOSED 6-7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, test.host)
			p.faults = test.faults
			test.make(p)
			if diff := cmp.Diff(test.want, p.times()); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}
