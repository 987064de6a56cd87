package assertions

import (
	"testing"
	"time"

	"halfopen/harness/trace"
)

const callingActors = `
server: [listen: 80]
client: [exec: "x"]
`

// call adds a call of the program client.exec on descriptor 3, to server:80.
func (p *tape) call(name string, began, ended time.Duration, set func(*trace.Call)) {
	fd := 3
	c := &trace.Call{
		Host: "client", Actor: "client", Step: "exec", N: 1, PID: 7, TID: 7, Name: name, Began: start + began,
		FD: &fd, Proto: "tcp", Local: clientAddr + ":40000", Remote: serverAddr + ":80",
	}
	if name == "connect" {
		c.Address = c.Remote
	}
	if set != nil {
		set(c)
	}
	p.add(ended, trace.Event{Call: c})
}

func callFails(errno string) func(*trace.Call) {
	return func(c *trace.Call) { c.Errno, c.Result = errno, -1 }
}

func TestCalls(t *testing.T) {
	// asks is a run of client.exec, which makes some calls in 3 s.
	asks := func(calls func(*tape)) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.program("client", ms, trace.ProgramStarted)
			calls(p)
			return p.end(3*second, "deadline", "client.exec")
		}
	}
	nothing := asks(func(*tape) {})
	refused := asks(func(p *tape) { p.call("connect", 10*ms, 1010*ms, callFails("ECONNREFUSED")) })
	// goes is a program that does not block: a connect that is refused, and a read that waits.
	goes := asks(func(p *tape) {
		p.call("connect", 10*ms, 10*ms, callFails("EINPROGRESS"))
		p.call("getsockopt", 1010*ms, 1010*ms, func(c *trace.Call) { c.Option, c.Value = "SO_ERROR", "ECONNREFUSED" })
		p.call("read", 1020*ms, 1020*ms, callFails("EAGAIN"))
	})
	hangs := asks(func(p *tape) { p.call("recvfrom", 10*ms, 3*second, func(c *trace.Call) { c.Unfinished = true }) })
	left := func(name, errno string) func(*tape) *trace.Trace {
		return asks(func(p *tape) {
			p.call("recvfrom", 10*ms, 11*ms, func(c *trace.Call) { c.Result = 5 })
			p.add(3*second, trace.Event{CallsLeft: &trace.CallsLeft{
				Host: "client", Actor: "client", Step: "exec", N: 1, Name: name, Errno: errno, Count: 7,
			}})
		})
	}
	// waits is a program that does not block: a connect, then a read, that may have ended in calls which are
	// left out.
	waits := func(name, errno string) func(*tape) *trace.Trace {
		return asks(func(p *tape) {
			p.call("connect", 5*ms, 5*ms, callFails("EINPROGRESS"))
			p.call("read", 10*ms, 10*ms, callFails("EAGAIN"))
			left(name, errno)(p)
		})
	}
	const recv = `{program: client.exec, name: recv}`
	lost := asks(func(p *tape) {
		p.add(3*second, trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Calls, N: 2, Kernel: 2}})
	})
	seen := func(tp trace.Tracepoints) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Tracepoints: &tp})
			return refused(p)
		}
	}
	const connect = `{program: client.exec, name: connect, to: "server:80"}`
	golden(t, "calls", callingActors, []fixture{
		{"a connect that is refused", `- {calls: ` + connect + `, error: ECONNREFUSED, took: 1s}`, refused, Pass},
		{"a connect with another error", `- {calls: ` + connect + `, error: ETIMEDOUT}`, refused, Fail},
		{"a connect that took another time", `- {calls: ` + connect + `, error: ECONNREFUSED, took: 100ms}`, refused, Fail},
		{"a connect to another port", `- {calls: {program: client.exec, name: connect, to: "server:81"}}`, refused, Fail},
		{"no connect to another host", `- {calls: {program: client.exec, name: connect, to: client}, count: 0}`, refused, Pass},
		{"no connect where there is one", `- {calls: ` + connect + `, count: 0}`, refused, Fail},
		{"a connect that must have no error", `- {calls: ` + connect + `, error: none}`, refused, Fail},
		{"any error", `- {calls: ` + connect + `, result: -1, count: 1}`, refused, Pass},
		{"a connect that does not block, by what came of it", `- {calls: ` + connect + `, error: ECONNREFUSED, took: 1s}`, goes, Pass},
		{"a connect that does not block, by its own error", `- {calls: ` + connect + `, error: EINPROGRESS, took: "< 10ms"}`, goes, Pass},
		{"a read that waits until the run ends", `- {calls: {program: client.exec, name: recv}, hangs: true, took: 1.5s..2.5s}`, goes, Pass},
		{"a recv that does not return", `- {calls: {program: client.exec, name: recv, to: server}, hangs: true, count: 1}`, hangs, Pass},
		{"a recv that does not return has no result", `- {calls: {program: client.exec, name: recv}, result: ">= -1"}`, hangs, Fail},
		{"a recv that returns", `- {calls: {program: client.exec, name: recv}, hangs: true}`, left("sendto", ""), Fail},
		{"a read that waits, but may have ended in calls that are left out", `- {calls: ` + recv + `, hangs: true}`, waits("read", ""), Fail},
		{"a read that waits, but whose socket may have been closed", `- {calls: ` + recv + `, hangs: true}`, waits("close", ""), Fail},
		{"a read that waits in a later call, whatever is left out", `- {calls: ` + recv + `, hangs: true}`, asks(func(p *tape) {
			p.call("read", 5*ms, 5*ms, callFails("EAGAIN"))
			p.call("read", 10*ms, 3*second, func(c *trace.Call) { c.Unfinished = true })
			left("read", "")(p)
		}), Pass},
		{"a read that waits, next to calls of others that are left out", `- {calls: ` + recv + `, hangs: true}`, waits("sendto", ""), Pass},
		{"a number of reads, however the one that waits has ended", `- {calls: ` + recv + `, count: 2}`, waits("sendto", ""), Pass},
		{"no read that waits, but those that are left out may", `- {calls: ` + recv + `, hangs: true, count: 0}`, left("read", "EAGAIN"), Fail},
		{"no connect that hangs, but its end may be left out", `- {calls: ` + connect + `, hangs: true, count: 0}`, waits("getsockopt", ""), Fail},
		{"no connect that fails, but its end may be left out", `- {calls: ` + connect + `, error: ECONNREFUSED, count: 0}`, waits("getsockopt", ""), Fail},
		{"no connect that fails, but those that are left out may", `- {calls: ` + connect + `, error: ECONNREFUSED, count: 0}`, left("connect", "EINPROGRESS"), Fail},
		{"connects that are left out, by their own error", `- {calls: {program: client.exec, name: connect}, error: EINPROGRESS, count: 7}`, left("connect", "EINPROGRESS"), Pass},
		{"a read that waits, but may have ended in a call that the kernel lost", `- {calls: ` + recv + `, hangs: true}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Calls, N: 1, Kernel: 1}})
			return goes(p)
		}, Inconclusive},
		{"a program that makes no call", `- {calls: ` + connect + `}`, nothing, Fail},
		{"calls before an event do not count", `- {calls: ` + connect + `, count: 0, since: server.listen}`, func(p *tape) *trace.Trace {
			p.step("server.listen", 0, 100*ms, nil)
			return refused(p)
		}, Pass},
		{"calls since an event that never came", `- {calls: ` + connect + `, since: server.listen}`, refused, Fail},
		{"a count of which a part is not in the trace", `- {calls: {program: client.exec, name: recv}, count: 1}`, left("recvfrom", ""), Fail},
		{"a count of others than those that are not in the trace", `- {calls: {program: client.exec, name: recv}, error: none, count: 1}`, left("recvfrom", "EAGAIN"), Pass},
		{"calls of which most are only counted", `- {calls: {program: client.exec, name: recv}, error: none, count: 8}`, left("recvfrom", ""), Pass},
		{"fewer calls than those that are counted", `- {calls: {program: client.exec, name: recv}, error: none, count: 7}`, left("recvfrom", ""), Fail},
		{"calls to an address of which most are only counted", `- {calls: {program: client.exec, name: recv, to: server}, error: none, count: 7}`, left("recvfrom", ""), Fail},
		{"no error among calls that are not in the trace", `- {calls: {program: client.exec, name: recv}, error: ECONNRESET, count: 0}`, left("recvfrom", ""), Pass},
		{"a count that the kernel's losses leave open", `- {calls: ` + connect + `, count: 0}`, lost, Inconclusive},
		{"a count that calls of which nobody knows how many there are leave open", `- {calls: ` + connect + `, count: 9}`, lost, Inconclusive},
		{"more calls than wanted, apart from the lost ones", `- {calls: ` + connect + `, count: 0}`, func(p *tape) *trace.Trace {
			p.add(0, trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Calls, N: 1, Kernel: 1}})
			return refused(p)
		}, Fail},
		{"a program that never began", `- {calls: ` + connect + `}`, func(p *tape) *trace.Trace { return p.end(second, "done") }, Fail},
		{"calls that could not be seen", `- {calls: ` + connect + `, count: 0}`, seen(trace.Tracepoints{Off: "CAP_BPF and CAP_PERFMON are missing"}), Skip},
		{"calls that strace saw instead", `- {calls: ` + connect + `, count: 1}`, seen(trace.Tracepoints{Off: "CAP_BPF and CAP_PERFMON are missing", Strace: true}), Pass},
		{"calls that were left alone", `- {calls: ` + connect + `}`, seen(trace.Tracepoints{Off: trace.LeftAlone}), Skip},
		{"calls that the kernel does not show", `- {calls: ` + connect + `}`, seen(trace.Tracepoints{Gaps: []trace.Gap{{Events: trace.Calls, Text: "raw_syscalls:sys_enter is missing"}}}), Skip},
	})
}
