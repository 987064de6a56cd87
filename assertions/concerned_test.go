package assertions

import (
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
)

// What an actor waits for a processor makes late what it has to do with, and nothing else.
func TestLatenessOfActors(t *testing.T) {
	const took = `- {step: client.connect, took: 40ms..50ms}`
	waits := func(actor string) trace.Event {
		return trace.Event{T: start + 90*ms, Step: &trace.Step{Actor: actor, ID: "x", Op: "sleep", N: 1, Began: start, Late: 60 * ms}}
	}
	for _, tt := range []struct {
		name string
		// other are the steps of an actor on a third host, faults those of the scenario.
		other, faults, expect string
		late                  []trace.Event
		packet                bool
		want                  Status
	}{
		{"the step's own actor", "[sleep: 1s]", "", took, []trace.Event{waits("client")}, false, Inconclusive},
		{"the actor that it connects to", "[sleep: 1s]", "", took, []trace.Event{waits("server")}, false, Inconclusive},
		{"an actor that has nothing to do with it", "[sleep: 1s]", "", took, []trace.Event{waits("other")}, false, Fail},
		{"an actor that waits for it", "[{sleep: 1s, after: client.connect}]", "", took, []trace.Event{waits("other")}, false, Inconclusive},
		{"an actor that signals it", "[{kill: {actor: server, signal: USR1}}]", "", took, []trace.Event{waits("other")}, false, Inconclusive},
		{"an actor of a host that sends it packets", "[sleep: 1s]", "", took, []trace.Event{waits("other")}, true, Inconclusive},
		{"an actor that switches a fault of others", "[sleep: 1s]", "gone: {at: other.input, match: {from: other}, from: other.sleep, do: drop}", took, []trace.Event{waits("other")}, false, Fail},
		{"an actor that switches a fault of its", "[sleep: 1s]", "gone: {at: client.input, match: {from: server}, from: other.sleep, do: drop}", took, []trace.Event{waits("other")}, false, Inconclusive},
		{"an actor that switches a fault of all", "[sleep: 1s]", "gone: {match: {tcp: DATA}, from: other.sleep, do: drop}", took, []trace.Event{waits("other")}, false, Inconclusive},
		{"an actor that was stopped and has nothing to do with it", "[sleep: 1s]", "", took, []trace.Event{{T: start + 80*ms, Late: &trace.Late{Part: trace.LateStop, Name: "other", Due: start}}}, false, Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := `
name: x
title: t
hosts: {client: {}, server: {}, other: {}}
faults: {` + tt.faults + `}
actors:
  server: [listen: 8080]
  other: ` + tt.other + `
  client: [connect: "server:8080"]
expect:
` + tt.expect + "\n"
			if tt.faults == "" {
				text = strings.Replace(text, "faults: {}\n", "", 1)
			}
			p := newTape()
			p.add(-ms, trace.Event{Host: &trace.Host{Name: "other", Addresses: []string{"198.18.3.2/24"}}})
			p.step("client.connect", 0, 95*ms, nil)
			if tt.packet {
				s := toServer("A", 1, 1, "x")
				s.src = "198.18.3.2"
				p.packet(10*ms, s)
			}
			for _, e := range tt.late {
				p.add(e.T-start, e)
			}
			v := Check(load(t, text), p.end(second, "done"))[0]
			if v.Status != tt.want {
				t.Errorf("%s: %s, want %s\n%s\n%s", v.Title, v.Status, tt.want, v.Reason, strings.Join(v.Notes, "\n"))
			}
		})
	}
}

// The shortest round trip of a socket has the packets of its connection.
func TestTheShortestRoundTripIsThatOfItsSocket(t *testing.T) {
	const expect = `- {step: client.tcp_info, values: {min_rtt: "<= 30ms"}}`
	for _, tt := range []struct {
		name   string
		remote string
		want   Status
	}{
		{"whose answer was late, and another connection's was not", serverAddr + ":8080", Inconclusive},
		{"whose answer was not late, and another connection's was", serverAddr + ":8081", Fail},
		{"of which the trace does not say which it is", "", Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			for i, at := range []time.Duration{25 * ms, 80 * ms} {
				got := toClient("A", 1, 1000, "y")
				got.host, got.in, got.sport = "client", true, 8080+i
				p.packet(at, got)
			}
			p.add(25*ms, trace.Event{Late: &trace.Late{Part: trace.LateFault, Name: "silent-server", Due: start + 15*ms}})
			p.step("client.tcp_info", 99*ms, 100*ms, func(s *trace.Step) {
				s.Values = map[string]int64{"min_rtt": 45000}
				if s.Remote = tt.remote; tt.remote != "" {
					s.Local = clientAddr + ":41234"
				}
			})
			v := Check(lab(t, `
server: [listen: {port: 8080}]
client: [connect: {to: "server:8080"}, tcp_info: {}]
`, expect), p.end(second, "done"))[0]
			if v.Status != tt.want {
				t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, tt.want, v.Reason)
			}
		})
	}
}
