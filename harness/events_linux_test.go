package harness_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
)

// runs runs a scenario and reports everything in it that fails.
func runs(t *testing.T, scenario string) {
	t.Helper()
	for _, j := range runAll(t, only(t, scenario)) {
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

// A step that switches a fault by its start stands still until that is done, and begins after it.
func TestAStepBeginsAfterTheFaultThatItsStartSwitches(t *testing.T) {
	needLab(t)
	const scenario = `
name: start-after-switch
title: A step begins after the fault that its start switches, and after its payload is made
hosts: {client: {}, server: {}}
faults:
  lost: {do: drop, from: client.it.start, via: MECHANISM}
actors:
  server: [{listen: 80}, accept, {wait: client.last}]
  client:
    - connect: "server:80"
    - {sleep: 50ms}
    - STEP
    - {send: {text: bye, flags: [dontwait]}, id: last}
    - {sleep: 20ms}
expect:
  - {sockets: {host: client, state: ESTABLISHED}, count: 1, when: client.it.start}
  - {fault: lost, hits: ">= 1"}
`
	for _, tt := range []struct{ name, step string }{
		{"send", `{send: hello, id: it}`},
		{"send with a long payload", `{send: {bytes: 8MB, flags: [dontwait]}, id: it}`},
		{"connect with a socket of its own", `{connect: {to: "server:80", nonblock: true}, id: it}`},
		{"sendto", `{sendto: {to: "server:9", text: x}, id: it}`},
		{"segment", `{segment: {flags: [ACK]}, id: it}`},
		{"flood", `{flood: {to: "server:80", count: 10}, id: it}`},
		{"exec", `{exec: "true", id: it}`},
		{"repeat", `{repeat: {times: 2, steps: [{send: hello}]}, id: it}`},
	} {
		for _, mechanism := range []string{"iptables", "nfqueue"} {
			t.Run(tt.name+" by "+mechanism, func(t *testing.T) {
				t.Parallel()
				s := only(t, strings.NewReplacer("MECHANISM", mechanism, "STEP", tt.step).Replace(scenario))[0]
				tr, err := harness.Run(t.Context(), s, harness.Options{Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range assertions.Check(s, tr) {
					if v.Status == assertions.Fail || v.Status == assertions.Inconclusive {
						t.Errorf("%s: %s", v.Title, v.Reason)
					}
				}
				var order []string
				for i := range tr.Events {
					switch e := &tr.Events[i]; {
					case e.Sampled != nil:
						order = append(order, "sockets read")
					case e.Fault != nil && e.Fault.What == trace.FaultOn:
						order = append(order, "fault on")
					case e.Start != nil && e.Start.Step == "it":
						order = append(order, "start")
					}
				}
				want := []string{"sockets read", "fault on", "start"}
				if diff := cmp.Diff(want, order); diff != "" {
					t.Errorf("order (-want +got):\n%s", diff)
				}
			})
		}
	}
}
