package harness_test

import (
	"testing"

	"halfopen/assertions"
	"halfopen/harness"
)

// A run keeps the payload of its packets only if something asks for it. Verdicts do not depend on
// that.
func TestPayloadIsKeptIfSomethingAsksForIt(t *testing.T) {
	needLab(t)
	const headers = 14 + 20 + 32 // Ethernet, IPv4, TCP with timestamps
	for _, tt := range []struct {
		name, network, expect string
		// longest is the length of the longest frame that is kept.
		longest int
	}{
		{"nothing does", "{}", "{packets: {tcp: DATA, from: client}, seen-by: client, count: 3}", headers},
		{"a selector does", "{}", `{packets: {tcp: DATA, payload: {contains: "zz"}}, none: true}`, 1514},
		{"snaplen does", "{snaplen: 65535}", "{packets: {tcp: DATA, from: client}, seen-by: client, count: 3}", 1514},
		{"snaplen does, in part", "{snaplen: 300}", "{packets: {tcp: DATA, from: client}, seen-by: client, count: 3}", 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, `
name: test
title: three segments of 1448 bytes
network: `+tt.network+`
hosts: {client: {}, server: {}}
actors:
  server: [listen: 8080, accept: {}, recv: 4344, close]
  client: [connect: "server:8080", send: {bytes: 4344}, close]
expect:
  - `+tt.expect+`
`)[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range assertions.Check(s, tr) {
				if v.Status != assertions.Pass {
					t.Errorf("%s: %s", v.Title, v.Reason)
				}
			}
			longest, onTheWire := 0, 0
			for i := range tr.Events {
				if tr.Events[i].IsPacket() {
					p := tr.Events[i].Packet()
					onTheWire = max(onTheWire, p.Length)
					if p.Length > 256 || len(p.Frame) != p.Length {
						longest = max(longest, len(p.Frame))
					}
					if d := p.Decode(); d.Malformed {
						t.Errorf("a frame of %d bytes, cut to %d, is malformed", p.Length, len(p.Frame))
					}
				}
			}
			if longest != tt.longest || onTheWire != 1514 {
				t.Errorf("the longest frame had %d bytes, of which %d were kept; want %d of 1514", onTheWire, longest, tt.longest)
			}
		})
	}
}
