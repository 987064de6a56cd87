package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// calls are the texts of steps.
type calls struct {
	// text maps ACTOR.STEP to the step's call: connect(server:8080).
	text map[string]string
	// udp has the UDP sockets, by actor and name.
	udp map[[2]string]bool
}

// stepCalls returns the texts of the steps of a run.
func stepCalls(s *language.Scenario, t *trace.Trace) *calls {
	c := &calls{text: map[string]string{}, udp: map[[2]string]bool{}}
	if s == nil {
		return c
	}
	makesUDP := map[string]bool{}
	for i := range s.Actors {
		a := &s.Actors[i]
		language.EachStep(a.Steps, func(st *language.Step) {
			id := a.Name + "." + st.ID
			if op := st.Op.Operation(); op != nil {
				c.text[id] = st.Op.Kind() + "(" + op.Arguments() + ")"
			}
			makesUDP[id] = st.Op.Socket != nil && st.Op.Socket.Type == "udp"
		})
	}
	for i := range t.Events {
		if st := t.Events[i].Step; st != nil && makesUDP[st.Actor+"."+st.ID] {
			c.udp[[2]string{st.Actor, st.Socket}] = true
		}
	}
	return c
}

// of returns the call of a step, with the number of the execution if it is not the first. That a
// connect has a UDP socket is said: it sends no packet.
func (c *calls) of(st *trace.Step) string {
	if call := c.text[st.Actor+"."+st.ID]; st.Op == "connect" && c.udp[[2]string{st.Actor, st.Socket}] {
		return numbered(strings.TrimSuffix(call, ")")+", udp)", st.N)
	}
	return c.named(st.Actor, st.ID, st.Op, st.N)
}

// named returns the call of a step of which only the name is known.
func (c *calls) named(actor, id, op string, n int) string {
	call := c.text[actor+"."+id]
	if call == "" {
		call = op + "()"
	}
	return numbered(call, n)
}

func numbered(call string, n int) string {
	if n > 1 {
		call += fmt.Sprintf(" #%d", n)
	}
	return call
}

// outcome describes the end of a step: "= ETIMEDOUT after 3.071s".
func outcome(st *trace.Step, took time.Duration) string {
	text := "= " + returned(st)
	if took >= time.Millisecond {
		text += " after " + say.Duration(took)
	}
	return text
}

func returned(st *trace.Step) string {
	switch {
	case st.Problem != "":
		return "not possible: " + st.Problem
	case st.Errno != "":
		text := st.Errno
		if option := st.Refused(); option != "" {
			text += " for " + option
		}
		if missing := st.NotReady(); missing != "" {
			text += ", " + missing
		}
		if st.Bytes > 0 {
			text += fmt.Sprintf(", %d bytes before", st.Bytes)
		}
		return text
	}
	text, nothing := shown(st)
	return cmp.Or(text, nothing, strconv.FormatInt(st.Result, 10))
}

// shown returns the part of a step's outcome that its operation shows, and the text to show if that
// is empty. Both are "" for an operation that shows the return value of the system call, and for an
// unknown operation.
func shown(st *trace.Step) (text, nothing string) {
	var s language.Shown
	if op, ok := language.OperationNamed(st.Op).(language.Showing); ok {
		s = op.Shows()
	}
	switch s.Part {
	case language.OutcomeBytes:
		if n := max(st.Bytes, st.Result); n > 0 || s.Nothing == "" {
			text = say.Count(n, "byte")
		}
	case language.OutcomePeer:
		text = st.Peer
	case language.OutcomeValue:
		text = st.Value
	case language.OutcomeValues:
		text = say.Count(len(st.Values), "value")
	case language.OutcomeText:
		text = string(st.Data)
	case language.OutcomeExit:
		text = fmt.Sprintf("exit %d", st.Exit)
		if st.Killed != "" {
			text = "killed by SIG" + st.Killed
		}
	}
	return text, s.Nothing
}
