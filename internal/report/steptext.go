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

// stepCalls maps ACTOR.STEP to the call as a person would write it: connect(server:8080).
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

// shown returns the part of a step's outcome that its operation shows, and what it shows instead
// where that is empty. Both are "" where it shows what the system call returned, and for an
// operation that is not known.
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
