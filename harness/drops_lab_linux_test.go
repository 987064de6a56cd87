package harness_test

import (
	"slices"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/internal/tracepoint"
	"halfopen/internal/testlab"
)

// refusals are a connection that is refused, data whose checksum is wrong, and a SYN that a fault
// drops.
const refusals = `
name: refusals
title: Packets are dropped by kernels and by a fault
hosts: {client: {}, server: {}}
faults:
  broken: {match: {from: client, udp: any}, do: corrupt}
  lost: {at: server.input, match: {from: client, tcp: SYN, dport: 81}, nth: 1, do: drop}
actors:
  server:
    - socket: udp
    - bind: {port: 53}
    - wait: client.datagram
    - sleep: 100ms
  client:
    - connect: {to: "server:80"}
    - {connect: {to: "server:81"}, id: again}
    - socket: udp
    - {sendto: {to: "server:53", text: hello}, id: datagram}
expect:
  - {step: client.connect, error: ECONNREFUSED}
`

func TestDropsAreJudgedByTheKernelsReasons(t *testing.T) {
	needLab(t)
	view, err := tracepoint.Open()
	testlab.Supported(t, err)
	reasons := view.DropReasons()
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, expect string
		want         assertions.Status
	}{
		{"a SYN that finds no socket", "{host: server, reason: no_socket, tcp: SYN, dport: 80}, count: 1, at: [0s..50ms], since: client.connect.start", assertions.Pass},
		{"a datagram whose checksum is wrong", "{host: server, reason: [TCP_CSUM, UDP_CSUM], udp: any, from: client}, count: 1", assertions.Pass},
		{"what a fault does not count for", "{host: server, tcp: SYN, dport: 81}, count: 1", assertions.Pass},
		{"none where there is one", "{host: server, reason: UDP_CSUM}, none: true", assertions.Fail},
		{"none on the other host", "{host: client, reason: UDP_CSUM}, none: true", assertions.Pass},
		{"a reason that no kernel has", "{host: server, reason: UDP_CSM}, none: true", assertions.Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := only(t, strings.Replace(refusals, "expect:", "expect:\n  - {drops: "+tt.expect+"}", 1))[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			if err != nil {
				t.Fatal(err)
			}
			watched, _ := tracepointsOf(t, tr)
			if !slices.IsSorted(watched.DropReasons) || len(watched.DropReasons) != len(reasons) {
				t.Errorf("the trace has the reasons %q; the kernel has %d", watched.DropReasons, len(reasons))
			}
			if v := assertions.Check(s, tr)[0]; v.Status != tt.want {
				t.Errorf("%s: %s, want %s\n%s", v.Title, v.Status, tt.want, v.Reason)
			}
		})
	}
}
