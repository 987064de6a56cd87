package assertions

import (
	"testing"

	"halfopen/harness/trace"
)

// A verdict says each fact once: what was wanted, what was seen, and what neither says.
func TestWhyIsWhatWantAndGotDoNotSay(t *testing.T) {
	const timer = " (62.996s to 70.925s: a kernel timer is never early and at most 12.5 % late)"
	connect := func(p *tape) { p.step("client.connect", 0, 3*second, errno("ECONNREFUSED")) }
	for _, tt := range []struct {
		name, expect   string
		record         func(*tape)
		want, got, why string
	}{
		{"an error", `- {step: client.connect, error: ETIMEDOUT}`, connect, "ETIMEDOUT", "ECONNREFUSED after 3s", ""},
		{"a time", `- {step: client.connect, error: ECONNREFUSED, took: 63s}`, connect, "it took 63s" + timer, "it took 3s", ""},
		{"an error and a time", `- {step: client.connect, error: ETIMEDOUT, took: 63s}`, connect, "ETIMEDOUT; it took 63s" + timer, "ECONNREFUSED; it took 3s", ""},
		{"an error, and a time as wanted", `- {step: client.connect, error: ETIMEDOUT, took: 3s}`, connect, "ETIMEDOUT", "ECONNREFUSED after 3s", ""},
		{"a time that lateness explains", `- {step: client.connect, error: ECONNREFUSED, took: "<= 2s"}`, func(p *tape) {
			connect(p)
			p.add(2*second, trace.Event{Late: &trace.Late{Part: trace.LateQueue, Name: "wire", Due: start}})
		}, "it took <= 2s", "it took 3s", "the machine was 2s late in that time"},
		{"a sequence", `- {packets: {from: client}, sequence: [{tcp: SYN}]}`, func(p *tape) { p.packet(0, toServer("A", 1, 1, "")) }, "packet 1: SYN", "198.18.1.2:41234 > 198.18.2.2:8080 ACK seq 1 ack 1 win 64240 len 0", ""},
		{"a path", `- {path: {host: client}, states: [CLOSED]}`, func(p *tape) {
			p.socket(0, "client", clientAddr+":41234", serverAddr+":8080", "SYN_SENT")
		}, "CLOSED", "SYN_SENT", "it began in SYN_SENT, not in CLOSED"},
		{"an event that never was", `- {packets: {from: client}, since: client.connect, count: 1}`, func(*tape) {}, "packets since client.connect", "no such event", "the event client.connect never happened"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			tt.record(p)
			v := Check(lab(t, connecting, tt.expect), p.end(10*second, "done"))[0]
			if v.Want != tt.want || v.Got != tt.got || v.Why != tt.why {
				t.Errorf("wanted %q\nsaw %q\nwhy %q\nwant\n%q\n%q\n%q\n%s", v.Want, v.Got, v.Why, tt.want, tt.got, tt.why, v.Reason)
			}
		})
	}
}
