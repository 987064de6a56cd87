package report

import (
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestStepOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   trace.Step
		took time.Duration
		want string
	}{
		{"the result of a system call", trace.Step{Op: "connect"}, 0, "= 0"},
		{"one that took its time", trace.Step{Op: "connect"}, 3071 * time.Millisecond, "= 0 after 3.071s"},
		{"an error", trace.Step{Op: "recv", Errno: "ETIMEDOUT", Result: -1}, 0, "= ETIMEDOUT"},
		{"an error after some bytes", trace.Step{Op: "send", Errno: "EPIPE", Result: -1, Bytes: 12}, 0, "= EPIPE, 12 bytes before"},
		{"a step that could not be tried", trace.Step{Op: "exec", Problem: "no such program", Result: -1}, 0, "= not possible: no such program"},
		{"bytes sent", trace.Step{Op: "send", Result: 5}, 0, "= 5 bytes"},
		{"bytes sent in several calls", trace.Step{Op: "send", Result: 5, Bytes: 1}, 0, "= 5 bytes"},
		{"an empty datagram", trace.Step{Op: "sendto"}, 0, "= 0 bytes"},
		{"a received datagram", trace.Step{Op: "recvfrom", Result: 1, Bytes: 1}, 0, "= 1 byte"},
		{"received bytes", trace.Step{Op: "recv", Bytes: 64}, 0, "= 64 bytes"},
		{"the end of a stream", trace.Step{Op: "recv"}, 0, "= 0, end of stream"},
		{"the length of a packet", trace.Step{Op: "segment", Result: 40}, 0, "= 40"},
		{"a peer", trace.Step{Op: "accept", Peer: "198.18.1.2:40000", Result: 4}, 0, "= 198.18.1.2:40000"},
		{"no peer", trace.Step{Op: "accept", Result: 4}, 0, "= 4"},
		{"the value of an option", trace.Step{Op: "getsockopt", Value: "ECONNREFUSED"}, 0, "= ECONNREFUSED"},
		{"an empty value", trace.Step{Op: "getsockopt"}, 0, `= ""`},
		{"events", trace.Step{Op: "poll", Value: "in,hup", Result: 1}, 0, "= in,hup"},
		{"no event", trace.Step{Op: "poll"}, 0, "= 0, timeout"},
		{"fields", trace.Step{Op: "tcp_info", Values: map[string]int64{"rto": 1, "rtt": 2}}, 0, "= 2 values"},
		{"system calls", trace.Step{Op: "blocked", Data: []byte("recvfrom")}, 0, "= recvfrom"},
		{"no system call", trace.Step{Op: "blocked"}, 0, "= no system call"},
		{"an exit status", trace.Step{Op: "exec"}, 0, "= exit 0"},
		{"a signal", trace.Step{Op: "exec", Killed: "TERM"}, 0, "= killed by SIGTERM"},
		{"a program that is ready", trace.Step{Op: "start", Value: "ready"}, 0, "= ready"},
		{"a program that is not ready", trace.Step{Op: "start", Errno: "ETIMEDOUT", Value: "no socket"}, 0, "= ETIMEDOUT, no socket"},
		{"the program that a step has stopped", trace.Step{Op: "stop", Exit: 3, Result: 3}, 0, "= exit 3"},
		{"an operation of a later version", trace.Step{Op: "teleport", Result: 7, Bytes: 9}, 0, "= 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(&tt.in, tt.took); got != tt.want {
				t.Errorf("outcome() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEveryOutcomeIsShown(t *testing.T) {
	for key, op := range language.Operations() {
		showing, ok := op.(language.Showing)
		if !ok || showing.Shows().Part == language.OutcomeResult {
			continue
		}
		st := trace.Step{
			Op: key, Bytes: 1, SHA256: "x", Data: []byte("x"), Value: "x",
			Values: map[string]int64{"x": 1}, Peer: "x",
		}
		if text, _ := shown(&st); text == "" {
			t.Errorf("the outcome %q of %s has no words", showing.Shows().Part, key)
		}
	}
}

func TestStepCalls(t *testing.T) {
	s := &language.Scenario{Actors: []language.Actor{{Name: "a", Steps: []language.Step{
		{ID: "flood", Op: language.Op{Flood: &language.Flood{To: "server:8080", Count: 1000}}},
		{ID: "repeat", Op: language.Op{Repeat: &language.Repeat{Times: 2, Steps: []language.Step{
			{ID: "inner", Op: language.Op{Close: &language.Close{}}},
		}}}},
		{ID: "nothing"},
		{ID: "datagrams", Op: language.Op{Socket: &language.SocketOp{Type: "udp"}}},
		{ID: "stream", Op: language.Op{Socket: &language.SocketOp{}}},
		{ID: "connect", Op: language.Op{Connect: &language.Connect{To: "server:8080"}}},
	}}}}
	l := newLab(t, false)
	l.step(0, 0, trace.Step{Actor: "a", ID: "datagrams", Op: "socket", Socket: "sock"})
	l.step(0, 0, trace.Step{Actor: "a", ID: "stream", Op: "socket", Socket: "sock2"})
	calls := stepCalls(s, l.end(ms))
	for _, tt := range []struct {
		id, op, socket string
		n              int
		want           string
	}{
		{"flood", "flood", "", 1, "flood(server:8080, 1000 SYNs)"},
		{"repeat", "repeat", "", 2, "repeat(2 times) #2"},
		{"inner", "close", "", 1, "close()"},
		{"nothing", "teleport", "", 1, "teleport()"},
		{"unknown", "teleport", "", 3, "teleport() #3"},
		{"connect", "connect", "sock", 1, "connect(server:8080, udp)"},
		{"connect", "connect", "sock2", 2, "connect(server:8080) #2"},
		{"inner", "close", "sock", 1, "close()"},
	} {
		st := trace.Step{Actor: "a", ID: tt.id, Op: tt.op, Socket: tt.socket, N: tt.n}
		if got := calls.of(&st); got != tt.want {
			t.Errorf("the call of %s on %q is %q, want %q", tt.id, tt.socket, got, tt.want)
		}
	}
}

func TestOutcomeNamesTheOptionThatWasRefused(t *testing.T) {
	for _, tt := range []struct {
		step trace.Step
		want string
	}{
		{trace.Step{Op: "setsockopt", Errno: "EINVAL", Value: "TCP_MAXSEG"}, "= EINVAL for TCP_MAXSEG"},
		{trace.Step{Op: "setsockopt"}, "= 0"},
		{trace.Step{Op: "shutdown", Errno: "ENOTCONN", Value: "both"}, "= ENOTCONN"},
	} {
		if got := outcome(&tt.step, 0); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.step.Op, tt.step.Errno, got, tt.want)
		}
	}
}
