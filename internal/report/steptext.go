package report

import (
	"fmt"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// seconds writes a duration as reports do: 3.071s, 41.2ms, 250µs.
func seconds(d time.Duration) string {
	abs := max(d, -d)
	switch {
	case abs >= time.Second:
		return fmt.Sprintf("%.3fs", d.Seconds())
	case abs >= time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%dµs", d.Microseconds())
}

// stepCalls maps ACTOR.STEP to the call as a person would write it: connect(server:8080).
func stepCalls(s *language.Scenario) map[string]string {
	calls := map[string]string{}
	if s == nil {
		return calls
	}
	for i := range s.Actors {
		addCalls(calls, s.Actors[i].Name, s.Actors[i].Steps)
	}
	return calls
}

func addCalls(calls map[string]string, actor string, steps []language.Step) {
	for i := range steps {
		op := &steps[i].Op
		calls[actor+"."+steps[i].ID] = op.Kind() + "(" + arguments(op) + ")"
		if op.Repeat != nil {
			addCalls(calls, actor, op.Repeat.Steps)
		}
		if op.Parallel != nil {
			for _, branch := range op.Parallel.Branches {
				addCalls(calls, actor, branch)
			}
		}
	}
}

// arguments returns what tells the call from others of its kind, in few words.
func arguments(op *language.Op) string {
	switch {
	case op.Connect != nil:
		return op.Connect.To
	case op.Sendto != nil:
		return op.Sendto.To
	case op.Listen != nil && op.Listen.Port != 0:
		return fmt.Sprintf(":%d", op.Listen.Port)
	case op.Bind != nil:
		return fmt.Sprintf("%s:%d", op.Bind.Address, op.Bind.Port)
	case op.Send != nil:
		return amount(&op.Send.Data)
	case op.Recv != nil && op.Recv.Until != "":
		return "until " + op.Recv.Until
	case op.Recv != nil && op.Recv.Bytes != 0:
		return fmt.Sprint(int64(op.Recv.Bytes))
	case op.Poll != nil:
		return strings.Join(op.Poll.For, ",")
	case op.Shutdown != nil:
		return op.Shutdown.How
	case op.Getsockopt != nil:
		return op.Getsockopt.Option
	case op.Setsockopt != nil:
		var names []string
		for _, o := range op.Setsockopt.Options {
			names = append(names, o.Name+"="+o.Value)
		}
		return strings.Join(names, ", ")
	case op.Sleep != nil:
		return time.Duration(op.Sleep.For).String()
	case op.Signal != nil:
		return op.Signal.Name
	case op.Wait != nil:
		return string(op.Wait.Event)
	case op.Exec != nil:
		return strings.Join(op.Exec.Command, " ")
	case op.Kill != nil:
		return op.Kill.Actor
	case op.Blocked != nil:
		return op.Blocked.Actor
	case op.Link != nil:
		return op.Link.State
	}
	return ""
}

func amount(d *language.Data) string {
	switch {
	case d.Bytes != 0:
		return fmt.Sprintf("%d bytes", int64(d.Bytes))
	case d.Hex != "":
		return "hex"
	}
	return fmt.Sprintf("%q", cut(d.Text, 20, "..."))
}

// callOf returns the call of a step, with its number where it is done several times.
func callOf(calls map[string]string, actor, id, op string, n int) string {
	call := calls[actor+"."+id]
	if call == "" {
		call = op + "()"
	}
	if n > 1 {
		call += fmt.Sprintf(" #%d", n)
	}
	return call
}

// outcome returns how a step ended: "= ETIMEDOUT after 3.071s".
func outcome(st *trace.Step, took time.Duration) string {
	text := "= " + result(st)
	if took >= time.Millisecond {
		text += " after " + seconds(took)
	}
	return text
}

func result(st *trace.Step) string {
	switch {
	case st.Problem != "":
		return "not possible: " + st.Problem
	case st.Errno != "":
		if st.Bytes > 0 {
			return fmt.Sprintf("%s, %d bytes before", st.Errno, st.Bytes)
		}
		return st.Errno
	}
	switch st.Op {
	case "send", "sendto", "recvfrom":
		return plural(max(st.Bytes, st.Result), "byte")
	case "recv":
		if st.Bytes == 0 && st.Result == 0 {
			return "0, end of stream"
		}
		return plural(max(st.Bytes, st.Result), "byte")
	case "accept":
		if st.Peer != "" {
			return st.Peer
		}
	case "getsockopt":
		return st.Value
	case "poll":
		if st.Result == 0 {
			return "0, timeout"
		}
		return st.Value
	case "blocked":
		if len(st.Data) == 0 {
			return "no system call"
		}
		return string(st.Data)
	case "exec":
		if st.Killed != "" {
			return "killed by SIG" + st.Killed
		}
		return fmt.Sprintf("exit %d", st.Exit)
	}
	return fmt.Sprint(st.Result)
}

// plural counts things: 1 byte, 2 bytes.
func plural[N int | int64 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
