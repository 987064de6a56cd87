package harness_test

import (
	"strings"
	"testing"
)

// runs runs a scenario and reports everything in it that fails.
func runs(t *testing.T, scenario string) {
	t.Helper()
	for _, j := range runAll(t.Context(), only(t, scenario)) {
		for _, line := range j.failures() {
			t.Error(line)
		}
	}
}

// In each of these scenarios the event releases an RST that ends the client's TIME_WAIT.
func TestSocketsAtAnEventAreReadBeforeItReleasesAPacket(t *testing.T) {
	needLab(t)
	const scenario = `
name: before-release
title: The sockets at an event are those before the packets that it releases
hosts: {client: {}, server: {}}
faults:
  late-rst:
    match: {from: server, tcp: RST}
    do: {hold: {until: EVENT}}
FAULT
actors:
  server:
    - listen: 8080
    - accept
    - recv
    - {segment: {flags: [RST], seq: next+1}}
    - {shutdown: write, id: fin}
    - {sleep: 100ms, id: closed}
STEP
    - {sleep: 100ms, id: look}
  client:
    - connect: "server:8080"
    - {sleep: 50ms, after: server.accept}
    - close
expect:
  - {sockets: {host: client, state: TIME_WAIT}, count: 1, when: EVENT}
  - {sockets: {host: client, state: TIME_WAIT}, count: 0, when: server.look}
`
	for _, tt := range []struct{ name, event, fault, step string }{
		{name: "the end of a step", event: "server.closed"},
		{name: "the start of a step", event: "server.look.start"},
		{name: "a signal", event: "server.signal.now", step: "    - signal: now"},
		{
			name:  "a hit of a queue",
			event: "fault.struck.hit",
			fault: "  struck: {match: {from: server, udp: any}, do: {delay: 1ms}, via: nfqueue}",
			step:  "    - sendto: {to: \"client:9\", text: x}",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runs(t, strings.NewReplacer(
				"EVENT", tt.event, "FAULT", tt.fault, "STEP", tt.step,
			).Replace(scenario))
		})
	}
}
