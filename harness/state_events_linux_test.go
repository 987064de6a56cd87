package harness_test

import (
	"testing"

	"halfopen/assertions"
	"halfopen/harness"
)

// A socket that comes to a state is an event: shown by the kernel's tracepoints where they can be
// watched, and by looks everywhere.
func TestAStateOfASocketIsAnEvent(t *testing.T) {
	needLab(t)
	const scenario = `
name: states
title: Faults and steps that wait for a state
hosts: {client: {}, server: {}}
faults:
  lost: {match: {from: server, tcp: FIN}, via: nfqueue, do: drop, from: {state: CLOSE_WAIT, host: server, local: 8080}}
actors:
  server:
    - sleep: 5ms
    - listen: 8080
    - accept
    - recv: {until: eof}
    - {sleep: 20ms, id: fault}
    - close
    - wait: {event: {state: LAST_ACK, host: server}, timeout: 5s}
  client:
    - wait: {event: {state: LISTEN, host: server}, timeout: 5s}
    - connect: "server:8080"
    - close
    - {wait: {event: {state: FIN_WAIT2, host: client, remote: 8080}, timeout: 5s}, id: fin-wait2}
    - {wait: {event: {state: ESTABLISHED, host: server, nth: 2}, timeout: 5ms}, id: second}
expect:
  - {step: client.wait, error: none}
  - {step: client.connect, error: none}
  - {step: client.fin-wait2, error: none}
  - {step: client.second, error: ETIMEDOUT}
  - {step: server.wait, error: none}
  - {fault: lost, hits: ">= 1"}
  - {sockets: {host: client, state: [FIN_WAIT1, FIN_WAIT2]}, count: 1, when: {state: CLOSE_WAIT, host: server}}
`
	for _, o := range []harness.Options{{}, {NoTracepoints: true}} {
		s := only(t, scenario)[0]
		tr, err := harness.Run(t.Context(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range assertions.Check(s, tr) {
			if v.Status != assertions.Pass {
				t.Errorf("no tracepoints %v: %s: %s", o.NoTracepoints, v.Title, v.Reason)
			}
		}
	}
}
