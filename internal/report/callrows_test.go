package report

import (
	"strings"
	"testing"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// withCalls is a run with a Go program, which does not block, a program that does, and one that makes
// very many calls.
func withCalls(t *testing.T) *trace.Trace {
	l := newLab(t, false)
	fd := func(n int) *int { return &n }
	const client, server = "198.18.1.2:40000", "198.18.2.2:80"
	call := func(host string, from, to time.Duration, name string, change func(*trace.Call)) {
		c := &trace.Call{
			Host: host, Actor: host, Step: "exec", N: 1, PID: 7, TID: 7, Name: name, Began: start + from,
			FD: fd(3), Proto: "tcp", Local: client, Remote: server,
		}
		if host == "server" {
			c.Local, c.Remote = server, client
		}
		change(c)
		l.add(start+to, trace.Event{Call: c})
	}
	fails := func(errno string) func(*trace.Call) {
		return func(c *trace.Call) { c.Errno, c.Result = errno, -1 }
	}
	returns := func(n int64) func(*trace.Call) { return func(c *trace.Call) { c.Result = n } }
	to := func(f func(*trace.Call)) func(*trace.Call) {
		return func(c *trace.Call) { c.Address, c.Remote = server, ""; f(c) }
	}
	call("client", ms, ms, "socket", func(c *trace.Call) { c.FD, c.Local, c.Remote = nil, "", "" })
	call("client", ms, ms, "setsockopt", func(c *trace.Call) {
		c.Option, c.Value, c.Errno, c.Result = "TCP_CONGESTION", "\x1b[2Jreno", "ENOENT", -1
	})
	call("client", 2*ms, 2*ms, "connect", to(fails("EINPROGRESS")))
	call("client", 2*ms, 900*ms, "epoll_pwait", func(c *trace.Call) { c.FD, c.Result = fd(4), 1 })
	call("client", 900*ms, 900*ms, "getsockopt", func(c *trace.Call) { c.Option, c.Value = "SO_ERROR", "0" })
	call("server", 100*ms, 901*ms, "accept4", returns(5))
	call("client", 901*ms, 901*ms, "write", returns(78))
	call("client", 902*ms, 902*ms, "read", fails("EAGAIN"))
	for i := range 20 {
		at := time.Duration(910+i) * ms
		call("server", at, at, "recvfrom", func(c *trace.Call) { c.Result, c.Flags = 1, "MSG_DONTWAIT|MSG_NOSIGNAL" })
	}
	timeout := 500 * ms
	call("server", 1000*ms, 1500*ms, "poll", func(c *trace.Call) {
		c.FD, c.Value, c.Timeout = nil, "5 POLLIN", &timeout
	})
	call("server", 1501*ms, 1700*ms, "sendto", fails("ECONNRESET"))
	call("server", 1702*ms, 1702*ms, "recvfrom", func(c *trace.Call) { c.N = 2 })
	call("server", 1703*ms, 1703*ms, "shutdown", func(c *trace.Call) { c.Value = "write" })
	call("server", 1704*ms, 1704*ms, "sendto", func(c *trace.Call) {
		c.Proto, c.Address, c.Remote, c.Result = "udp", "198.18.1.2:53", "", 9
	})
	call("server", 1705*ms, 3000*ms, "recvmsg", func(c *trace.Call) { c.Unfinished = true })
	l.add(start+3000*ms, trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Calls, N: 2, Kernel: 2}})
	l.add(start+3000*ms, trace.Event{CallsLeft: &trace.CallsLeft{
		Host: "server", Actor: "server", Step: "exec", N: 1, Name: "sendto", Count: 90000,
	}})
	l.add(start+3000*ms, trace.Event{CallsLeft: &trace.CallsLeft{
		Host: "server", Actor: "server", Step: "exec", N: 1, Name: "recvfrom", Errno: "EAGAIN", Count: 10,
	}})
	return l.end(3000 * ms)
}

func TestCallsInLadders(t *testing.T) {
	tr := withCalls(t)
	golden(t, "calls-all", Ladder(nil, tr, LadderOptions{Calls: 1000}))
	few := Ladder(nil, tr, LadderOptions{Calls: 5, MaxRows: 40})
	golden(t, "calls-few", few)
	for dir, say := range map[string]string{"": "26 more calls of programs: --out DIR stores them", "d": "26 more calls of programs: see halfopen inspect"} {
		r := &result.Result{Run: result.Run{Scenario: &language.Scenario{}}, Trace: tr, Dir: dir}
		if text := ladderOf(r, Look{}, LadderOptions{Calls: 5}); !strings.Contains(text, say) {
			t.Errorf("the ladder does not have %q:\n%s", say, text)
		}
		if text := ByHand(r, Look{}); !strings.Contains(text, "recv") || strings.Contains(text, "more calls of programs") {
			t.Errorf("the ladder of a lab that was held does not have all calls:\n%s", text)
		}
	}
	unseen := withPrograms(t)
	unseen.Trace.Add(trace.Event{T: ms, Tracepoints: &trace.Tracepoints{Off: "CAP_BPF and CAP_PERFMON are not available here"}})
	const say = "\n  note: the system calls of programs were not seen: CAP_BPF and CAP_PERFMON are\n  " +
		"      not available here\n"
	text := ladderOf(unseen, Look{Width: 80}, LadderOptions{Calls: 5, Indent: "  "})
	if strings.Count(text, say) != 1 || strings.Count(text, "not seen") != 1 {
		t.Errorf("it is not said once that %s:\n%s", say, text)
	}
	traced := withPrograms(t)
	traced.Trace.Add(trace.Event{T: ms, Tracepoints: &trace.Tracepoints{Off: "CAP_BPF is missing", Strace: true}})
	text = ladderOf(traced, Look{}, LadderOptions{Calls: 5})
	if strings.Contains(text, "not seen") || strings.Count(text, "were seen by strace") != 1 {
		t.Errorf("it is not said once that strace sees the calls:\n%s", text)
	}
	if none := Ladder(nil, tr, LadderOptions{}); strings.Contains(none, "recv") {
		t.Errorf("a ladder without calls has some:\n%s", none)
	}
}
