package report

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/scenarios/language"
)

// StateSpan is a period that a socket spent in one state.
type StateSpan struct {
	// State is as ss names it, "CLOSED" for a socket that is gone, or "" if the state is unknown.
	State string
	// Open is true if the evidence leaves open whether the socket was in this state.
	Open bool
	// From and To are on the clock of trace.Event.T. To is From in the state CLOSED, after which
	// nothing is seen.
	From, To time.Duration
}

// String returns the state, with a question mark if it is open: "ESTABLISHED", "CLOSING?".
func (s *StateSpan) String() string {
	switch {
	case s.State == proof.Unknown:
		return "unknown"
	case s.Open:
		return s.State + "?"
	}
	return s.State
}

// StateLine is the timeline of one socket.
type StateLine struct {
	Host, Local, Remote string
	Spans               []StateSpan
	// samples are the indexes of the trace's events that saw it.
	samples []int
}

// States returns the timelines of the sockets of a run, in the order in which they may first have
// existed: what expectations about states go by. See [proof.Sockets].
func States(s *language.Scenario, t *trace.Trace) []StateLine {
	end := time.Duration(0)
	for i := range t.Events {
		end = max(end, t.Events[i].T)
	}
	var lines []StateLine
	for _, so := range proof.Sockets(t, proof.SceneOf(s)) {
		spans := spansOf(so.Paths)
		if len(spans) == 0 {
			continue
		}
		for i := range spans {
			switch {
			case spans[i].State == closed:
				spans[i].To = spans[i].From
			case i+1 < len(spans):
				spans[i].To = spans[i+1].From
			default: // it was still in this state when the run ended
				spans[i].To = end
			}
		}
		lines = append(lines, StateLine{so.Host, so.Local, so.Remote, spans, so.Samples})
	}
	return lines
}

// statesOf returns a function that returns the timelines of a run, which makes them only once: a
// large trace takes its time.
func statesOf(r *result.Result) func() []StateLine {
	return sync.OnceValue(func() []StateLine { return States(r.Scenario, r.Trace) })
}

func (o *LadderOptions) timelines(s *language.Scenario, t *trace.Trace) []StateLine {
	if o.states == nil {
		return States(s, t)
	}
	return o.states()
}

// closed is the state of a socket that is gone.
const closed = string(language.Closed)

// spansOf merges the paths of a socket into one, without the ends of its spans. A state that is not
// on all of them is open.
func spansOf(paths [][]proof.Phase) []StateSpan {
	var merged []StateSpan
	for i, path := range paths {
		next := make([]StateSpan, len(path))
		for k, p := range path {
			next[k] = StateSpan{State: p.State, From: p.From}
			if k > 0 {
				next[k].From = max(p.From, next[k-1].From)
			}
		}
		if i == 0 {
			merged = next
		} else {
			merged = merge(merged, next)
		}
	}
	return boundOpen(merged)
}

// mostNamed is how many open states are named between two that are sure. More say no more than that
// the states are unknown.
const mostNamed = 2

// boundOpen makes more than mostNamed open states in a row one unknown state.
func boundOpen(spans []StateSpan) []StateSpan {
	var out []StateSpan
	for i := 0; i < len(spans); {
		n := i
		for n < len(spans) && spans[n].Open {
			n++
		}
		switch {
		case n == i:
			n++
			out = append(out, spans[i])
		case n-i > mostNamed && i > 0 && n < len(spans):
			out = append(out, StateSpan{State: proof.Unknown, From: spans[i].From})
		default:
			out = append(out, spans[i:n]...)
		}
		i = n
	}
	return out
}

// merge returns the shortest way that has both a and b as its parts, in their order. What only one
// of them has is open. A state of both has begun when it has on either.
func merge(a, b []StateSpan) []StateSpan {
	// common[i][k] is how many states a[i:] and b[k:] have in common, in order.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := len(b) - 1; k >= 0; k-- {
			if a[i].State == b[k].State {
				common[i][k] = common[i+1][k+1] + 1
			} else {
				common[i][k] = max(common[i+1][k], common[i][k+1])
			}
		}
	}
	var all []StateSpan
	for i, k := 0, 0; i < len(a) || k < len(b); {
		var s StateSpan
		switch {
		case i < len(a) && k < len(b) && a[i].State == b[k].State:
			s = a[i]
			s.Open = a[i].Open || b[k].Open
			s.From = max(a[i].From, b[k].From)
			i, k = i+1, k+1
		case k == len(b) || i < len(a) && common[i+1][k] >= common[i][k+1]:
			s, i = a[i], i+1
			s.Open = true
		default:
			s, k = b[k], k+1
			s.Open = true
		}
		if n := len(all); n > 0 {
			s.From = max(s.From, all[n-1].From)
		}
		all = append(all, s)
	}
	return all
}

// line returns the timeline for people, with times counted from start: "client 198.18.1.2:40000 ->
// 198.18.2.2:8080: SYN_SENT 0.000-3.071, CLOSED 3.071".
func (l *StateLine) line(start time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", l.Host, l.Local)
	if !slices.Contains([]string{"", "0.0.0.0:0", "[::]:0", "0.0.0.0:*", "[::]:*"}, l.Remote) {
		b.WriteString(" -> " + l.Remote)
	}
	b.WriteString(":")
	for i := range l.Spans {
		s := &l.Spans[i]
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s %.3f", s, (s.From - start).Seconds())
		if s.State != closed {
			fmt.Fprintf(&b, "-%.3f", (s.To - start).Seconds())
		}
	}
	return b.String()
}
