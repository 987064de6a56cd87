package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
)

// StateSpan is a period that a socket spent in one state.
type StateSpan struct {
	State string
	// From and To are on the clock of trace.Event.T. To is From in the state CLOSED, after which
	// nothing is seen.
	From, To time.Duration
}

// StateLine is the timeline of one socket.
type StateLine struct {
	Host, Local, Remote string
	Spans               []StateSpan
}

// States returns the timelines of the sockets of a trace, in the order they were first seen. A port
// used again after CLOSED is another socket. The state CLOSE, before bind and connect, is left out.
func States(t *trace.Trace) []StateLine {
	type key struct{ host, local, remote string }
	var lines []*StateLine
	open := map[key]*StateLine{}
	end := time.Duration(0)
	for i := range t.Events {
		e := &t.Events[i]
		end = max(end, e.T)
		so := e.Socket
		if so == nil {
			continue
		}
		k := key{so.Host, so.Local, so.Remote}
		l := open[k]
		if l == nil {
			if so.State == "CLOSE" || so.State == "CLOSED" {
				continue
			}
			l = &StateLine{Host: so.Host, Local: so.Local, Remote: so.Remote}
			open[k] = l
			lines = append(lines, l)
		}
		if n := len(l.Spans); n > 0 {
			last := &l.Spans[n-1]
			last.To = e.T
			if last.State == so.State {
				continue
			}
		}
		l.Spans = append(l.Spans, StateSpan{so.State, e.T, e.T})
		if so.State == "CLOSED" {
			delete(open, k)
		}
	}
	for _, l := range open {
		// The socket was still in this state when the run ended.
		l.Spans[len(l.Spans)-1].To = end
	}
	out := make([]StateLine, len(lines))
	for i, l := range lines {
		out[i] = *l
	}
	return out
}

// String returns the timeline for people, with the times of the trace: "client 198.18.1.2:40000 ->
// 198.18.2.2:8080: SYN_SENT 0.000-3.071, CLOSED 3.071".
func (l *StateLine) String() string { return l.from(0) }

// from is like String, with times counted from start.
func (l *StateLine) from(start time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", l.Host, l.Local)
	if !slices.Contains([]string{"", "0.0.0.0:0", "[::]:0", "0.0.0.0:*", "[::]:*"}, l.Remote) {
		b.WriteString(" -> " + l.Remote)
	}
	b.WriteString(":")
	for i, s := range l.Spans {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s %.3f", s.State, (s.From - start).Seconds())
		if s.State != "CLOSED" {
			fmt.Fprintf(&b, "-%.3f", (s.To - start).Seconds())
		}
	}
	return b.String()
}
