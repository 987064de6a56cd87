package harness_test

import (
	"testing"

	"halfopen/scenarios/language"
)

// blockedScenario lets an operator look at actors that hang, that do not hang, and that have ended.
const blockedScenario = `
name: blocked
title: an operator finds what others hang in
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 8080
    - {socket: udp, id: udp}
    - bind: 53
    - parallel:
        - - {poll: , socket: sock}
        - - wait: operator.signal.over
        - - repeat: {times: 2, steps: [accept]}
        - - sleep: 1ms
  idle: {host: client, steps: [sleep: 1ms]}
  runs: {host: client, steps: [exec: [sleep, "60"]]}
  waits: {host: client, steps: [wait: operator.signal.over]}
  dead: {host: client, steps: [sleep: 60s]}
  # It hangs in every call that a step can hang in, each on a separate thread.
  everywhere:
    host: client
    steps:
      - {listen: 8080, socket: l}
      - {connect: {to: "client:8080"}, socket: c1}
      - {accept: {as: s1}, socket: l}
      - {connect: {to: "client:8080"}, socket: c2}
      - {accept: {as: s2}, socket: l}
      - {socket: {type: udp, as: u}}
      - {bind: 53, socket: u}
      # A backlog of 0 has room for one connection; the SYN of the next is dropped.
      - {listen: {port: 8081, backlog: 0}, socket: f}
      - {connect: {to: "client:8081"}, socket: first}
      - parallel:
          - - {accept: , socket: l}
          - - {recv: , socket: c1}
          - - {recvfrom: , socket: u}
          - - {send: {bytes: 16MB}, socket: c2}
          - - {poll: , socket: c1}
          - - sleep: 60s
          - - exec: [sleep, "60"]
          - - {connect: {to: "client:8081"}, socket: full}
          - - wait: operator.signal.over
  operator:
    host: client
    steps:
      - {sleep: 500ms, id: settle}
      - {blocked: server, id: in-parallel}
      - {blocked: idle, id: has-done-all}
      - {blocked: runs, id: in-a-program}
      - {blocked: waits, id: for-an-event}
      - {blocked: dead, id: alive}
      - {blocked: everywhere, id: in-every-call}
      - {kill: dead, id: kill-dead}
      - {sleep: 500ms, id: dies}
      - {blocked: dead, id: gone}
      - kill: server
      - kill: runs
      - kill: waits
      - kill: everywhere
      - signal: over
expect:
  - {step: operator.in-parallel, text: ppoll accept4}
  - {step: operator.has-done-all, text: ""}
  - {step: operator.in-a-program, text: waitid}
  - {step: operator.for-an-event, text: ""}
  - {step: operator.alive, text: clock_nanosleep}
  - step: operator.in-every-call
    text: accept4 recvfrom recvfrom sendto ppoll clock_nanosleep waitid connect
  - {step: operator.gone, error: ESRCH}
`

func TestBlocked(t *testing.T) {
	needLab(t)
	f, err := language.Parse("blocked.yaml", []byte(blockedScenario))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range runAll(t, runs) {
		for _, line := range j.failures() {
			t.Error(line)
		}
	}
}
