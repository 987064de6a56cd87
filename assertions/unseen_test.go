package assertions

import (
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A control must not take a failure for a proof that may have been a pass.
func TestOnlyAFailureOfWhatCouldNotBeSeenIsUnseen(t *testing.T) {
	tape := newTape()
	ev := newEvidence(lab(t, connecting, "- {step: client.connect, error: none}"), tape.tr)
	unseen := func(v *draft) { ev.unseen("client", "a socket", "whether there was one", v) }
	fails := func(v *draft) { v.saw(TooFewPackets, false, "3 packets", "none") }
	passes := func(v *draft) { v.saw(TooFewPackets, true, "3 packets", "3 packets") }
	for _, tt := range []struct {
		name   string
		judges []func(*draft)
		want   bool
	}{
		{"nothing else is judged", []func(*draft){unseen}, true},
		{"two things could not be seen", []func(*draft){unseen, unseen}, true},
		{"something else passes", []func(*draft){passes, unseen, passes}, true},
		{"something else failed before", []func(*draft){fails, unseen}, false},
		{"something else fails after", []func(*draft){unseen, fails}, false},
		{"everything could be seen", []func(*draft){fails}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newDraft("reaches", 0, language.Pos{}, "a title")
			for _, judge := range tt.judges {
				judge(&v)
			}
			got := v.finish()
			if got.Status != Fail || got.Unseen != tt.want {
				t.Errorf("%s, unseen %t, want fail, unseen %t", got.Status, got.Unseen, tt.want)
			}
			if (got.Code == NotObserved) != tt.want {
				t.Errorf("the code is %s", got.Code)
			}
		})
	}
}

// What fails is inconclusive if the machine had no room for packets of a host that it is about, and what
// passes passes.
func TestAFailureForWhichTheMachineHadNoRoomIsInconclusive(t *testing.T) {
	const connects = "- {step: client.connect, error: none}"
	for _, tt := range []struct {
		name, host, reason, expect string
		want                       Status
	}{
		{"of its host", "client", "NEIGH_CREATEFAIL", connects, Inconclusive},
		{"of the host that it connects to", "server", "NEIGH_CREATEFAIL", connects, Inconclusive},
		{"of the wire", "wire", "NEIGH_CREATEFAIL", connects, Inconclusive},
		{"of a host that has nothing to do with it", "other", "NEIGH_CREATEFAIL", connects, Fail},
		{"it passes", "client", "NEIGH_CREATEFAIL", "- {step: client.connect, error: ETIMEDOUT}", Pass},
		{"of another reason", "client", "NEIGH_FAILED", connects, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.add(0, trace.Event{Drop: &trace.Drop{TCPSocket: trace.TCPSocket{Host: tt.host}, Reason: tt.reason}})
			p.step("client.connect", 0, time.Second, func(s *trace.Step) { s.Errno, s.Result = "ETIMEDOUT", -1 })
			s := load(t, `
name: x
title: t
hosts: {client: {}, server: {}, other: {}}
actors:
`+indent(connecting)+`
expect:
`+indent(tt.expect))
			got := Check(s, p.end(time.Second, "done"))
			if got[0].Status != tt.want {
				t.Errorf("%s: %s, want %s", got[0].Status, got[0].Reason, tt.want)
			}
			if (got[0].Code == MachineFull) != (tt.want == Inconclusive) {
				t.Errorf("the code is %q", got[0].Code)
			}
			if because := strings.Contains(got[0].Because, "table of neighbours"); because != (tt.want == Inconclusive) {
				t.Errorf("it is because of %q", got[0].Because)
			}
		})
	}
}

// Where neither the kernel nor packets nor looks decide, a verdict fails and says so.
func TestVerdictsThatNothingDecides(t *testing.T) {
	const (
		ms     = time.Millisecond
		local  = clientAddr + ":41234"
		remote = serverAddr + ":8080"
	)
	dial := func(cookie uint64, local, remote string) func(*trace.Step) {
		return func(s *trace.Step) {
			s.Op, s.Cookie, s.Local, s.Remote, s.Errno = "connect", cookie, local, remote, "EAGAIN"
		}
	}
	look := func(p *tape, at, last time.Duration, state string) {
		p.add(at, trace.Event{Socket: &trace.Socket{
			Host: "client", Cookie: 7, Local: local, Remote: remote, State: state,
			Took: 10 * time.Microsecond, Last: start + last,
		}})
	}
	// waits is a connect of which looks, the last one 200 ms before, do not show when it ended.
	waits := func(p *tape) {
		p.packet(0, toServer("S", 1000, 0, ""))
		look(p, ms, 0, "SYN_SENT")
		look(p, 2*second, 1800*ms, "CLOSED")
	}
	// brief is a connection that looks saw only before it was established, and after.
	brief := func(p *tape) {
		p.packet(0, toServer("S", 1000, 0, ""))
		look(p, ms, 0, "SYN_SENT")
		p.packet(2*ms, seen{
			host: "client", in: true, src: serverAddr, dst: clientAddr, sport: 8080, dport: 41234,
			flags: "SA", seq: 5000, ack: 1001,
		})
		p.packet(2*ms, toServer("A", 1001, 5001, ""))
		p.packet(3*ms, toServer("RA", 1001, 5001, ""))
		look(p, 9*ms, ms, "CLOSED")
	}
	// readAtTheEnd is a connect at whose end a look of 1 ms saw the socket as before; the next look
	// missed it.
	readAtTheEnd := func(p *tape) {
		p.packet(0, toServer("S", 1000, 0, ""))
		look(p, ms, 0, "SYN_SENT")
		p.step("client.connect", 0, 50*ms, dial(7, local, remote))
		p.add(52*ms, trace.Event{Sampled: &trace.Sampled{Event: "client.connect"}})
		look(p, 70*ms, 51*ms, "CLOSED")
	}
	for _, tt := range []struct {
		name, fault, client, expect string
		record                      func(*tape)
		// want is what could not be seen; "" for a pass, "fails" for a failure of what was seen.
		want string
	}{
		{
			"no SYN was ever captured", "client.output", "connect: {to: \"server:8080\"}",
			"never: {host: client, state: SYN_SENT}",
			func(p *tape) { p.step("client.connect", 0, second, dial(7, "", "")) },
			"whether the SYN of client.connect was taken away",
		},
		{
			"no SYN was ever captured, and the trace has no numbers of sockets", "client.output",
			"connect: {to: \"server:8080\"}", "never: {host: client, state: SYN_SENT}",
			func(p *tape) { p.step("client.connect", 0, second, dial(0, "", "")) },
			"whether the SYN of client.connect was taken away",
		},
		{
			"a socket of which no SYN was captured", "client.output", "connect: {to: \"server:8080\"}",
			"reaches: {host: client, state: SYN_SENT}", func(p *tape) { p.step("client.connect", 0, ms, dial(7, "", "")) },
			"whether the SYN of client.connect was taken away",
		},
		{
			"a path of which no SYN was captured", "client.output", "connect: {to: \"server:8080\"}",
			"path: {host: client, remote: 8080}, states: [SYN_SENT, CLOSED]", func(p *tape) { p.step("client.connect", 0, ms, dial(7, "", "")) },
			"whether the SYN of client.connect was taken away",
		},
		{
			"a peak without a socket of which no SYN was captured", "client.output",
			"connect: {to: \"server:8080\"}", "sockets: {host: client}, peak: 0", func(p *tape) { p.step("client.connect", 0, ms, dial(7, "", "")) },
			"whether the SYN of client.connect was taken away",
		},
		{
			"a peak that every number meets, where no SYN was captured", "client.output",
			"connect: {to: \"server:8080\"}", "sockets: {host: client}, peak: \">= 0\"", func(p *tape) { p.step("client.connect", 0, ms, dial(7, "", "")) }, "",
		},
		{
			"another state than that of a SYN that was not captured", "client.output",
			"connect: {to: \"server:8080\"}", "reaches: {host: client, state: CLOSING}", func(p *tape) { p.step("client.connect", 0, ms, dial(7, "", "")) }, "fails",
		},
		{
			"a connect to another port than the selector's", "client.output",
			"connect: {to: \"server:8080\"}", "never: {host: client, remote: 9, state: SYN_SENT}",
			func(p *tape) { p.step("client.connect", 0, second, dial(7, local, remote)) }, "",
		},
		{
			"a program may have lost its SYN", "client.output", "exec: nc server 8080",
			"never: {host: client, state: SYN_SENT}", func(p *tape) { p.step("client.exec", 0, ms, nil) },
			"whether the SYN of a program was taken away",
		},
		{
			"addresses are translated", "wire", "exec: iptables -t nat -A OUTPUT -p tcp -j REDIRECT",
			"never: {host: client, remote: 8080, state: ESTABLISHED}", func(*tape) {},
			"whether a socket had these ports",
		},
		{
			"a peak where addresses are translated", "wire",
			"exec: {command: [sh], stdin: iptables -t nat -A OUTPUT -p tcp -j REDIRECT}",
			"sockets: {host: client, remote: 8080}, peak: 0", func(*tape) {},
			"whether a socket had these ports",
		},
		{
			"a number at the end, where the last look shows the ports", "wire",
			"exec: iptables -t nat -A OUTPUT -p tcp -j REDIRECT",
			"sockets: {host: client, remote: 8080}, count: 0", func(*tape) {}, "",
		},
		{
			"a duration that looks leave open", "wire", "connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, for: 1950ms..2100ms", waits, "whether one did",
		},
		{
			"a duration that is right at all times that looks leave open", "wire",
			"connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, for: 1700ms..2100ms", waits, "",
		},
		{
			"a duration that is wrong at all times that looks leave open", "wire",
			"connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, for: 3s..4s", waits, "fails",
		},
		{
			"a time that lies between the two", "wire", "connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, for: 1900ms..1910ms", waits, "whether one did",
		},
		{
			"a peak of two sockets that take turns between two looks", "wire",
			"connect: {to: \"server:8080\"}", "sockets: {host: client}, peak: 1..1", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				p.step("client.connect", 5*ms, 8*ms, dial(8, local, remote))
				p.packet(7*ms, toServer("S", 900000, 0, ""))
				look(p, 9*ms, ms, "CLOSED")
			}, "",
		},
		{
			"a peak of two that they never reach", "wire", "connect: {to: \"server:8080\"}",
			"sockets: {host: client}, peak: \">= 2\"", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				p.step("client.connect", 5*ms, 8*ms, dial(8, local, remote))
				p.packet(7*ms, toServer("S", 900000, 0, ""))
				look(p, 9*ms, ms, "CLOSED")
			}, "fails",
		},
		{
			"a state until an event between two looks", "wire", "connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, until: client.connect", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				look(p, 60*ms, ms, "CLOSED")
				p.step("client.connect", 0, 50*ms, dial(7, local, remote))
			}, "whether one did",
		},
		{
			"a state until an event before the last look that saw it", "wire",
			"connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, until: client.connect", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				look(p, 60*ms, 51*ms, "CLOSED")
				p.step("client.connect", 0, 50*ms, dial(7, local, remote))
			}, "",
		},
		{
			"a state until an event for which the sockets were read", "wire",
			"connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, until: client.connect", readAtTheEnd, "",
		},
		{
			"a number at an event for which the sockets were read", "wire",
			"connect: {to: \"server:8080\"}",
			"sockets: {host: client, state: SYN_SENT}, count: 1, when: client.connect", readAtTheEnd, "",
		},
		{
			"another number at an event for which the sockets were read", "wire",
			"connect: {to: \"server:8080\"}",
			"sockets: {host: client, state: SYN_SENT}, count: 0, when: client.connect", readAtTheEnd,
			"fails",
		},
		{
			"a state until an event for which the sockets were read, of a socket that no look saw", "wire",
			"connect: {to: \"server:8080\"}",
			"holds: {host: client, state: SYN_SENT}, until: client.connect", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				p.step("client.connect", 0, 50*ms, dial(0, "", ""))
				p.add(52*ms, trace.Event{Sampled: &trace.Sampled{Event: "client.connect"}})
				p.packet(60*ms, toServer("S", 900000, 0, ""))
			}, "whether one did",
		},
		{
			"a path that nothing explains", "wire", "connect: {to: \"server:8080\"}",
			"path: {host: client}, states: [SYN_SENT, ESTABLISHED]",
			func(p *tape) { look(p, ms, 0, "ESTABLISHED") },
			"which way it went: unknown > ESTABLISHED",
		},
		{
			"a short time that is mostly between two looks", "wire",
			"connect: {to: \"server:8080\"}", "holds: {host: client, state: SYN_SENT}, for: 20ms..90ms",
			func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				look(p, 30*ms, ms, "CLOSED")
			}, "whether one did",
		},
		{
			"two at once, of which one may just have ended", "wire", "connect: {to: \"server:8080\"}",
			"sockets: {host: client}, peak: \">= 2\"", func(p *tape) {
				p.packet(0, toServer("S", 1000, 0, ""))
				look(p, ms, 0, "SYN_SENT")
				s := toServer("S", 900000, 0, "")
				s.sport = 41235
				p.packet(3*ms, s)
				look(p, 4*ms, ms, "CLOSED")
				p.add(4*ms, trace.Event{Socket: &trace.Socket{
					Host: "client", Cookie: 8, Local: clientAddr + ":41235", Remote: remote, State: "SYN_SENT",
				}})
			}, "whether it was 1 or up to 2",
		},
		{
			"queues of a state between two looks", "wire", "connect: {to: \"server:8080\"}",
			"reaches: {host: client, state: ESTABLISHED}, send-q: 0", brief,
			"no look at the sockets found one in the state: ESTABLISHED from 2ms to 3ms",
		},
		{
			"retransmissions in a state between two looks", "wire", "connect: {to: \"server:8080\"}",
			"reaches: {host: client, state: ESTABLISHED}, retrans: 1", brief, "fails",
		},
		{
			"queues of a state that there was not", "wire", "connect: {to: \"server:8080\"}",
			"reaches: {host: client, state: CLOSE_WAIT}, send-q: 0", brief, "fails",
		},
		{
			"a number at an event between two looks", "wire", "connect: {to: \"server:8080\"}",
			"sockets: {host: client, state: SYN_SENT}, count: 1, when: client.connect",
			func(p *tape) {
				waits(p)
				p.step("client.connect", 0, 1900*ms, dial(7, local, remote))
			}, "whether it was 0 or up to 1",
		},
		{
			"a number at an event before the last look", "wire", "connect: {to: \"server:8080\"}",
			"sockets: {host: client, state: SYN_SENT}, count: 1, when: client.connect",
			func(p *tape) {
				waits(p)
				p.step("client.connect", 0, 1700*ms, dial(7, local, remote))
			}, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, `
name: fixture
title: a scenario to judge traces by
hosts: {client: {}, server: {}}
faults:
  loss: {match: {tcp: SYN}, do: drop, at: `+tt.fault+`}
actors:
  client: [`+tt.client+`]
expect:
  - {`+tt.expect+`}
`)
			p := newTape()
			for i := range p.tr.Events {
				if p.tr.Events[i].Tracepoints != nil {
					p.tr.Events[i].Tracepoints.Off = "not wanted"
				}
			}
			tt.record(p)
			v := Check(s, p.end(3*second, trace.EndDone))[0]
			switch got := v.Status == Fail; {
			case tt.want == "" && got, tt.want != "" && !got:
				t.Errorf("%s: %s\n%s", v.Title, v.Status, v.Reason)
			case tt.want == "fails" && v.Unseen, tt.want != "fails" && got && !v.Unseen,
				tt.want != "fails" && !strings.Contains(v.Reason, tt.want):
				t.Errorf("%s: want %q, got\n%s", v.Title, tt.want, v.Reason)
			}
		})
	}
}

// What was not kept decides nothing: a failure for it is unseen, and it never counts as another
// outcome.
func TestVerdictsOfWhatWasNotKept(t *testing.T) {
	const ms = time.Millisecond
	receiving := `
server: [listen: {port: 8080}]
client: [connect: {to: "server:8080"}, recv: {max: 16}]
`
	received := func(n int64, text string) func(*tape) {
		return func(p *tape) {
			p.step("client.recv", 0, ms, func(s *trace.Step) { s.Data, s.Bytes = []byte(text), n })
		}
	}
	for _, tt := range []struct {
		name, expect string
		record       func(*tape)
		status       Status
		unseen       bool
	}{
		{"a text that may go on as wanted", `step: client.recv, text: yes and no`, received(10, "yes"), Fail, true},
		{"a text that begins otherwise", `step: client.recv, text: no and yes`, received(10, "yes"), Fail, false},
		{"a text that is longer than all that was wanted", `step: client.recv, text: ye`, received(10, "yes"), Fail, false},
		{"a part that may come later", `step: client.recv, text: {contains: "no"}`, received(10, "yes"), Fail, true},
		{"a match of the whole", `step: client.recv, text: {matches: "s$"}`, received(10, "yes"), Fail, true},
		{"no execution with a part that may come later", `step: client.recv, text: {contains: "no"}, count: 0`, received(10, "yes"), Fail, true},
		{"no execution with a part that is not there", `step: client.recv, text: {contains: "no"}, count: 0`, received(3, "yes"), Pass, false},
		{"no execution with a text that begins otherwise", `step: client.recv, text: "no", count: 0`, received(10, "yes"), Pass, false},
		{"one execution or none with a part that may come later", `step: client.recv, text: {contains: "no"}, count: 0..1`, received(10, "yes"), Pass, false},
		{"two executions where there was one", `step: client.recv, text: {contains: "no"}, count: 2`, received(10, "yes"), Fail, false},
		{"hits that were never read", `fault: silent-server, hits: 0`, func(*tape) {}, Fail, true},
		{"counters that were never read", `counters: {client.Tcp.OutRsts: 0}`, func(*tape) {}, Fail, true},
		{"a sysctl that nobody looked for", `step: client.recv, where: {sysctl: net.ipv4.tcp_rfc1337}`, received(3, "yes"), Fail, true},
		{"a payload that was not captured", `packets: {tcp: DATA, payload: world}, none: true`, func(p *tape) {
			p.packet(0, toServer("S", 1000, 0, ""))
			p.packet(ms, toServer("A", 1001, 1, "hello, world"))
			p.changeLast(func(k *trace.Packet) { k.Frame = k.Frame[:len(k.Frame)-6] })
		}, Fail, true},
		{"a moment that was only counted", `packets: {tcp: SYN}, since: fault.silent-server.hit, none: true`, func(p *tape) {
			p.hits("silent-server", 0, 0)
			p.packet(ms, toServer("S", 1000, 0, ""))
			p.add(8*ms, trace.Event{Fault: &trace.Fault{Name: "silent-server", What: trace.FaultHits, Hits: 1}})
		}, Fail, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			tt.record(p)
			s := lab(t, receiving, "- {"+tt.expect+"}")
			v := Check(s, p.end(time.Second, trace.EndDone))[0]
			if v.Status != tt.status || v.Unseen != tt.unseen {
				t.Errorf("%s: %s, unseen %t, want %s, unseen %t\n%s", v.Title, v.Status, v.Unseen,
					tt.status, tt.unseen, v.Reason)
			}
		})
	}
}

// What the kernel saw and lost, another run may show: such a verdict is inconclusive. What no run shows,
// and what was seen to be wrong, fails.
func TestVerdictsOfTransitionsThatWereLost(t *testing.T) {
	const (
		ms     = time.Millisecond
		until  = "holds: {host: client, state: SYN_SENT}, until: client.connect"
		remote = serverAddr + ":8080"
	)
	lost := func(host string, n, kernel uint64) *trace.Event {
		return &trace.Event{Lost: &trace.Lost{Host: host, Events: trace.Transitions, N: n, Kernel: kernel}}
	}
	for _, tt := range []struct {
		name, expect string
		lost         *trace.Event
		want         Status
		why          string
	}{
		{"nothing was lost, and looks leave it open", until, nil, Fail, "it could not be seen whether one did: packets and samples leave it open"},
		{"the kernel lost some", until, lost("client", 2, 2), Inconclusive, "it could not be seen whether one did: the kernel lost its reports of up to 2 transitions of client"},
		{"the trace did not keep some", until, lost("client", 5, 2), Fail, "it could not be seen whether one did: 5 transitions of client were lost; to see it, let fewer sockets change at once"},
		{"a trace that does not say who lost them", until, lost("client", 2, 0), Fail, "it could not be seen whether one did: 2 transitions of client were lost"},
		{"the kernel lost some of the other host", until, lost("server", 2, 2), Fail, "it could not be seen whether one did: packets and samples leave it open"},
		{"what the looks saw is wrong", "never: {host: client, state: SYN_SENT}", lost("client", 2, 2), Fail, "wanted no socket of client in SYN_SENT, saw"},
		{"what the looks saw is right", "reaches: {host: client, state: SYN_SENT}", lost("client", 2, 2), Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.packet(0, toServer("S", 1000, 0, ""))
			look := func(at, last time.Duration, state string) {
				p.add(at, trace.Event{Socket: &trace.Socket{
					Host: "client", Cookie: 7, Local: clientAddr + ":41234", Remote: remote, State: state,
					Took: 10 * time.Microsecond, Last: start + last,
				}})
			}
			look(ms, 0, "SYN_SENT")
			look(60*ms, ms, "CLOSED")
			p.step("client.connect", 0, 50*ms, func(s *trace.Step) {
				s.Op, s.Cookie, s.Remote, s.Errno = "connect", 7, remote, "EAGAIN"
			})
			if tt.lost != nil {
				p.add(time.Second, *tt.lost)
			}
			v := Check(lab(t, connecting, "- {"+tt.expect+"}"), p.end(time.Second, trace.EndDone))[0]
			if v.Status != tt.want || !strings.HasPrefix(v.Reason, tt.why) {
				t.Errorf("%s: %s\n%s\nwant %s\n%s", v.Title, v.Status, v.Reason, tt.want, tt.why)
			}
			because := ""
			if tt.want == Inconclusive {
				because = "the kernel lost its reports of up to 2 transitions of client"
			}
			if v.Because != because || v.Late != 0 {
				t.Errorf("because %q, %s late, want %q, 0s", v.Because, v.Late, because)
			}
		})
	}
}

// Where the kernel shows transitions, only looks show the end of a TIME_WAIT: if these were late, another
// run may show it.
func TestVerdictsOfLateLooks(t *testing.T) {
	const remote = serverAddr + ":8080"
	for _, tt := range []struct {
		name string
		with []trace.Event
		want Status
	}{
		{"nothing was late", []trace.Event{{Tracepoints: &trace.Tracepoints{}}}, Fail},
		{"a look was late", []trace.Event{
			{Tracepoints: &trace.Tracepoints{}},
			{Late: &trace.Late{Part: trace.LateLook, Name: "client", Due: start + 10*time.Millisecond}},
		}, Inconclusive},
		{"a look at the other host was late", []trace.Event{
			{Tracepoints: &trace.Tracepoints{}},
			{Late: &trace.Late{Part: trace.LateLook, Name: "server", Due: start + 10*time.Millisecond}},
		}, Fail},
		{"without tracepoints another run shows no more", []trace.Event{
			{Tracepoints: &trace.Tracepoints{Off: "not allowed"}},
			{Late: &trace.Late{Part: trace.LateLook, Name: "client", Due: start + 10*time.Millisecond}},
		}, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.packet(0, toServer("S", 1000, 0, ""))
			look := func(at, last time.Duration, state string) {
				p.add(at, trace.Event{Socket: &trace.Socket{
					Host: "client", Cookie: 7, Local: clientAddr + ":41234", Remote: remote, State: state,
					Took: 10 * time.Microsecond, Last: start + last,
				}})
			}
			look(time.Millisecond, 0, "TIME_WAIT")
			look(2*time.Second, time.Millisecond, "CLOSED")
			for _, e := range tt.with {
				p.add(50*time.Millisecond, e)
			}
			v := Check(lab(t, connecting, "- {holds: {host: client, state: TIME_WAIT}, for: 900ms..1100ms}"), p.end(3*time.Second, trace.EndDone))[0]
			if v.Status != tt.want {
				t.Errorf("%s: %s\n%s", v.Title, v.Status, v.Reason)
			}
			if tt.want == Inconclusive && v.Because != "the sockets of client were looked at up to 40ms late" {
				t.Errorf("because %q", v.Because)
			}
		})
	}
}
