package assertions

import (
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
)

// Only what fails about time or order, by no more than the lab was late, is inconclusive.
func TestFailuresThatLatenessExplains(t *testing.T) {
	const actors = `
server: [listen: {port: 8080}, accept: {}]
client: [connect: {to: "server:8080"}, {send: x, times: 3}, tcp_info: {}]
`
	type late struct{ from, until time.Duration }
	one := func(began, ended time.Duration, set func(*trace.Step)) func(*tape) {
		return func(p *tape) { p.step("client.connect", began, ended, set) }
	}
	at := func(times ...time.Duration) func(*tape) {
		return func(p *tape) {
			for _, t := range times {
				p.packet(t, toServer("A", 1000, 1, "x"))
			}
		}
	}
	rtt := func(us int64) func(*tape) {
		return func(p *tape) {
			p.step("client.tcp_info", 99*ms, 100*ms, func(s *trace.Step) { s.Values = map[string]int64{"rtt": us, "retrans": 0} })
		}
	}
	answers := func(at ...time.Duration) func(*tape) {
		return func(p *tape) {
			for _, t := range at {
				got := toClient("A", 1, 1000, "y")
				got.host, got.in = "client", true
				p.packet(t, got)
			}
			p.step("client.tcp_info", 99*ms, 100*ms, func(s *trace.Step) { s.Values = map[string]int64{"min_rtt": 45000} })
		}
	}
	crossed := func(p *tape) {
		p.packet(20*ms, toServer("A", 1000, 1, "x"))
		got := toClient("A", 1, 1000, "y")
		got.host, got.in = "client", true
		p.packet(30*ms, got)
	}
	crossedTwice := func(p *tape) {
		crossed(p)
		p.packet(60*ms, toServer("A", 1001, 2, "x"))
		got := toClient("A", 2, 1001, "y")
		got.host, got.in = "client", true
		p.packet(70*ms, got)
	}
	// ahead is a packet of the client that comes before two of the server, which keep their order.
	ahead := func(between time.Duration) func(*tape) {
		return func(p *tape) {
			p.packet(20*ms, toServer("A", 1000, 1, "x"))
			for i := range 2 {
				got := toClient("A", uint32(1+i), 1001, "y")
				got.host, got.in = "client", true
				p.packet(30*ms+time.Duration(i)*between, got)
			}
		}
	}
	const (
		last   = `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: server}, {from: client}]}`
		middle = `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}, {from: server}]}`
		single = `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}, {from: client}]}`
	)
	const twice = `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}, {from: server}, {from: client}]}`
	sends := func(p *tape) {
		p.step("client.send[1]", 0, 10*ms, nil)
		p.step("client.send[2]", 20*ms, 80*ms, nil)
		p.step("client.send[3]", 90*ms, 100*ms, nil)
	}
	state := func(changes ...any) func(*tape) {
		return func(p *tape) {
			p.step("client.connect", 0, 100*ms, nil)
			for i := 0; i < len(changes); i += 2 {
				p.socket(changes[i].(time.Duration), "client", clientAddr+":41234", serverAddr+":8080", changes[i+1].(string))
			}
		}
	}
	two := func(closed, opened time.Duration) func(*tape) {
		return func(p *tape) {
			p.step("client.connect", 0, 100*ms, nil)
			for i, local := range []string{clientAddr + ":1", clientAddr + ":2"} {
				at := time.Duration(i) * opened
				p.socket(at+ms, "client", local, serverAddr+":8080", "ESTABLISHED")
				p.socket(at+ms+closed*time.Duration(1-i)+200*ms*time.Duration(i), "client", local, serverAddr+":8080", "CLOSED")
			}
		}
	}
	for _, tt := range []struct {
		name   string
		expect string
		record func(*tape)
		late   []late
		want   Status
	}{
		{"too long, in time", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), nil, Fail},
		{"too long by less than late", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), []late{{30 * ms, 52 * ms}}, Inconclusive},
		{"too long by as much as late", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), []late{{30 * ms, 50 * ms}}, Inconclusive},
		{"too long by more than late", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), []late{{30 * ms, 49 * ms}}, Fail},
		{"too long, late only before", `- {step: client.connect, took: 40ms..50ms}`, one(40*ms, 110*ms, nil), []late{{0, 35 * ms}}, Fail},
		{"too long, late only after", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), []late{{75 * ms, 125 * ms}}, Fail},
		{"too long by what was late in turn", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, nil), []late{{10 * ms, 21 * ms}, {50 * ms, 61 * ms}}, Inconclusive},
		{"too short, and what came before was late", `- {step: client.connect, took: 40ms..50ms}`, one(50*ms, 80*ms, nil), []late{{30 * ms, 45 * ms}}, Inconclusive},
		{"too short by more than anything was late", `- {step: client.connect, took: 40ms..50ms}`, one(50*ms, 80*ms, nil), []late{{0, 9 * ms}, {20 * ms, 29 * ms}}, Fail},
		{"too short, and something was late long before", `- {step: client.connect, took: 40ms..50ms}`, one(1100*ms, 1130*ms, nil), []late{{0, 50 * ms}}, Fail},
		{"another error, too", `- {step: client.connect, took: 40ms..50ms}`, one(0, 70*ms, errno("EPIPE")), []late{{30 * ms, 65 * ms}}, Fail},
		{"only another error", `- {step: client.connect}`, one(0, 70*ms, errno("EPIPE")), []late{{30 * ms, 65 * ms}}, Fail},
		{"ended after its time", `- {step: client.connect, at: 0s..60ms}`, one(10*ms, 70*ms, nil), []late{{0, 10 * ms}}, Inconclusive},
		{"a round-trip time too long, by less than late", `- {step: client.tcp_info, values: {rtt: 20ms..30ms}}`, rtt(45000), []late{{10 * ms, 17500 * time.Microsecond}}, Inconclusive},
		{"a round-trip time too long, by more than late", `- {step: client.tcp_info, values: {rtt: 20ms..30ms}}`, rtt(45000), []late{{10 * ms, 17400 * time.Microsecond}}, Fail},
		{"a round-trip time too long, by two packets that were late in turn", `- {step: client.tcp_info, values: {rtt: 20ms..30ms}}`, rtt(45000), []late{{10 * ms, 15 * ms}, {20 * ms, 25 * ms}, {30 * ms, 35 * ms}, {40 * ms, 45 * ms}}, Fail},
		{"the shortest round-trip time, with one late packet among others", `- {step: client.tcp_info, values: {min_rtt: "<= 30ms"}}`, answers(25*ms, 80*ms), []late{{15 * ms, 25 * ms}}, Fail},
		{"the shortest round-trip time, with late packets only", `- {step: client.tcp_info, values: {min_rtt: "<= 30ms"}}`, answers(25*ms, 80*ms), []late{{15 * ms, 25 * ms}, {70 * ms, 80 * ms}}, Inconclusive},
		{"a round-trip time too short", `- {step: client.tcp_info, values: {rtt: 60ms..80ms}}`, rtt(45000), []late{{0, 90 * ms}}, Fail},
		{"a number that is no time", `- {step: client.tcp_info, values: {retrans: 1}}`, rtt(45000), []late{{0, 90 * ms}}, Fail},
		{"a step that never ended", `- {step: client.connect, took: 40ms}`, func(p *tape) { p.begin("client.connect", 0) }, []late{{0, 90 * ms}}, Fail},
		{"one of three too long, by less than late", `- {step: client.send, took: 0s..50ms, count: 3}`, sends, []late{{30 * ms, 50 * ms}}, Inconclusive},
		{"one of three too long, in time", `- {step: client.send, took: 0s..50ms, count: 3}`, sends, nil, Fail},
		{"three where two are wanted", `- {step: client.send, took: 0s..90ms, count: 2}`, sends, []late{{30 * ms, 90 * ms}}, Fail},
		{"a gap too long", `- {packets: {from: client}, gaps: [10ms..20ms, 10ms..20ms]}`, at(0, 15*ms, 45*ms), []late{{20 * ms, 35 * ms}}, Inconclusive},
		{"a gap too long, late only in another", `- {packets: {from: client}, gaps: [10ms..20ms, 10ms..20ms]}`, at(0, 15*ms, 45*ms), []late{{0, 12 * ms}}, Fail},
		{"a gap too short after a late packet", `- {packets: {from: client}, gaps: [5ms..40ms, 20ms..30ms]}`, at(0, 25*ms, 35*ms), []late{{14 * ms, 25 * ms}}, Inconclusive},
		{"a gap missing", `- {packets: {from: client}, gaps: [10ms..20ms, 10ms..20ms]}`, at(0, 15*ms), []late{{0, 90 * ms}}, Fail},
		{"times of packets", `- {packets: {from: client}, at: [0s, 10ms..20ms]}`, at(0, 25*ms), []late{{5 * ms, 11 * ms}}, Inconclusive},
		{"the number of packets has no time", `- {packets: {from: client}, count: 3}`, at(0, 15*ms), []late{{0, 90 * ms}}, Fail},
		{"none in a time, by a packet that came late", `- {packets: {from: client}, since: client.connect, none: true}`, func(p *tape) { one(0, 20*ms, nil)(p); at(25 * ms)(p) }, []late{{15 * ms, 25 * ms}}, Inconclusive},
		{"none in a time, by a packet far in it", `- {packets: {from: client}, since: client.connect, none: true}`, func(p *tape) { one(0, 20*ms, nil)(p); at(60 * ms)(p) }, []late{{15 * ms, 25 * ms}}, Fail},
		{"none in a time, by a packet at once, on a machine that is hardly late", `- {packets: {from: client}, since: client.connect, none: true}`, func(p *tape) { one(0, 20*ms, nil)(p); at(21 * ms)(p) }, []late{{18 * ms, 21 * ms}}, Fail},
		{"one more until an event", `- {packets: {from: client}, until: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(5*ms, 24*ms)(p) }, []late{{10 * ms, 24 * ms}}, Inconclusive},
		{"one more until an event, that never came", `- {packets: {from: client}, until: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(5 * ms)(p) }, []late{{10 * ms, 24 * ms}}, Fail},
		{"one more since an event, that came just before it", `- {packets: {from: client}, since: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(18*ms, 25*ms)(p) }, []late{{10 * ms, 20 * ms}}, Inconclusive},
		{"one more since an event, that came just before it, in time", `- {packets: {from: client}, since: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(18*ms, 25*ms)(p) }, nil, Fail},
		{"one more since an event, of two that came before it", `- {packets: {from: client}, since: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(ms, 18*ms, 25*ms)(p) }, []late{{10 * ms, 20 * ms}}, Inconclusive},
		{"two more since an event, of which one came long before it", `- {packets: {from: client}, since: client.connect, count: 3}`, func(p *tape) { one(0, 20*ms, nil)(p); at(ms, 18*ms, 25*ms)(p) }, []late{{10 * ms, 20 * ms}}, Fail},
		{"one less since an event, that came just after it", `- {packets: {from: client}, since: client.connect, count: 1}`, func(p *tape) { one(0, 20*ms, nil)(p); at(22*ms, 40*ms)(p) }, []late{{10 * ms, 20 * ms}}, Inconclusive},
		{"one less until an event, that came just before it", `- {packets: {from: client}, until: client.connect, count: 1}`, func(p *tape) { one(0, 20*ms, nil)(p); at(5*ms, 18*ms)(p) }, []late{{10 * ms, 20 * ms}}, Inconclusive},
		{"one less until an event, that came long before it", `- {packets: {from: client}, until: client.connect, count: 1}`, func(p *tape) { one(0, 40*ms, nil)(p); at(5*ms, 10*ms)(p) }, []late{{30 * ms, 40 * ms}}, Fail},
		{"one more until an event, of two that came after it", `- {packets: {from: client}, until: client.connect, count: 2}`, func(p *tape) { one(0, 20*ms, nil)(p); at(5*ms, 22*ms, 60*ms)(p) }, []late{{10 * ms, 20 * ms}}, Inconclusive},
		{"two hosts in the other order", `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}]}`, crossed, []late{{5 * ms, 20 * ms}}, Inconclusive},
		{"two hosts in the other order, in time", `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}]}`, crossed, nil, Fail},
		{"two hosts in the other order twice, late once", twice, crossedTwice, []late{{5 * ms, 20 * ms}}, Fail},
		{"two hosts in the other order twice, late each time", twice, crossedTwice, []late{{5 * ms, 20 * ms}, {50 * ms, 61 * ms}}, Inconclusive},
		{"two alike before one, late for both", last, ahead(10 * ms), []late{{5 * ms, 26 * ms}}, Inconclusive},
		{"two alike before one, late for the first only", last, ahead(10 * ms), []late{{5 * ms, 20 * ms}}, Fail},
		{"two alike around one, late for the first", middle, ahead(10 * ms), []late{{5 * ms, 20 * ms}}, Inconclusive},
		{"two alike around one, in time", middle, ahead(10 * ms), nil, Fail},
		{"two alike where one is wanted", single, ahead(10 * ms), []late{{5 * ms, 90 * ms}}, Fail},
		{"one way in another order", `- {packets: {from: client}, sequence: [{payload: {contains: b}}, {payload: {contains: a}}]}`, func(p *tape) {
			p.packet(20*ms, toServer("A", 1000, 1, "a"))
			p.packet(21*ms, toServer("A", 1001, 1, "b"))
		}, []late{{0, 90 * ms}}, Fail},
		{"one way in another order, around the other way", `- {packets: {}, seen-by: client, sequence: [{payload: {contains: b}}, {from: server}, {payload: {contains: a}}]}`, func(p *tape) {
			p.packet(20*ms, toServer("A", 1000, 1, "a"))
			p.packet(21*ms, toServer("A", 1001, 1, "b"))
			got := toClient("A", 1, 1002, "y")
			got.host, got.in = "client", true
			p.packet(22*ms, got)
		}, []late{{0, 90 * ms}}, Fail},
		{"a packet of the sequence is missing", `- {packets: {}, seen-by: client, sequence: [{from: server}, {from: client}, {from: client}]}`, crossed, []late{{0, 90 * ms}}, Fail},
		{"a state reached after its time", `- {reaches: {host: client, state: ESTABLISHED}, at: 0s..20ms}`, state(0*ms, "SYN_SENT", 30*ms, "ESTABLISHED"), []late{{5 * ms, 17 * ms}}, Inconclusive},
		{"a state never reached", `- {reaches: {host: client, state: CLOSE_WAIT}, at: 20ms}`, state(0*ms, "SYN_SENT", 30*ms, "ESTABLISHED"), []late{{0, 90 * ms}}, Fail},
		{"a state held too long", `- {holds: {host: client, state: SYN_SENT}, for: 10ms..20ms}`, state(0*ms, "SYN_SENT", 30*ms, "ESTABLISHED"), []late{{5 * ms, 16 * ms}}, Inconclusive},
		{"a state held too long by more", `- {holds: {host: client, state: SYN_SENT}, for: 10ms..20ms}`, state(0*ms, "SYN_SENT", 30*ms, "ESTABLISHED"), []late{{5 * ms, 14 * ms}}, Fail},
		{"a state left before the end of the run", `- {holds: {host: client, state: SYN_SENT}}`, state(0*ms, "SYN_SENT", 30*ms, "ESTABLISHED"), []late{{0, 90 * ms}}, Fail},
		{"a state left just before an event", `- {holds: {host: client, state: SYN_SENT}, until: client.connect}`, state(0*ms, "SYN_SENT", 95*ms, "ESTABLISHED"), []late{{90 * ms, 99 * ms}}, Inconclusive},
		{"never, but just before the event", `- {never: {host: client, state: ESTABLISHED}, until: client.connect}`, state(0*ms, "SYN_SENT", 95*ms, "ESTABLISHED"), []late{{90 * ms, 99 * ms}}, Inconclusive},
		{"never at all", `- {never: {host: client, state: ESTABLISHED}}`, state(0*ms, "SYN_SENT", 95*ms, "ESTABLISHED"), []late{{0, 99 * ms}}, Fail},
		{"a number of sockets just before the event", `- {sockets: {host: client, state: ESTABLISHED}, when: client.connect, count: 0}`, state(0*ms, "SYN_SENT", 95*ms, "ESTABLISHED"), []late{{90 * ms, 99 * ms}}, Inconclusive},
		{"a number of sockets long before the event", `- {sockets: {host: client, state: ESTABLISHED}, when: client.connect, count: 0}`, state(0*ms, "SYN_SENT", 15*ms, "ESTABLISHED"), []late{{90 * ms, 99 * ms}}, Fail},
		{"more sockets at once than wanted, by one that was closed late", `- {sockets: {host: client, state: ESTABLISHED}, peak: 1}`, two(40*ms, 30*ms), []late{{25 * ms, 40 * ms}}, Inconclusive},
		{"more sockets at once than wanted, for longer than late", `- {sockets: {host: client, state: ESTABLISHED}, peak: 1}`, two(60*ms, 30*ms), []late{{25 * ms, 40 * ms}}, Fail},
		{"more sockets at once than wanted, in time", `- {sockets: {host: client, state: ESTABLISHED}, peak: 1}`, two(40*ms, 30*ms), nil, Fail},
		{"fewer sockets at once than wanted, by one that came late", `- {sockets: {host: client, state: ESTABLISHED}, peak: ">= 2"}`, two(40*ms, 45*ms), []late{{30 * ms, 45 * ms}}, Inconclusive},
		{"fewer sockets at once than wanted, by one that came later", `- {sockets: {host: client, state: ESTABLISHED}, peak: ">= 2"}`, two(40*ms, 65*ms), []late{{30 * ms, 45 * ms}}, Fail},
		{"fewer sockets than there ever were", `- {sockets: {host: client, state: ESTABLISHED}, peak: ">= 3"}`, two(40*ms, 30*ms), []late{{30 * ms, 45 * ms}}, Fail},
		{"a number of sockets that there never was", `- {sockets: {host: client, state: ESTABLISHED}, when: client.connect, count: 2}`, state(0*ms, "SYN_SENT", 95*ms, "ESTABLISHED"), []late{{0, 99 * ms}}, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			tt.record(p)
			for _, l := range tt.late {
				p.add(l.until, trace.Event{Late: &trace.Late{Part: trace.LateFault, Name: "silent-server", Due: start + l.from}})
			}
			v := Check(lab(t, actors, tt.expect), p.end(500*ms, "done"))[0]
			if v.Status != tt.want {
				t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, tt.want, v.Reason)
			}
			if is := v.Late > 0; is != (tt.want == Inconclusive) {
				t.Errorf("late by %v in a verdict that is %s", v.Late, v.Status)
			}
			if says := strings.Contains(v.Reason, "the machine was "); says != (tt.want == Inconclusive) {
				t.Errorf("the reason of a verdict that is %s: %s", v.Status, v.Reason)
			}
		})
	}
}

func TestAFailureAboutTimeSaysHowLateTheLabWas(t *testing.T) {
	p := newTape()
	p.step("client.connect", 0, 900*ms, nil)
	p.add(130*ms, trace.Event{Late: &trace.Late{Part: trace.LateFault, Name: "silent-server", Due: start + 100*ms}})
	v := Check(lab(t, connecting, `- {step: client.connect, took: 40ms..50ms}`), p.end(second, "done"))[0]
	const want = "the machine was 30ms late in that time, which does not explain it"
	if v.Status != Fail || len(v.Notes) != 1 || v.Notes[0] != want {
		t.Errorf("%s with the notes %q, want fail with %q", v.Status, v.Notes, want)
	}
	if !v.Timed {
		t.Error("the verdict does not say that it is about time")
	}
	if v := Check(lab(t, connecting, `- {step: client.connect, error: EPIPE}`), p.tr)[0]; v.Timed {
		t.Error("a verdict about an error is about time")
	}
}

func TestAFailureSaysThatShortTimesAreNotCounted(t *testing.T) {
	for _, tt := range []struct {
		name string
		left int
		want string
	}{
		{"none was left out", 0, "the machine was 30ms late in that time, which does not explain it"},
		{"some were", 12, "the machine was 30ms late in that time, which does not explain it; 12 times that were shorter do not count"},
	} {
		p := newTape()
		p.step("client.connect", 0, 900*ms, nil)
		p.add(130*ms, trace.Event{Late: &trace.Late{
			Part: trace.LateFault, Name: "silent-server", Due: start + 100*ms, LeftOut: tt.left,
		}})
		v := Check(lab(t, connecting, `- {step: client.connect, took: 40ms..50ms}`), p.end(second, "done"))[0]
		if got := strings.Join(v.Notes, "\n"); got != tt.want {
			t.Errorf("%s: the notes are %q, want %q", tt.name, got, tt.want)
		}
	}
}

// An actor that a signal has stopped is named, if that was most of the lateness.
func TestAStoppedActorIsNamed(t *testing.T) {
	const took = `- {step: client.connect, took: 40ms..50ms}`
	stop := func(from, until time.Duration) trace.Event {
		return trace.Event{T: start + until, Late: &trace.Late{Part: trace.LateStop, Name: "server", Due: start + from}}
	}
	fault := func(from, until time.Duration) trace.Event {
		e := stop(from, until)
		e.Late.Part, e.Late.Name = trace.LateFault, "silent-server"
		return e
	}
	for _, tt := range []struct {
		name, expect string
		late         []trace.Event
		want         Status
		because      string
		notes        string
	}{
		{"it explains the failure", took, []trace.Event{stop(30*ms, 480*ms)}, Inconclusive, "actor server was stopped for 450ms", ""},
		{"it explains a part of the failure", took, []trace.Event{stop(30*ms, 400*ms)}, Fail, "", "actor server was stopped for 370ms in that time, which does not explain it"},
		{"the failure is not about time", `- {step: client.connect, error: EPIPE}`, []trace.Event{stop(30*ms, 480*ms)}, Fail, "", "actor server was stopped for 450ms"},
		{"before the step", took, []trace.Event{stop(-500*ms, -50*ms)}, Fail, "", ""},
		{"something else was later", took, []trace.Event{stop(30*ms, 130*ms), fault(40*ms, 490*ms)}, Inconclusive, "the machine was 460ms late", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.step("client.connect", 0, 490*ms, nil)
			for _, e := range tt.late {
				p.add(e.T-start, e)
			}
			v := Check(lab(t, connecting, tt.expect), p.end(second, "done"))[0]
			if v.Status != tt.want || v.Because != tt.because || strings.Join(v.Notes, "\n") != tt.notes {
				t.Errorf("%s because %q with the notes %q, want %s because %q with the notes %q\n%s",
					v.Status, v.Because, v.Notes, tt.want, tt.because, tt.notes, v.Reason)
			}
		})
	}
}

// Waits of a step for processors add up in a duration. An instant and a round trip have one of them.
func TestManyWaitsExplainOnlyADuration(t *testing.T) {
	const actors = `
server: [listen: {port: 8080}, accept: {}]
client: [connect: {to: "server:8080"}, tcp_info: {}]
`
	for _, tt := range []struct {
		name, expect string
		want         Status
	}{
		{"a duration that is too long by less than their sum", `- {step: client.connect, took: 40ms..500ms}`, Inconclusive},
		{"a duration that is too long by more than their sum", `- {step: client.connect, took: 40ms..300ms}`, Fail},
		{"an instant on the wrong side by less than one", `- {packets: {from: client}, until: client.connect, count: 1}`, Inconclusive},
		{"an instant on the wrong side by less than the sum", `- {packets: {from: client}, until: client.connect, count: 2}`, Fail},
		{"a round trip that is too long by less than one", `- {step: client.tcp_info, values: {rtt: "<= 40000"}}`, Inconclusive},
		{"a round trip that is too long by less than the sum", `- {step: client.tcp_info, values: {rtt: "<= 30000"}}`, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.step("client.connect", 0, 800*ms, func(s *trace.Step) { s.Late, s.LateWorst = 400*ms, 10*ms })
			p.packet(809*ms, toServer("A", 1000, 1, "x"))
			p.packet(850*ms, toServer("A", 1001, 1, "x"))
			p.step("client.tcp_info", 899*ms, 900*ms, func(s *trace.Step) { s.Values = map[string]int64{"rtt": 45000} })
			if v := Check(lab(t, actors, tt.expect), p.end(second, "done"))[0]; v.Status != tt.want {
				t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, tt.want, v.Reason)
			}
		})
	}
}

// A run that its deadline ended would have ended by itself on a machine that was not late.
func TestADeadlineThatLatenessExplains(t *testing.T) {
	const text = `
name: x
title: t
hosts: {client: {}, server: {}}
deadline: 3s
actors:
  server: [listen: {port: 8080}]
  client: [{sleep: 2s}, {connect: {to: "server:8080"}}]
expect:
  - {step: client.connect}
`
	for _, tt := range []struct {
		name   string
		late   time.Duration
		reason trace.EndReason
		want   Status
	}{
		{"late by what the estimate leaves", second, trace.EndDeadline, Inconclusive},
		{"late by less", 900 * ms, trace.EndDeadline, Fail},
		{"in time", 0, trace.EndDeadline, Fail},
		{"late, but canceled", second, trace.EndCanceled, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.step("client.sleep", 0, 2*second, nil)
			p.begin("client.connect", 2*second)
			if tt.late > 0 {
				p.add(second+tt.late, trace.Event{Late: &trace.Late{Part: trace.LateQueue, Name: "wire", Due: start + second}})
			}
			verdicts := Check(load(t, text), p.end(3*second, tt.reason, "client.connect"))
			for _, v := range verdicts {
				if v.Status != tt.want {
					t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, tt.want, v.Reason)
				}
			}
			if len(verdicts) != 2 {
				t.Errorf("%d verdicts, want those of the step and of the end", len(verdicts))
			}
		})
	}
}

// A step that never began because the deadline caught its actor in another one is as late as the run.
func TestAStepThatADeadlineKeptFromBeginning(t *testing.T) {
	for _, tt := range []struct {
		name    string
		late    time.Duration
		hanging []string
		hangs   string
		want    Status
	}{
		{"late by what the estimate leaves", 2 * second, []string{"client.sleep"}, "", Inconclusive},
		{"late by less", 900 * ms, []string{"client.sleep"}, "", Fail},
		{"another actor was late", 2 * second, []string{"server.recv"}, "", Fail},
		{
			"the step before it is expected to hang", 2 * second,
			[]string{"client.sleep"},
			"  - {step: client.sleep, hangs: true}\n", Fail,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := `
name: x
title: t
hosts: {client: {}, server: {}}
deadline: 3s
actors:
  server: [listen: {port: 8080}, accept, recv]
  client: [{sleep: 1s}, {connect: {to: "server:8080"}}]
expect:
  - {step: client.connect}
` + tt.hangs
			p := newTape()
			for _, step := range tt.hanging {
				p.begin(step, 0)
			}
			due := 3 * second
			p.add(due+tt.late, trace.Event{Late: &trace.Late{Part: trace.LateEnd, Due: start + due}})
			v := Check(load(t, text), p.end(due+tt.late, trace.EndDeadline, tt.hanging...))[0]
			if v.Status != tt.want || !strings.Contains(v.Reason, "never began") {
				t.Errorf("%s, want %s\n%s", v.Status, tt.want, v.Reason)
			}
		})
	}
}
