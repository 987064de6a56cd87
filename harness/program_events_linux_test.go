package harness_test

import (
	"testing"
)

// The end of a program is an event: of one that a step stops, of one that a step waits for, and of one
// whose actor was killed. A fault that it switches is in force before the step that stopped it ends.
func TestTheEndOfAProgramIsAnEvent(t *testing.T) {
	needLab(t)
	runs(t, `
name: program-ends
title: Faults and steps that wait for the end of a program
hosts: {client: {}, server: {}}
faults:
  after-the-stop: {match: {to: server, udp: any, dport: 9}, do: drop, from: server.web.ended}
  until-the-second: {match: {to: server, udp: any, dport: 10}, do: drop, until: "server.run[2].ended"}
actors:
  server:
    - start: {command: [sleep, "60"], as: web}
    - {exec: "true", id: run, times: 2, after: client.tenth}
  worker:
    host: server
    steps:
      - {start: {command: [sleep, "60"], as: orphan}, after: server.web}
      - sleep: 15s
  client:
    - {sendto: {to: "server:9", text: x}, id: before, after: worker.orphan}
    - stop: server.web
    - {sendto: {to: "server:9", text: x}, id: behind}
    - {sendto: {to: "server:10", text: x}, id: tenth}
    - wait: {event: "server.run.ended[2]", timeout: 5s}
    - {sendto: {to: "server:10", text: x}, id: passes}
    - kill: worker
    - {wait: {event: worker.orphan.ended, timeout: 5s}, id: orphaned}
expect:
  - {fault: after-the-stop, hits: 1}
  - {fault: until-the-second, hits: 1}
  - {packets: {to: server, udp: any}, seen-by: server, count: 2}
  - {packets: {to: server, udp: any, dport: 9}, seen-by: server, until: server.web.ended, count: 1}
  - {step: client.wait, error: none}
  - {step: client.orphaned, error: none}
`)
}

// A line that a program prints is an event: of one output, of one execution, the nth of its kind, and the
// end of a program is the end of its last line.
func TestALineOfAProgramIsAnEvent(t *testing.T) {
	needLab(t)
	runs(t, `
name: lines
title: Faults and steps that wait for a line of a program
hosts: {client: {}, server: {}}
faults:
  second: {match: {to: server, udp: any, dport: 9}, do: drop, via: nfqueue, from: {log: server.web, contains: got, nth: 2}}
  held: {match: {to: server, udp: any, dport: 10}, do: {hold: {log: server.web, matches: "^bye$"}}}
actors:
  server:
    - start: {as: web, command: "trap 'echo bye >&2; exit' TERM; echo up; while :; do sleep 0.01; [ -e /tmp/go ] && rm /tmp/go && echo got it; done"}
    - {exec: "printf 'no newline'", id: open, times: 2, after: client.held}
  client:
    - wait: {log: server.web, matches: "^up", stream: stdout}
    - {exec: ": >/tmp/go", id: go1}
    - wait: {log: server.web, contains: got}
    - {sendto: {to: "server:9", text: x}, id: passes}
    - {exec: ": >/tmp/go", id: go2}
    - wait: {log: server.web, matches: "^got", nth: 2}
    - {sendto: {to: "server:9", text: x}, id: lost}
    - {sendto: {to: "server:10", text: x}, id: held}
    - {wait: {event: {log: "server.open[2]", contains: newline}, timeout: 5s}, id: opened}
    - {exec: "true", id: unheld}
    - stop: server.web
    - {wait: {event: {log: server.web, contains: bye, stream: stderr}, timeout: 5s}, id: bye}
    - {wait: {event: {log: server.web, contains: bye, stream: stdout}, timeout: 10ms}, id: other}
expect:
  - {fault: second, hits: 1}
  - {packets: {to: server, udp: any, dport: 9}, seen-by: server, count: 1}
  - {packets: {to: server, udp: any, dport: 10}, seen-by: server, none: true, until: client.unheld}
  - {packets: {to: server, udp: any, dport: 10}, seen-by: server, count: 1, since: {log: server.web, contains: bye}}
  - {step: client.opened, error: none}
  - {step: client.bye, error: none}
  - {step: client.other, error: ETIMEDOUT}
`)
}
