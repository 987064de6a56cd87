package assertions

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/testlab"
)

// fixture is one expectation against one trace. Unless record does something else, its fault has
// struck and its run has ended.
type fixture struct {
	name   string
	expect string
	record func(*tape) *trace.Trace
	want   Status
}

// golden judges the first expectation of each fixture and compares code, title and reason, or what was
// seen, with testdata/KIND.golden.
func golden(t *testing.T, kind, actors string, fixtures []fixture) {
	t.Helper()
	var out strings.Builder
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			v := Check(lab(t, actors, f.expect), f.record(newTape()))[0]
			if v.Status != f.want {
				t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, f.want, v.Reason)
			}
			if (v.Code == "") != (v.Status == Pass) {
				t.Errorf("%s: %s with the code %q", v.Title, v.Status, v.Code)
			}
			fmt.Fprintf(&out, "# %s\n%s %s\n", f.name, strings.TrimSpace(fmt.Sprintf("%s %s", v.Status, v.Code)), v.Title)
			switch {
			case v.Reason != "":
				fmt.Fprintln(&out, v.Reason)
			case v.Got != v.Want:
				fmt.Fprintf(&out, "wanted %s, saw %s\n", v.Want, v.Got)
			}
			for _, note := range v.Notes {
				fmt.Fprintln(&out, "note: "+note)
			}
			fmt.Fprintln(&out)
		})
	}
	testlab.Golden(t, filepath.Join("testdata", kind+".golden"), out.String())
}

const second = time.Second

func TestStepExpectations(t *testing.T) {
	const actors = `
server: [listen: {port: 8080}, accept: {}]
client:
  - connect: {to: "server:8080"}
  - {send: hello, times: 3}
  - recv: {}
  - getsockopt: {option: SO_ERROR}
  - tcp_info: {}
  - poll: {}
`
	one := func(name string, began, ended time.Duration, set func(*trace.Step)) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace { p.step(name, began, ended, set); return p.end(70*second, "done") }
	}
	three := func(p *tape) *trace.Trace {
		p.step("client.send[1]", 0, ms, func(s *trace.Step) { s.Result, s.Bytes = 5, 5 })
		p.step("client.send[2]", second, 1001*ms, func(s *trace.Step) { s.Result, s.Bytes = 5, 5 })
		p.step("client.send[3]", 2*second, 2001*ms, errno("EPIPE"))
		return p.end(3*second, "done")
	}
	received := func(s *trace.Step) { s.Result, s.Bytes, s.Data = 5, 5, []byte("hello") }
	much := func(s *trace.Step) {
		s.Result, s.Bytes, s.Data, s.SHA256 = 9000, 9000, []byte("hello"), "abc"
	}
	digested := func(s *trace.Step) {
		s.Result, s.Bytes, s.SHA256 = 5, 5, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	}
	golden(t, "step", actors, []fixture{
		{"an error after its time", `- {step: client.connect, error: ETIMEDOUT, took: 63s}`, one("client.connect", 0, 64*second, errno("ETIMEDOUT")), Pass},
		{"another error", `- {step: client.connect, error: ETIMEDOUT}`, one("client.connect", 0, ms, errno("ECONNREFUSED")), Fail},
		{"an error too early", `- {step: client.connect, error: ETIMEDOUT, took: 63s}`, one("client.connect", 0, 31*second, errno("ETIMEDOUT")), Fail},
		{"success where an error is wanted", `- {step: client.connect, error: ETIMEDOUT}`, one("client.connect", 0, ms, nil), Fail},
		{"an error where none is named", `- {step: client.connect}`, one("client.connect", 0, ms, errno("ECONNREFUSED")), Fail},
		{"a result that allows an error", `- {step: client.connect, result: -1}`, one("client.connect", 0, ms, errno("ECONNREFUSED")), Pass},
		{"a time since an event", `- {step: client.recv, at: 1s, since: client.connect}`, func(p *tape) *trace.Trace {
			p.step("client.connect", 0, second, nil)
			p.step("client.recv", second, 2010*ms, nil)
			return p.end(3*second, "done")
		}, Pass},
		{"a time since an event that never happened", `- {step: client.recv, at: 1s, since: client.connect}`, one("client.recv", 0, second, nil), Fail},
		{"bytes and text as wanted", `- {step: client.recv, bytes: 5, text: hello}`, one("client.recv", 0, ms, received), Pass},
		{"digest of the bytes as wanted", `- {step: client.recv, sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824}`, one("client.recv", 0, ms, digested), Pass},
		{"another digest", `- {step: client.recv, sha256: 486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7}`, one("client.recv", 0, ms, digested), Fail},
		{"other bytes and text", `- {step: client.recv, bytes: 10..20, text: {contains: world}}`, one("client.recv", 0, ms, received), Fail},
		{"text in the bytes that were kept", `- {step: client.recv, text: {contains: hell}}`, one("client.recv", 0, ms, much), Pass},
		{"text that is not in the bytes that were kept", `- {step: client.recv, text: {contains: world}}`, one("client.recv", 0, ms, much), Fail},
		{"a text of which only the beginning was kept", `- {step: client.recv, text: hello}`, one("client.recv", 0, ms, much), Fail},
		{"a digest of more bytes than were kept", `- {step: client.recv, sha256: abc}`, one("client.recv", 0, ms, much), Pass},
		{"a value", `- {step: client.getsockopt, value: ECONNREFUSED}`, one("client.getsockopt", 0, 0, func(s *trace.Step) { s.Value = "ECONNREFUSED" }), Pass},
		{"another value", `- {step: client.poll, value: {matches: "^in"}}`, one("client.poll", 0, 0, func(s *trace.Step) { s.Value = "out,err,hup" }), Fail},
		{"a field of tcp_info", `- {step: client.tcp_info, values: {retransmits: ">= 1"}}`, one("client.tcp_info", 0, 0, func(s *trace.Step) { s.Values = map[string]int64{"retransmits": 2} }), Pass},
		{"another number in tcp_info", `- {step: client.tcp_info, values: {retransmits: 0, rto: 1}}`, one("client.tcp_info", 0, 0, func(s *trace.Step) { s.Values = map[string]int64{"retransmits": 2} }), Fail},
		{"the peer", `- {step: server.accept, peer: client}`, one("server.accept", 0, 0, func(s *trace.Step) { s.Peer = clientAddr + ":41234" }), Pass},
		{"another peer", `- {step: server.accept, peer: "client:5000"}`, one("server.accept", 0, 0, func(s *trace.Step) { s.Peer = clientAddr + ":41234" }), Fail},
		{"every execution, of which one fails", `- {step: client.send}`, three, Fail},
		{"one execution of several", `- {step: "client.send[2]", bytes: 5}`, three, Pass},
		{"as many executions as wanted", `- {step: client.send, count: 2}`, three, Pass},
		{"too few executions that end as wanted", `- {step: client.send, count: 3}`, three, Fail},
		{"fewer executions than the scenario asks for", `- {step: client.send}`, one("client.send[1]", 0, ms, nil), Fail},
		{"any number of executions", `- {step: client.send, count: ">= 0"}`, three, Pass},
		{"no execution that ends so, of a step that never began", `- {step: client.send, error: EPIPE, count: 0}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Pass},
		{"none of several executions in progress", `- {step: client.send, hangs: true, count: 0}`, three, Pass},
		{"no execution in progress of a step that never began", `- {step: client.send, hangs: true, count: 0}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Pass},
		{"a result below a number, but an error", `- {step: client.connect, result: "<= 5"}`, one("client.connect", 0, ms, errno("EPIPE")), Fail},
		{"a result below zero", `- {step: client.connect, result: "< 0"}`, one("client.connect", 0, ms, errno("EPIPE")), Pass},
		{"a result from -1", `- {step: client.connect, result: -1..5}`, one("client.connect", 0, ms, errno("EPIPE")), Pass},
		{"an end long before the event that it is counted from", `- {step: client.recv, at: "< 5s", since: client.connect}`, func(p *tape) *trace.Trace {
			p.step("client.recv", 0, second, nil)
			p.step("client.connect", 0, 3*second, nil)
			return p.end(4*second, "done")
		}, Fail},
		{"an end just before the event that it is counted from", `- {step: client.recv, at: "< 5s", since: client.connect}`, func(p *tape) *trace.Trace {
			p.step("client.recv", 0, second, nil)
			p.step("client.connect", 0, second+2*ms, nil)
			return p.end(4*second, "done")
		}, Pass},
		{"a step in progress when its process was killed", `- {step: client.connect, hangs: true}`, func(p *tape) *trace.Trace {
			p.begin("client.connect", 0)
			p.add(6*second, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
			return p.end(75*second, "deadline", "server.accept")
		}, Pass},
		{"the outcome of a step in progress when its process was killed", `- {step: client.connect}`, func(p *tape) *trace.Trace {
			p.begin("client.connect", 0)
			p.add(6*second, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
			return p.end(7*second, "done")
		}, Fail},
		{"a step that never began", `- {step: client.send}`, func(p *tape) *trace.Trace {
			p.begin("client.connect", 0)
			return p.end(75*second, "deadline", "client.connect")
		}, Fail},
		{"a step of a process that was killed", `- {step: client.recv}`, func(p *tape) *trace.Trace {
			p.step("client.connect", 0, ms, nil)
			p.add(6*second, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
			return p.end(7*second, "done")
		}, Fail},
		{"a step still in progress", `- {step: client.connect}`, func(p *tape) *trace.Trace {
			p.begin("client.connect", 0)
			return p.end(75*second, "deadline", "client.connect")
		}, Fail},
	})
}

func TestPacketExpectations(t *testing.T) {
	at := func(times ...time.Duration) func(*tape) *trace.Trace {
		return func(*tape) *trace.Trace { return syns(70*second, times...) }
	}
	backoff := at(0, 1010*ms, 3020*ms, 7100*ms)
	handshake := func(p *tape) *trace.Trace {
		p.step("client.connect", 0, 2*ms, nil)
		for i, s := range []seen{toServer("S", 1000, 0, ""), toClient("SA", 5000, 1001, ""), toServer("A", 1001, 5001, ""), toServer("A", 1001, 5001, "hello")} {
			when := time.Duration(i) * ms
			p.packet(when, s)
			// Each packet is seen four times: leaving, entering and leaving the wire, arriving.
			for _, end := range []struct {
				host string
				in   bool
			}{{"wire", true}, {"wire", false}, {map[string]string{"client": "server", "server": "client"}[s.host], true}} {
				s.host, s.in = end.host, end.in
				p.packet(when+ms/10, s)
			}
		}
		return p.end(second, "done")
	}
	forged := func(p *tape) *trace.Trace {
		p.packet(0, toServer("S", 1000, 0, ""))
		s := toServer("S", 1000, 0, "")
		s.host, s.in = "wire", true
		p.packet(0, s)
		s = toClient("RA", 0, 1001, "")
		s.host = "wire"
		p.packet(ms, s)
		s.host, s.in = "client", true
		p.packet(ms, s)
		return p.end(second, "done")
	}
	// refused has a RST that the wire forged in answer to one SYN, and one from the server that answers
	// another SYN between the same ports: they have the same numbers.
	refused := func(forgedAt, sentAt time.Duration) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			s := toClient("RA", 0, 1001, "")
			at := func(when time.Duration, host string, in bool) {
				s.host, s.in = host, in
				p.packet(when, s)
			}
			at(forgedAt, "wire", false)
			at(forgedAt, "client", true)
			at(sentAt, "server", false)
			at(sentAt+10*time.Microsecond, "wire", false)
			at(sentAt+20*time.Microsecond, "wire", true) // the two ends disagree
			at(sentAt+30*time.Microsecond, "client", true)
			return p.end(second, "done")
		}
	}
	// counted has the hits of a fault that are read now and then, and reported those of one whose
	// mechanism reports each.
	counted := func(at ...time.Duration) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.hits("silent-server", 0, 0)
			for i, at := range at {
				p.packet(at, toServer("S", 1000, 0, ""))
				p.add(at+8*ms, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultHits, Hits: uint64(i + 1)}})
			}
			return p.end(5*second, "done")
		}
	}
	reported := func(p *tape) *trace.Trace {
		p.packet(second, toServer("S", 1000, 0, ""))
		p.add(second+ms, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultHit, Hits: 1}})
		return p.end(5*second, "done")
	}
	cut := func(p *tape) *trace.Trace {
		p.packet(0, toServer("A", 1, 1, "hello"))
		p.changeLast(func(k *trace.Packet) { k.Frame = k.Frame[:len(k.Frame)-3] })
		return p.end(second, "done")
	}
	golden(t, "packets", connecting, []fixture{
		{"a count and its gaps", `- {packets: {from: client, tcp: SYN}, count: 4, gaps: [1s, 2s, 4s, 8s, 16s]}`, backoff, Pass},
		{"fewer packets than wanted", `- {packets: {from: client, tcp: SYN}, count: 6}`, backoff, Fail},
		{"none, but other packets", `- {packets: {from: client, tcp: RST}, count: 1}`, backoff, Fail},
		{"none at all", `- {packets: {from: client, tcp: RST}, count: ">= 1"}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"none, with times that there were none for", `- {packets: {from: client, tcp: RST}, count: 1, at: [80ms..250ms], gaps: [1s], since: client.connect.start}`, backoff, Fail},
		{"the wrong number of packets of a connection", `- {packets: {from: client, tcp: SYN, conn: 1}, count: 1}`, backoff, Fail},
		{"packets of a connection that the run did not have", `- {packets: {from: client, tcp: SYN, conn: 3}, count: 1}`, backoff, Fail},
		{"none where none are wanted", `- {packets: {tcp: RST}, none: true}`, backoff, Pass},
		{"some where none are wanted", `- {packets: {to: server, tcp: any, port: 8080}, seen-by: client, none: true}`, backoff, Fail},
		{"a gap out of tolerance", `- {packets: {from: client, tcp: SYN}, gaps: [1s, 2s, 4s]}`, at(0, 1010*ms, 3020*ms, 7933*ms), Fail},
		{"a gap too short", `- {packets: {from: client, tcp: SYN}, gaps: ["~40ms ±10ms"]}`, at(0, 5*ms), Fail},
		{"more gaps than packets, without count", `- {packets: {from: client, tcp: SYN}, gaps: [1s, 2s, 4s, 8s]}`, backoff, Fail},
		{"fewer gaps than packets, with count", `- {packets: {from: client, tcp: SYN}, count: ">= 2", gaps: [1s]}`, backoff, Fail},
		{"fewer times than packets, with count", `- {packets: {from: client, tcp: SYN}, count: ">= 2", at: [0s]}`, backoff, Fail},
		{"more times than packets, with count", `- {packets: {from: client, tcp: SYN}, count: ">= 2", at: ["< 1ms", 1s, 3s, 7s, 15s]}`, backoff, Pass},
		{"more times than packets, without count", `- {packets: {from: client, tcp: SYN}, at: ["< 1ms", 1s, 3s, 7s, 15s]}`, backoff, Fail},
		{"times of no packet", `- {packets: {from: client, tcp: SYN}, count: ">= 0", at: [1s]}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"gaps of a single packet", `- {packets: {from: client, tcp: SYN}, count: 1, gaps: [1s]}`, at(0), Fail},
		{"gaps of no packet", `- {packets: {from: client, tcp: SYN}, count: ">= 0", gaps: [1s]}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"times since the first", `- {packets: {from: client, tcp: SYN}, at: ["< 1ms", 1s, 3s, 7s]}`, backoff, Pass},
		{"a wrong time", `- {packets: {from: client, tcp: SYN}, at: ["< 1ms", 1s, 3s, 5s]}`, backoff, Fail},
		{"those since an event, until another", `- {packets: {from: client, tcp: SYN}, since: server.listen, until: client.connect.start, count: 1}`, backoff, Pass},
		{"those since an event that never happened", `- {packets: {from: client, tcp: SYN}, since: "fault.silent-server.hit[9]", count: 1}`, backoff, Fail},
		{"a sequence, each packet once where it is sent", `- {packets: {tcp: any}, sequence: [{tcp: SYN, seq: 0}, {tcp: SYN-ACK, seq: 0, ack: 1}, {tcp: ACK, ack: 1}, {tcp: DATA, payload: {contains: hell, offset: 4}}]}`, handshake, Pass},
		{"a sequence as the other host sees it", `- {packets: {tcp: any}, seen-by: server, sequence: [{from: client}, {from: server}, {from: client}, {from: client}]}`, handshake, Pass},
		{"a sequence as the wire sees it", `- {packets: {tcp: any}, seen-by: wire, sequence: [{tcp: SYN}, {tcp: SYN-ACK}, {tcp: ACK}, {tcp: DATA}]}`, handshake, Pass},
		{"a sequence with another packet", `- {packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: RST, from: server}]}`, handshake, Fail},
		{"a sequence that ends too soon", `- {packets: {tcp: SYN}, sequence: [{tcp: SYN}, {tcp: SYN, retransmission: true}]}`, handshake, Fail},
		{"a sequence that goes on", `- {packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: SYN-ACK}, {tcp: ACK}]}`, handshake, Fail},
		{"none since an event after the one until which they count", `- {packets: {tcp: RST}, since: client.connect, until: server.listen, none: true}`, backoff, Fail},
		{"none in a time in which nothing was seen", `- {packets: {from: client, tcp: SYN}, since: client.connect, none: true}`, backoff, Pass},
		{"none with a port that nobody used", `- {packets: {from: client, tcp: SYN, port: 9999}, none: true}`, backoff, Pass},
		{"some with a port that nobody used", `- {packets: {from: client, tcp: SYN, dport: 9999..10010}, count: 1}`, backoff, Fail},
		{"none of a connection that there was not", `- {packets: {tcp: SYN, conn: 2}, none: true}`, backoff, Pass},
		{"none of a connection that there was", `- {packets: {tcp: RST, conn: 1}, none: true}`, backoff, Pass},
		{"none since a hit that was only counted, after a packet that may have come later", `- {packets: {tcp: SYN}, since: fault.silent-server.hit, none: true}`, counted(second), Fail},
		{"one until a hit that was only counted, with a packet that may have come later", `- {packets: {tcp: SYN}, until: "fault.silent-server.hit[2]", count: 2}`, counted(second, 2*second), Fail},
		{"some since a hit that was only counted, with none at about that time", `- {packets: {tcp: SYN, dport: 9}, since: fault.silent-server.hit, none: true}`, counted(second), Pass},
		{"none since a hit that was reported", `- {packets: {tcp: SYN}, since: fault.silent-server.hit, none: true}`, reported, Pass},
		{"none with a text that the capture may have cut off", `- {packets: {tcp: DATA, payload: world}, none: true}`, cut, Fail},
		{"none with bytes that the capture may have cut off, in a longer payload", `- {packets: {tcp: DATA, payload: {hex: "77", length: 6}}, none: true}`, cut, Pass},
		{"one with a text in the part that the capture kept", `- {packets: {tcp: DATA, payload: he}, count: 1}`, cut, Pass},
		{"retransmissions only", `- {packets: {from: client, tcp: SYN, retransmission: true}, count: 3}`, backoff, Pass},
		{"a RST that the wire forged", `- {packets: {tcp: RST}, count: 1}`, forged, Pass},
		{"two RSTs with the same numbers, the first forged", `- {packets: {tcp: RST}, count: 2}`, refused(ms, 2*ms), Pass},
		{"two RSTs with the same numbers, the second forged", `- {packets: {tcp: RST}, count: 2}`, refused(9*ms, 2*ms), Pass},
		{"two RSTs with the same numbers are not one", `- {packets: {tcp: RST}, count: 1}`, refused(9*ms, 2*ms), Fail},
		{"a forged RST where none is wanted", `- {packets: {tcp: RST}, none: true}`, forged, Fail},
		{"a forged RST is not seen by the host it names", `- {packets: {tcp: RST, from: server}, none: true}`, forged, Pass},
	})
}

func TestStateExpectations(t *testing.T) {
	life := func(p *tape) *trace.Trace {
		p.step("client.connect", 0, second, nil)
		p.socket(0, "server", "0.0.0.0:8080", "0.0.0.0:0", "LISTEN")
		l := p.socket(500*ms, "server", "0.0.0.0:8080", "0.0.0.0:0", "LISTEN")
		l.RecvQ, l.SendQ = 3, 2
		local, remote := clientAddr+":41234", serverAddr+":8080"
		p.socket(0, "client", local, remote, "SYN_SENT")
		p.socket(second, "client", local, remote, "ESTABLISHED")
		k := p.socket(1500*ms, "client", local, remote, "ESTABLISHED")
		k.SendQ, k.Timer, k.Retrans = 10, "on", 2
		p.socket(4*second, "client", local, remote, "CLOSE_WAIT")
		p.socket(6*second, "client", local, remote, "CLOSED")
		p.socket(second, "server", remote, local, "ESTABLISHED")
		p.socket(5*second, "server", remote, local, "FIN_WAIT2")
		return p.end(10*second, "done")
	}
	silent := func(p *tape) *trace.Trace {
		p.step("client.connect", 0, second, nil)
		return p.end(10*second, "done")
	}
	golden(t, "states", connecting, []fixture{
		{"reaches a state", `- {reaches: {host: client, state: CLOSE_WAIT}, at: 4s}`, life, Pass},
		{"never reaches a state", `- {reaches: {host: client, state: TIME_WAIT}}`, life, Fail},
		{"reaches a state at another time", `- {reaches: {host: client, state: CLOSE_WAIT}, at: 2s, since: client.connect}`, life, Fail},
		{"reaches a state on a port nobody uses", `- {reaches: {host: server, local: 9, state: LISTEN}}`, life, Fail},
		{"a listener's full accept queue", `- {reaches: {host: server, local: 8080, state: LISTEN}, recv-q: 3, send-q: 2}`, life, Pass},
		{"a listener's queue that is longer", `- {reaches: {host: server, local: 8080, state: LISTEN}, recv-q: 4}`, life, Fail},
		{"a timer and its retransmissions", `- {reaches: {host: client, remote: 8080}, timer: "on", retrans: 2}`, life, Pass},
		{"a timer that never runs", `- {reaches: {host: client, state: ESTABLISHED}, timer: persist}`, life, Fail},
		{"holds a state to the end", `- {holds: {host: server, state: FIN_WAIT2}}`, life, Pass},
		{"leaves a state before the end", `- {holds: {host: client, state: ESTABLISHED}}`, life, Fail},
		{"holds a state for its time", `- {holds: {host: client, state: ESTABLISHED}, for: 3s}`, life, Pass},
		{"holds a state too long", `- {holds: {host: client, state: ESTABLISHED}, for: 2s}`, life, Fail},
		{"still in a state when the run ends", `- {holds: {host: server, state: FIN_WAIT2}, for: 5s}`, life, Fail},
		{"in a state for at least that long when the run ends", `- {holds: {host: server, state: FIN_WAIT2}, for: ">= 4s"}`, life, Pass},
		{"never in the state it should hold", `- {holds: {host: client, state: TIME_WAIT}, for: 60s}`, life, Fail},
		{"holds one of two states from an event", `- {holds: {host: client, state: [ESTABLISHED, CLOSE_WAIT]}, from: client.connect, for: 5s}`, life, Pass},
		{"not yet in a state at an event", `- {holds: {host: client, state: ESTABLISHED}, from: client.connect.start, until: client.connect}`, life, Fail},
		{"never in a state", `- {never: {host: client, state: TIME_WAIT}}`, life, Pass},
		{"in a state it should never be in", `- {never: {host: client, state: CLOSE_WAIT}}`, life, Fail},
		{"in a state, but not until an event", `- {never: {host: client, state: CLOSE_WAIT}, until: client.connect}`, life, Pass},
		{"never, from an event that never happened", `- {never: {host: client, state: CLOSE_WAIT}, from: server.listen}`, life, Fail},
		{"goes through these states", `- {path: {host: client}, states: [SYN_SENT, ESTABLISHED, CLOSE_WAIT, CLOSED]}`, life, Pass},
		{"a path beside a listener", `- {path: {host: server, local: 8080}, states: [ESTABLISHED, FIN_WAIT2]}`, life, Pass},
		{"another path", `- {path: {host: client}, states: [SYN_SENT, ESTABLISHED, FIN_WAIT1]}`, life, Fail},
		{"a path that goes on", `- {path: {host: client}, states: [SYN_SENT, ESTABLISHED, CLOSE_WAIT]}`, life, Fail},
		{"a path that ends early", `- {path: {host: server, local: 8080}, states: [ESTABLISHED, FIN_WAIT2, TIME_WAIT]}`, life, Fail},
		{"a path of no socket", `- {path: {host: client, remote: 9}, states: [SYN_SENT]}`, life, Fail},
		{"never on a port that no socket has", `- {never: {host: client, state: CLOSE_WAIT, remote: 9}}`, life, Pass},
		{"never between ports that no socket has", `- {never: {host: client, state: CLOSE_WAIT, local: 8, remote: 9}}`, life, Pass},
		{"no sockets on such a port", `- {sockets: {host: client, remote: 9}, count: 0, peak: 0}`, life, Pass},
		{"at most so many on such a port", `- {sockets: {host: client, remote: 9}, peak: 3}`, life, Pass},
		{"never on a host without sockets", `- {never: {host: client, state: CLOSE_WAIT}}`, silent, Pass},
		{"no sockets of a state, on a port that has some", `- {sockets: {host: client, state: LAST_ACK, remote: 8080}, count: 0}`, life, Pass},
		{"as many sockets at the end as wanted", `- {sockets: {host: server}, count: 2}`, life, Pass},
		{"fewer sockets at an event", `- {sockets: {host: client, state: SYN_SENT}, count: 1, when: client.connect.start}`, life, Pass},
		{"another number of sockets", `- {sockets: {host: server, state: TIME_WAIT}, count: 500}`, life, Fail},
		{"a socket where none should be", `- {sockets: {host: client}, count: 0, when: client.connect}`, life, Fail},
		{"the most at once", `- {sockets: {host: server}, peak: 2}`, life, Pass},
		{"fewer at once than a plain peak", `- {sockets: {host: server}, peak: 3}`, life, Pass},
		{"more at once than a plain peak", `- {sockets: {host: server}, peak: 1}`, life, Fail},
		{"fewer at once than at least", `- {sockets: {host: server}, peak: ">= 3"}`, life, Fail},
		{"fewer at once than exactly", `- {sockets: {host: server}, peak: 3..3}`, life, Fail},
		{"as many at once as exactly", `- {sockets: {host: server}, peak: 2..2}`, life, Pass},
		{"more at once", `- {sockets: {host: server}, peak: "<= 1"}`, life, Fail},
	})
}

func TestOtherExpectations(t *testing.T) {
	const actors = `
server: [listen: {port: 8080}]
client: [exec: {command: "curl -s http://server:8080"}, {exec: "true", id: again, times: 3}, start: {command: serve, as: web}]
`
	counted := func(p *tape) *trace.Trace {
		p.add(0, trace.Event{Counters: &trace.Counters{Host: "client", At: "before", Values: map[string]int64{"TcpExt.TCPTimeouts": 2, "TcpExt.TCPSpuriousRTOs": 1, "TcpExt.TCPRetransFail": 4}}})
		p.add(second, trace.Event{Counters: &trace.Counters{Host: "client", At: "after", Values: map[string]int64{"TcpExt.TCPTimeouts": 8, "TcpExt.TCPSpuriousRTOs": 3, "TcpExt.TCPRetransFail": 4}}})
		return p.end(second, "done")
	}
	changed := func(values map[string]int64) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Counters: &trace.Counters{Host: "client", At: "before", Values: map[string]int64{"TcpExt.TCPTimeouts": 2, "TcpExt.TCPRetransFail": 4}}})
			p.add(second, trace.Event{Counters: &trace.Counters{Host: "client", At: "after", Values: values}})
			return p.end(second, "done")
		}
	}
	struck := func(p *tape) *trace.Trace { p.hits("silent-server", 0, 4); return p.end(second, "done") }
	curl := func(p *tape) *trace.Trace {
		p.step("client.exec", 0, 2*second, func(s *trace.Step) { s.Exit, s.Stderr = 7, "curl: (7) Failed to connect\n" })
		p.add(3*second, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
		return p.end(3*second, "done")
	}
	wrote := func(stdout string, bytes int) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.step("client.exec", 0, second, func(s *trace.Step) {
				s.Stdout, s.StdoutBytes = trace.Output(stdout), int64(bytes)
			})
			return p.end(second, "done")
		}
	}
	ended := func(stdout, end string) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.step("client.exec", 0, second, func(s *trace.Step) {
				s.Stdout, s.StdoutEnd, s.StdoutBytes = trace.Output(stdout), trace.Output(end), 1<<20
			})
			return p.end(second, "done")
		}
	}
	var counting strings.Builder
	for i := range 40 {
		fmt.Fprintf(&counting, "line %d\n", i+1)
	}
	long := strings.Repeat("x", 64<<10)
	golden(t, "other", actors, []fixture{
		{"a counter that rose as wanted", `- {counters: {client.TcpExt.TCPTimeouts: 6}}`, counted, Pass},
		{"a counter that rose less", `- {counters: {client.TcpExt.TCPTimeouts: ">= 7"}}`, counted, Fail},
		{"a counter that the kernel lacks", `- {counters: {client.TcpExt.TCPTimeout: 6}}`, counted, Fail},
		{"a counter that did not change", `- {counters: {client.TcpExt.TCPRetransFail: 0}}`, changed(map[string]int64{"TcpExt.TCPTimeouts": 8}), Pass},
		{"a counter that did not change and should have", `- {counters: {client.TcpExt.TCPRetransFail: 1}}`, changed(map[string]int64{"TcpExt.TCPTimeouts": 8}), Fail},
		{"no counter of the host changed", `- {counters: {client.TcpExt.TCPTimeouts: 1}}`, changed(nil), Fail},
		{"a counter that the kernel lacks, and none changed", `- {counters: {client.TcpExt.TCPTimeout: 0}}`, changed(nil), Fail},
		{"a counter of a host that was not read", `- {counters: {server.TcpExt.TCPTimeouts: 6}}`, counted, Fail},
		{"a counter that was not read before the run", `- {counters: {client.TcpExt.TCPTimeouts: 8}}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Counters: &trace.Counters{Host: "client", At: "before", Values: map[string]int64{"TcpExt.TCPRetransFail": 2}}})
			p.add(second, trace.Event{Counters: &trace.Counters{Host: "client", At: "after", Values: map[string]int64{"TcpExt.TCPTimeouts": 8, "TcpExt.TCPRetransFail": 2}}})
			return p.end(second, "done")
		}, Fail},
		{"counters that rose together as wanted", `- {counters: {client.TcpExt.TCPTimeouts + client.TcpExt.TCPSpuriousRTOs: 8}}`, counted, Pass},
		{"counters that rose less together", `- {counters: {client.TcpExt.TCPTimeouts + client.TcpExt.TCPSpuriousRTOs: ">= 9"}}`, counted, Fail},
		{"a counter in place of one that the kernel lacks", `- {counters: {client.TcpExt.PAWSEstab + client.TcpExt.TCPTimeouts: 6}}`, counted, Pass},
		{"less of a counter in place of one that the kernel lacks", `- {counters: {client.TcpExt.PAWSEstab + client.TcpExt.TCPTimeouts: 7}}`, counted, Fail},
		{"a counter that did not rise, and one that the kernel lacks", `- {counters: {client.TcpExt.TCPTimeout + client.TcpExt.TCPRetransFail: 0}}`, counted, Fail},
		{"a sum over a host that was not read", `- {counters: {client.TcpExt.TCPTimeouts+server.TcpExt.TCPTimeouts: 6}}`, counted, Fail},
		{"a sum of counters that the kernel lacks", `- {counters: {client.TcpExt.TCPTimeout + client.TcpExt.PAWSEstab: 6}}`, counted, Fail},
		{"as many hits as wanted", `- {fault: silent-server, hits: 4}`, struck, Pass},
		{"any number of hits", `- {fault: silent-server, hits: ">= 0"}`, struck, Pass},
		{"no hits of a fault never in force", `- {fault: silent-server, hits: 0}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: "hits"}})
			return p.end(second, "done")
		}, Pass},
		{"a hit reported after the last reading", `- {fault: silent-server, hits: 4}`, func(p *tape) *trace.Trace {
			p.hits("silent-server", 0, 4)
			p.add(second, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultHit, Hits: 5}})
			return p.end(second, "done")
		}, Fail},
		{"other hits", `- {fault: silent-server, hits: 6}`, struck, Fail},
		{"hits of a fault never in force", `- {fault: silent-server, hits: ">= 1"}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: "hits"}})
			return p.end(second, "done")
		}, Fail},
		{"hits that were never read", `- {fault: silent-server, hits: 0}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"a program's exit and output", `- {process: client.exec, exit: 7, stderr: {contains: Failed}, took: 2s}`, curl, Pass},
		{"another exit and output", `- {process: client.exec, exit: 0, stdout: {contains: hello}}`, curl, Fail},
		{"output without its final newline", `- {process: client.exec, stdout: "7"}`, wrote("7\n", 2), Pass},
		{"output that matches without its final newline", `- {process: client.exec, stdout: {matches: "^7$"}}`, wrote("7\n", 2), Pass},
		{"output that matches with its final newline", `- {process: client.exec, stdout: {matches: "^7\\n$"}}`, wrote("7\n", 2), Pass},
		{"output that contains its final newline", `- {process: client.exec, stdout: {contains: "7\n"}}`, wrote("7\n", 2), Pass},
		{"more lines than those that match", `- {process: client.exec, stdout: {matches: "^7$"}}`, wrote("7\n8\n", 4), Fail},
		{"output without white space at its ends, as a number", `- {process: client.exec, stdout: 7..8}`, wrote(" 7\n", 3), Pass},
		{"a byte in place of the replacement character", `- {process: client.exec, stdout: {is: "\ufffd"}}`, wrote("\xff", 1), Fail},
		{"a byte in place of a replacement character to match", `- {process: client.exec, stdout: {matches: "\ufffd"}}`, wrote("\xff", 1), Fail},
		{"the replacement character itself", `- {process: client.exec, stdout: {matches: "^\ufffd$"}}`, wrote("\ufffd\n", 4), Pass},
		{"text next to a byte that is not UTF-8", `- {process: client.exec, stdout: {matches: "^ok .$"}}`, wrote("ok \xff\n", 5), Pass},
		{"lines with bytes that are not text", `- {process: client.exec, stdout: "no"}`, wrote("a\tb\xff\x1b[2J\nü", 11), Fail},
		{"text in the part of the output that was kept", `- {process: client.exec, stdout: {contains: 7}}`, wrote("7\n", 1<<20), Pass},
		{"text that is not in the part that was kept", `- {process: client.exec, stdout: {contains: END}}`, wrote("7\n", 1<<20), Fail},
		{"text in the end of the output", `- {process: client.exec, stdout: {contains: END}}`, ended("7\n", "the END\n"), Pass},
		{"text that begins in the beginning and ends in the end", `- {process: client.exec, stdout: {contains: "7END"}}`, ended("7", "END\n"), Fail},
		{"more lines than are listed", `- {process: client.exec, stdout: "no"}`, wrote(counting.String(), counting.Len()), Fail},
		{"more lines than are listed, of which a middle is missing", `- {process: client.exec, stdout: {contains: "no"}}`, ended(counting.String(), counting.String()), Fail},
		{"a whole text of which only a part was kept", `- {process: client.exec, stdout: "7"}`, wrote("7\n", 1<<20), Fail},
		{"a match of output of which only a part was kept", `- {process: client.exec, stdout: {matches: "^7$"}}`, wrote("7\n", 1<<20), Fail},
		{"a number of which only a part was kept", `- {process: client.exec, stdout: ">= 1"}`, wrote("7\n", 1<<20), Fail},
		{"output just as long as what is kept", `- {process: client.exec, stdout: {matches: "x$"}}`, wrote(long, len(long)), Pass},
		{"output of an old trace that may have been cut", `- {process: client.exec, stdout: {contains: END}}`, wrote(long, 0), Fail},
		{"an exit status of a program with long output", `- {process: client.exec, exit: 1}`, wrote(long, 1<<20), Fail},
		{"output that came after the program", `- {process: client.exec, stdout: {contains: LATE}}`, func(p *tape) *trace.Trace {
			p.step("client.exec", 0, second, func(s *trace.Step) { s.Stdout, s.StdoutBytes, s.Left = "early\n", 6, true })
			return p.end(second, "done")
		}, Fail},
		{"an actor that was killed", `- {process: client, signal: KILL}`, curl, Pass},
		{"an actor killed by another signal", `- {process: client, signal: TERM}`, curl, Fail},
		{"an actor that exited", `- {process: client, exit: 0}`, curl, Fail},
		{"a program that ran fewer times than the scenario asks for", `- {process: client.again, exit: 0}`, func(p *tape) *trace.Trace {
			p.step("client.again[1]", 0, ms, nil)
			p.begin("client.again[2]", 2*ms)
			return p.end(second, "deadline", "client.again[2]")
		}, Fail},
		{"one of several runs of a program", `- {process: "client.again[1]", exit: 0}`, func(p *tape) *trace.Trace {
			p.step("client.again[1]", 0, ms, nil)
			return p.end(second, "done")
		}, Pass},
		{"a program in progress when its process was killed", `- {process: client.exec, exit: 0}`, func(p *tape) *trace.Trace {
			p.begin("client.exec", 0)
			p.add(ms, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
			return p.end(second, "done")
		}, Fail},
		{"the last lines of a program that is still running", `- {process: client.exec, exit: 0}`, func(p *tape) *trace.Trace {
			p.begin("client.exec", 0)
			p.program("client", ms, trace.ProgramStarted)
			for i := range 12 {
				p.line("client", 2*ms, trace.Stdout, fmt.Sprintf("line %d\x1b[2J", i))
			}
			p.program("server", ms, trace.ProgramStarted)
			p.line("server", 2*ms, trace.Stdout, "of another program")
			return p.end(second, "deadline", "client.exec")
		}, Fail},
		{"a program that is still running and printed nothing", `- {process: client.exec, exit: 0}`, func(p *tape) *trace.Trace {
			p.begin("client.exec", 0)
			p.program("client", ms, trace.ProgramStarted)
			return p.end(second, "deadline", "client.exec")
		}, Fail},
		{"a line of a log", `- {log: client.exec, contains: "timed out", at: 500ms, since: client.web}`, logs(0), Pass},
		{"a line of a log at another time", `- {log: client.exec, contains: "timed out", at: 100ms}`, logs(0), Fail},
		{"a line that is not in a log", `- {log: client.exec, contains: refused}`, logs(0), Fail},
		{"lines of a log that match", `- {log: client.exec, matches: "^(up|timed out)$", count: 2}`, logs(0), Pass},
		{"fewer lines of a log than wanted", `- {log: client.exec, matches: "^up", count: 2}`, logs(0), Fail},
		{"no line of a log from an event on", `- {log: client.exec, contains: up, count: 0, since: client.web}`, logs(0), Pass},
		{"a line of a log that must not be there", `- {log: client.exec, contains: up, count: 0}`, logs(0), Fail},
		{"a line that is not in the part of a log that was kept", `- {log: client.exec, contains: refused}`, logs(5), Fail},
		{"no line in the part of a log that was kept", `- {log: client.exec, contains: refused, count: 0}`, logs(5), Fail},
		{"a line in the part of a log that was kept", `- {log: client.exec, contains: up}`, logs(5), Pass},
		{"the first line after a part of a log that was not kept", `- {log: client.exec, contains: "timed out", at: 600ms}`, logs(5), Fail},
		{"a line of a log whose beginning was kept", `- {log: client.exec, contains: beginning}`, longLine, Pass},
		{"a line of a log whose end was not kept", `- {log: client.exec, contains: END}`, longLine, Fail},
		{"no line of a log whose reader was killed", `- {log: client.exec, contains: refused, count: 0}`, func(p *tape) *trace.Trace {
			p.program("client", ms, trace.ProgramStarted)
			p.add(5*ms, trace.Event{Process: &trace.Process{Actor: "client", Signal: "KILL"}})
			p.program("client", 6*ms, trace.ProgramEnded)
			return p.end(second, "done")
		}, Fail},
		{"a log of a program that never began", `- {log: client.exec, contains: up}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"a log since an event that never came", `- {log: client.exec, contains: up, since: client.web}`, func(p *tape) *trace.Trace {
			p.program("client", ms, trace.ProgramStarted)
			return p.end(second, "done")
		}, Fail},
		{"a program that did not get ready, as expected", `- {step: client.web, error: ETIMEDOUT}`, notReady, Pass},
		{"a program that did not get ready", `- {step: client.web}`, notReady, Fail},
		{"a program beside and what it printed", `- {process: client.web, exit: 3, stdout: {contains: up}, took: 1s}`, beside(func(p *trace.Program) {
			p.Exit, p.Printed = 3, &trace.Printed{Stdout: "up\n", StdoutBytes: 3}
		}), Pass},
		{"a program beside with another end and output", `- {process: client.web, exit: 0, stderr: {contains: up}}`, beside(func(p *trace.Program) {
			p.Killed, p.Printed = "TERM", &trace.Printed{Stderr: "no\n", StderrBytes: 3, Left: true}
		}), Fail},
		{"a program beside of which nobody read the output", `- {process: client.web, stdout: ""}`, beside(func(p *trace.Program) {}), Fail},
		{"a program beside that is still running", `- {process: client.web, exit: 0}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Program: &trace.Program{Actor: "client", Step: "web", N: 1, What: trace.ProgramStarted, Beside: true}})
			p.add(ms, trace.Event{Line: &trace.Line{Actor: "client", Step: "web", N: 1, Stream: trace.Stdout, Text: "up"}})
			return p.end(second, "done")
		}, Fail},
		{"a program beside that could not be run", `- {process: client.web, exit: 0}`, func(p *tape) *trace.Trace {
			p.step("client.web", 0, ms, func(s *trace.Step) { s.Op, s.Problem = "start", "starting web: no such file" })
			return p.end(second, "done")
		}, Fail},
		{"a program beside whose step was never reached", `- {process: client.web, exit: 0}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"a program that never began", `- {process: client.exec, exit: 0}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
	})
}
