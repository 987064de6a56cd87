package assertions

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// ending wants the run to have ended by itself, or at its duration or deadline with only steps in
// progress that are expected to hang.
func (ev *evidence) ending() Verdict {
	v := newDraft("end", -1, ev.s.Pos, "the run ends by itself")
	if ev.end == nil {
		last := "nothing was recorded"
		if n := len(ev.t.Events); n > 0 {
			last = fmt.Sprintf("the last event recorded is %q at %s", ev.t.Events[n-1].Kind(),
				ev.when(ev.ended))
		}
		v.fail(LabDied, "an end", "none", "the lab died: the trace has no end, "+last)
		return v.finish()
	}
	reason := string(ev.end.Reason)
	if ev.end.Reason == trace.EndDone {
		v.saw(Deadline, true, "done", "done")
		return v.finish()
	}
	if ev.end.Reason == trace.EndCanceled {
		v.fail(RunCanceled, "done", "canceled", fmt.Sprintf("the run was canceled after %s", ev.when(ev.ended)))
		return v.finish()
	}
	if ev.end.Reason == trace.EndReleased {
		v.fail(LabHeld, "done", reason, "the lab was held for people, and its actors never began")
		return v.finish()
	}
	var surprising []string
	for _, step := range ev.end.Hanging {
		if !ev.mayHang(step) {
			surprising = append(surprising,
				fmt.Sprintf("%s was still in progress after %s%s", step,
					say.Duration(ev.inProgressFor(step)), ev.waitsFor(step)))
		}
	}
	switch {
	case len(ev.end.Hanging) > 0 && len(surprising) == 0:
		v.Title = "the run ends with only the steps in progress that are expected to hang"
		v.saw(StepHangs, true, v.Title, strings.Join(ev.end.Hanging, ", "))
	case len(surprising) > 0:
		ev.cutOff(&v, StepHangs, "done", reason, say.List(surprising)+", at "+ev.limit())
	default:
		ev.cutOff(&v, Deadline, "done", reason, "no step was in progress, but an actor was not done at "+ev.limit()+
			ev.notBegun())
	}
	ev.excuse(nil, &v)
	return v.finish()
}

// waitsFor says for which event a step in progress waits that never happened; "" for any other step.
func (ev *evidence) waitsFor(step string) string {
	actor, id, _ := language.StepRef(step).Split()
	if st := ev.s.Step(actor, id); st != nil && st.Op.Wait != nil {
		if event := ev.neverHappened(st.Op.Wait.Event); event != "" {
			return ": it waits for " + event
		}
	}
	return ""
}

// notBegun lists the steps that did not begin because an event never happened: of each actor the first.
func (ev *evidence) notBegun() string {
	text := ""
	for i := range ev.s.Actors {
		text += ev.waitsToBegin(ev.s.Actors[i].Name)
	}
	return text
}

// waitsToBegin names the first step of an actor that did not begin because an event never happened; ""
// if there is none.
func (ev *evidence) waitsToBegin(actor string) string {
	a := ev.s.Actor(actor)
	if a == nil {
		return ""
	}
	text := ""
	language.EachStep(a.Steps, func(st *language.Step) {
		if text != "" || st.After == "" || len(ev.starts[stepKey{actor, st.ID}]) > 0 {
			return
		}
		if event := ev.neverHappened(st.After); event != "" {
			text = fmt.Sprintf("; %s.%s waits for %s", actor, st.ID, event)
		}
	})
	return text
}

// broken reports whether the end of the run kept an actor from steps that it would have come to: it
// was in the middle of one that is not expected to hang.
func (ev *evidence) broken(actor string) bool {
	if ev.end == nil {
		return false
	}
	short := false
	for _, step := range ev.end.Hanging {
		if of, _, _ := language.StepRef(step).Split(); of == actor {
			if ev.mayHang(step) {
				return false
			}
			short = true
		}
	}
	return short
}

// cutOff records a failure of what had not ended when the run did.
func (ev *evidence) cutOff(v *draft, c Code, want, got, text string) {
	if m, ok := ev.deadlineMargin(); ok {
		v.missed(c, m, want, got, text)
		return
	}
	v.fail(c, want, got, text)
}

// limit says when a run that did not end by itself was ended, and how to change that.
func (ev *evidence) limit() string {
	if ev.end.Reason == trace.EndDuration {
		return "the end of the duration of " + say.Duration(time.Duration(ev.s.Duration))
	}
	return fmt.Sprintf("the deadline of %s (%s)", say.Duration(ev.s.DeadlineOrDefault()),
		ev.s.DeadlineReason())
}

// mayHang reports whether an expectation that holds here says that a step hangs.
func (ev *evidence) mayHang(step string) bool {
	return ev.s.MayHang(language.StepRef(step), ev.met)
}

// inProgressFor is how long a hanging step had been in progress when the run ended.
func (ev *evidence) inProgressFor(step string) time.Duration {
	actor, id, n := language.StepRef(step).Split()
	if started := ev.inProgress(actor, id, n); len(started) > 0 {
		return ev.ended - ev.t.Events[started[0]].T
	}
	return ev.ended - ev.started
}

// problems returns a failure for each step that could not be tried at all, unless the verdict of an
// expectation about the step says so.
func (ev *evidence) problems() []Verdict {
	var verdicts []Verdict
	for i := range ev.t.Events {
		if s := ev.t.Events[i].Step; s != nil && s.Problem != "" && !ev.reported[i] {
			v := newDraft("problem", -1, ev.stepPos(s.Actor, s.ID), ev.execution(i)+" can be done")
			v.fail(StepNotDone, "an outcome", "not done",
				fmt.Sprintf("%s could not be done: %s", ev.execution(i), s.Problem))
			verdicts = append(verdicts, v.finish())
		} else if s != nil && s.NotReady() != "" && !ev.expects(s) {
			v := newDraft("problem", -1, ev.stepPos(s.Actor, s.ID), ev.execution(i)+" gets ready")
			at := &ev.t.Events[i]
			v.fail(ProgramNotReady, "a program that is ready", outcomeText(at),
				fmt.Sprintf("%s did not get ready: %s", ev.execution(i), outcomeText(at)))
			ev.listLastLines(s.Actor, s.ID, s.N, true, &v)
			verdicts = append(verdicts, v.finish())
		}
	}
	return verdicts
}

// expects reports whether an expectation is about the outcome of the step, and so judges it.
func (ev *evidence) expects(s *trace.Step) bool {
	return slices.ContainsFunc(ev.s.Expect, func(e language.Expectation) bool {
		if e.Step == nil {
			return false
		}
		actor, id, n := e.Step.Step.Split()
		return actor == s.Actor && id == s.ID && (n == 0 || n == s.N) && ev.judged(&e)
	})
}

// stepPos is where a step stands in the file.
func (ev *evidence) stepPos(actor, id string) language.Pos {
	var pos language.Pos
	if a := ev.s.Actor(actor); a != nil {
		language.EachStep(a.Steps, func(st *language.Step) {
			if st.ID == id {
				pos = st.Pos
			}
		})
	}
	return pos
}
