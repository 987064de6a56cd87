package report

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// stepCalls maps ACTOR.STEP to the text of its call: connect(server:8080).
func stepCalls(s *language.Scenario) map[string]string {
	calls := map[string]string{}
	if s == nil {
		return calls
	}
	for i := range s.Actors {
		a := &s.Actors[i]
		language.EachStep(a.Steps, func(st *language.Step) {
			if op := st.Op.Operation(); op != nil {
				calls[a.Name+"."+st.ID] = st.Op.Kind() + "(" + op.Arguments() + ")"
			}
		})
	}
	return calls
}

// callOf returns the call of a step, with the number n of the execution if it is not the first.
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
		if st.Bytes > 0 {
			return fmt.Sprintf("%s, %d bytes before", st.Errno, st.Bytes)
		}
		return st.Errno
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
