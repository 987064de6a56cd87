package assertions

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// ending wants the run to have ended by itself, or at its deadline with no step in progress but those expected to hang.
func (r *run) ending() Verdict {
	v := draft{Verdict: Verdict{Kind: "end", Index: -1, Pos: r.s.Pos, Status: Pass, Title: "the run ends by itself"}}
	if r.end == nil {
		last := "nothing was recorded"
		if n := len(r.t.Events); n > 0 {
			last = fmt.Sprintf("the last event recorded is %q at %s", r.t.Events[n-1].Kind(), brief(r.ended-r.started))
		}
		v.fault("an end", "none", "the lab died: the trace has no end, "+last)
		return v.finish()
	}
	reason := string(r.end.Reason)
	if r.end.Reason == trace.EndDone {
		v.saw(true, "done", "done")
		return v.finish()
	}
	if r.end.Reason == trace.EndCanceled {
		v.fault("done", "canceled", fmt.Sprintf("the run was canceled after %s", brief(r.ended-r.started)))
		return v.finish()
	}
	var surprising []string
	for _, step := range r.end.Hanging {
		if !r.mayHang(step) {
			surprising = append(surprising, fmt.Sprintf("%s was still in progress after %s, the deadline", step, brief(r.inProgressFor(step))))
		}
	}
	switch {
	case r.end.Reason == trace.EndDeadline && len(r.end.Hanging) > 0 && len(surprising) == 0:
		v.Title = "the run ends with only the steps in progress that are expected to hang"
		v.saw(true, v.Title, strings.Join(r.end.Hanging, ", "))
	case len(surprising) > 0:
		v.fault("done", reason, all(surprising))
	default:
		v.fault("done", reason, fmt.Sprintf("the run ended by %s after %s, though no step was in progress", reason, brief(r.ended-r.started)))
	}
	return v.finish()
}

// mayHang reports whether an expectation that holds here says that a step hangs. A step that is around it, such as a
// repeat, hangs with it.
func (r *run) mayHang(step string) bool {
	actor, id, n := language.StepRef(step).Split()
	for i := range r.s.Expect {
		e := &r.s.Expect[i]
		if e.Step == nil || !e.Step.Hangs {
			continue
		}
		if e.Where != nil {
			if reason, err := r.skipped(e.Where); reason != "" || err != nil {
				continue
			}
		}
		wantActor, wantID, wantN := e.Step.Step.Split()
		if wantActor != actor {
			continue
		}
		if wantID == id && (wantN == 0 || n == 0 || wantN == n) || r.contains(actor, id, wantID) {
			return true
		}
	}
	return false
}

// contains reports whether the step outer of an actor is around the step inner.
func (r *run) contains(actor, outer, inner string) bool {
	a := r.s.Actor(actor)
	if a == nil {
		return false
	}
	found := false
	language.EachStep(a.Steps, func(st *language.Step) {
		if st.ID != outer {
			return
		}
		lists, _ := st.Op.Nested()
		inside := slices.Concat(lists...)
		language.EachStep(inside, func(st *language.Step) { found = found || st.ID == inner })
	})
	return found
}

// inProgressFor is how long a hanging step had been in progress when the run ended.
func (r *run) inProgressFor(step string) time.Duration {
	actor, id, n := language.StepRef(step).Split()
	if started := r.inProgress(actor, id, n); len(started) > 0 {
		return r.ended - r.t.Events[started[0]].T
	}
	return r.ended - r.started
}

// problems has a failing verdict for each step that could not be tried at all.
func (r *run) problems() []Verdict {
	var verdicts []Verdict
	for i := range r.t.Events {
		if s := r.t.Events[i].Step; s != nil && s.Problem != "" {
			v := draft{Verdict: Verdict{Kind: "problem", Index: -1, Pos: r.stepPos(s.Actor, s.ID), Status: Pass, Title: fmt.Sprintf("%s can be done", r.execution(i))}}
			v.fault("an outcome", "not done", fmt.Sprintf("%s could not be done: %s", r.execution(i), s.Problem))
			verdicts = append(verdicts, v.finish())
		}
	}
	return verdicts
}

// stepPos is where a step stands in the file.
func (r *run) stepPos(actor, id string) language.Pos {
	var pos language.Pos
	if a := r.s.Actor(actor); a != nil {
		language.EachStep(a.Steps, func(st *language.Step) {
			if st.ID == id {
				pos = st.Pos
			}
		})
	}
	return pos
}
