package harness_test

import (
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
)

// The packet of an event goes on as before, and the one right behind it, sent at once, meets the fault
// that the event has switched.
func TestThePacketAfterAnEventMeetsTheFaultThatItSwitches(t *testing.T) {
	needLab(t)
	const scenario = `
name: second-packet
title: The faults that begin and end with a packet strike those after it
ip: [v4, v6]
SHAPE
hosts: {client: {}, server: {}}
faults:
  from: {match: {to: server, udp: any}, do: drop, from: {packet: {to: server, udp: any, payload: {contains: "2"}}}, until: {packet: {to: server, udp: any}, nth: 4}}
  held: {match: {to: server, udp: any, payload: {contains: "1"}}, do: {hold: {packet: {to: server, udp: any, payload: {contains: "2"}}}}}
actors:
  server:
    - socket: udp
    - bind: 9
    - recvfrom
    - {recvfrom: , times: 2, id: more}
  client:
    - {sendto: {to: "server:9", text: "1"}, id: one}
    - {sendto: {to: "server:9", text: "2"}, id: two}
    - {sendto: {to: "server:9", text: "3"}, id: three}
    - {sendto: {to: "server:9", text: "4"}, id: four}
    - {sendto: {to: "server:9", text: "5"}, id: five}
expect:
  - {step: server.recvfrom, text: "1"}
  - {step: "server.more[1]", text: "2"}
  - {step: "server.more[2]", text: "5"}
  - {fault: from, hits: 2}
  - {fault: held, hits: 1}
`
	for _, shape := range []string{"", "network: {shape: direct}"} {
		for range 2 {
			runs(t, strings.Replace(scenario, "SHAPE", shape, 1))
		}
	}
}

// Sockets at the event of a packet are those before it arrives, though the packet after it follows at
// once.
func TestSocketsAtThePacketOfAnEvent(t *testing.T) {
	needLab(t)
	runs(t, `
name: sockets-at-a-packet
title: The FIN of an event has not arrived when the sockets are read
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 8080
    - accept
    - send: bye
    - close
  client:
    - connect: "server:8080"
    - recv: {until: eof}
expect:
  - {sockets: {host: client, state: ESTABLISHED}, count: 1, when: {packet: {from: server, tcp: FIN}}}
  - {sockets: {host: client, state: CLOSE_WAIT}, count: 1}
  - {packets: {from: server, tcp: FIN}, seen-by: client, count: 1, since: {packet: {from: server, tcp: FIN}}}
  - {packets: {from: server, tcp: DATA}, seen-by: client, none: true, since: {packet: {from: server, tcp: FIN}}}
`)
}

// A packet that never comes leaves its count in the trace, and what waits for it says so.
func TestAPacketThatNeverComes(t *testing.T) {
	needLab(t)
	const scenario = `
name: never
title: A packet that never comes
hosts: {client: {}, server: {}}
actors:
  client:
    - {sendto: {to: "server:9", text: x}, times: 2}
    - wait: {event: {packet: {udp: any}, nth: 2}, timeout: 5s}
    - wait: {event: {packet: {udp: any}, nth: 3}, timeout: 1ms}
expect:
  - {step: client.wait, error: none}
  - {step: client.wait2, error: ETIMEDOUT}
  - {packets: {udp: any}, none: true, since: {packet: {udp: any}, nth: 3}}
`
	s := only(t, scenario)[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range tr.Events {
		if f := tr.Events[i].Fault; f != nil {
			t.Errorf("the watch is a fault in the trace: %+v", f)
		}
		if w := tr.Events[i].Watched; w != nil && w.Happened && (w.Host != "wire" || len(w.Packet) == 0) {
			t.Errorf("the event has no packet at the wire: %+v", w)
		}
	}
	var failed []string
	for _, v := range assertions.Check(s, tr) {
		if v.Status != assertions.Pass {
			failed = append(failed, v.Reason)
		}
	}
	const want = "the event {packet: {udp: any}, nth: 3} never happened: only 2 packets of 3 came"
	if len(failed) != 1 || failed[0] != want {
		t.Errorf("failures %q, want %q", failed, want)
	}
	if end, _ := tr.End(); end.Reason != trace.EndDone {
		t.Errorf("the run ended with %s", end.Reason)
	}
}
