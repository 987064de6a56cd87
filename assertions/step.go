package assertions

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// judgeStep judges the outcome of a step.
//
// Without [N] every execution must be as wanted, and there must be as many as the scenario asks
// for. With count, that many must be as wanted, whatever the others are; an execution still in
// progress is not. The error must be none unless error names another or result allows -1.
func judgeStep(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Step
	actor, id, n := x.Step.Split()
	done := ev.outcomes(actor, id, n)
	hanging := ev.inProgress(actor, id, n)
	if x.Hangs {
		ev.judgeHangs(x, done, v)
		return
	}
	var since time.Duration
	if x.At != nil {
		var err error
		if since, err = ev.since(x.Since); err != nil {
			v.fail(NoSuchEvent, "the event "+string(x.Since), "no such event", err.Error())
			return
		}
	}
	if x.Count != nil {
		ev.countOutcomes(x, done, since, v)
		if len(done)+len(hanging) == 0 {
			v.note("%s never began: %s", x.Step, ev.whereIs(actor))
		}
		return
	}
	asked := 1
	if n == 0 {
		asked = executions(ev.s, actor, id)
	}
	if len(done) < asked {
		ev.missing(x, done, hanging, asked, v)
	}
	for _, i := range done {
		before := len(v.failures)
		ev.outcome(x, i, since, v)
		if len(v.failures) > before && asked > 1 {
			v.failures[before] = ev.execution(i) + ": " + v.failures[before]
		}
		if s := ev.t.Events[i].Step; len(v.failures) > before && s.NotReady() != "" {
			ev.listLastLines(actor, id, s.N, true, v)
		}
	}
}

// countOutcomes judges how many executions ended as wanted. Those of which too little was kept may
// have done so.
func (ev *evidence) countOutcomes(
	x *language.StepExpectation, done []int, since time.Duration, v *draft,
) {
	good, open := 0, 0
	var late [][]margin
	for _, i := range done {
		one := draft{Verdict: Verdict{Status: Pass}}
		ev.outcome(x, i, since, &one)
		switch {
		case one.Status == Pass:
			good++
		case one.Unseen:
			open++
		case !one.hard:
			late = append(late, one.margins)
		}
		v.list(fmt.Sprintf("  %s: %s", ev.execution(i), outcomeText(&ev.t.Events[i])))
	}
	v.noteAny(x.Count, "execution")
	got := fmt.Sprintf("%d of %s", good, say.Count(len(done), "time"))
	least, most := int64(good), int64(good+open)
	if !x.Count.All(least, most) && x.Count.Any(least, most) {
		v.unseen(x.Count.Of("time"), got, fmt.Sprintf("wanted %s, saw %s, and of %s too little was "+
			"kept", x.Count.Of("time"), got, say.Count(open, "more execution")))
		return
	}
	if margins := enough(late, x.Count.Min-least); margins != nil {
		want := x.Count.Of("time")
		v.missedBy(WrongExecutions, margins, want, got, fmt.Sprintf("wanted %s, saw %s", want, got))
		return
	}
	v.saw(WrongExecutions, x.Count.Contains(least), x.Count.Of("time"), got)
}

// outcomes returns the events of a step's executions that ended; n 0 means all.
func (ev *evidence) outcomes(actor, id string, n int) []int {
	events := ev.steps[stepKey{actor, id}]
	if n == 0 {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events),
		func(i int) bool { return ev.t.Events[i].Step.N != n })
}

// begun returns the start events of a step's executions; n 0 means all.
func (ev *evidence) begun(actor, id string, n int) []int {
	events := ev.starts[stepKey{actor, id}]
	if n == 0 {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events),
		func(i int) bool { return ev.t.Events[i].Start.N != n })
}

// inProgress returns the start events of a step's executions that were in progress when the run
// ended; id "" means every step of the actor, n 0 every execution. Those of a process that was
// killed ended with it, and have no outcome.
func (ev *evidence) inProgress(actor, id string, n int) []int {
	if ev.processEnd(actor) != nil {
		return nil
	}
	var events []int
	for key, starts := range ev.starts {
		if key.actor != actor || (id != "" && key.id != id) {
			continue
		}
		ended := map[int]bool{}
		for _, i := range ev.steps[key] {
			ended[ev.t.Events[i].Step.N] = true
		}
		for _, i := range starts {
			if nth := ev.t.Events[i].Start.N; !ended[nth] && (n == 0 || n == nth) {
				events = append(events, i)
			}
		}
	}
	slices.Sort(events)
	return events
}

// processEnd returns the event of the end of an actor's process during the run, or nil.
func (ev *evidence) processEnd(actor string) *trace.Entry {
	for i := range ev.t.Events {
		if p := ev.t.Events[i].Process; p != nil && p.Actor == actor {
			return &ev.t.Events[i]
		}
	}
	return nil
}

// judgeHangs wants executions of a step without an outcome: those in progress when the run ended, or
// when their process was killed.
func (ev *evidence) judgeHangs(x *language.StepExpectation, done []int, v *draft) {
	actor, id, n := x.Step.Split()
	hanging := max(0, len(ev.begun(actor, id, n))-len(done))
	got := say.Count(hanging, "execution") + " in progress at the end"
	if e := ev.processEnd(actor); e != nil && hanging > 0 {
		got = fmt.Sprintf("%s in progress when the process ended, at %s (%s)",
			say.Count(hanging, "execution"), ev.when(e.T),
			exitText(e.Process.Exit, e.Process.Signal))
		v.note("the process of %s ended before the run did, and the step with it", actor)
	}
	neverBegan := fmt.Sprintf("%s never began: %s", x.Step, ev.whereIs(actor))
	switch {
	case x.Count != nil:
		v.noteAny(x.Count, "execution")
		v.saw(WrongExecutions, x.Count.Contains(int64(hanging)), x.Count.Of("execution")+" in progress at the end",
			got)
		if len(done)+hanging == 0 {
			v.note("%s", neverBegan)
		}
	case hanging > 0:
		v.saw(StepEnded, true, "still in progress at the end of the run", got)
	case len(done) == 0:
		v.fail(StepNotReached, "still in progress at the end of the run", "never began", neverBegan)
	default:
		v.saw(StepEnded, false, "still in progress at the end of the run",
			outcomeText(&ev.t.Events[done[len(done)-1]]))
	}
}

// missing says why an execution has no outcome.
func (ev *evidence) missing(x *language.StepExpectation, done, hanging []int, asked int, v *draft) {
	actor, _, _ := x.Step.Split()
	switch {
	case len(hanging) > 0:
		at := &ev.t.Events[hanging[0]]
		ev.cutOff(v, StepHangs, "an outcome", "still in progress",
			fmt.Sprintf("%s was still in progress after %s, when the run ended", x.Step,
				say.Duration(ev.ended-at.T)))
	case len(done) == 0 && len(ev.begun(x.Step.Split())) > 0:
		v.fail(StepNotReached, "an outcome", "ended with its process", fmt.Sprintf("%s has no outcome: %s", x.Step,
			ev.whereIs(actor)))
	case len(done) == 0 && ev.broken(actor):
		ev.cutOff(v, StepNotReached, "an outcome", "never began", fmt.Sprintf("%s never began: %s", x.Step,
			ev.whereIs(actor)))
	case len(done) == 0:
		v.fail(StepNotReached, "an outcome", "never began", fmt.Sprintf("%s never began: %s", x.Step,
			ev.whereIs(actor)))
	default:
		v.saw(StepNotReached, false, say.Count(asked, "execution")+" of the step",
			fmt.Sprintf("%d: %s", len(done), ev.whereIs(actor)))
	}
}

// whereIs says what an actor was doing at the end of the run, and for which event it waits that never
// happened.
func (ev *evidence) whereIs(actor string) string {
	if hanging := ev.inProgress(actor, "", 0); len(hanging) > 0 {
		// The last to begin is the innermost: a repeat is in progress as long as the steps in it.
		at := &ev.t.Events[hanging[len(hanging)-1]]
		return fmt.Sprintf("%s.%s was still in progress after %s", actor, at.Start.Step,
			say.Duration(ev.ended-at.T)) + ev.waitsFor(actor+"."+at.Start.Step)
	}
	if e := ev.processEnd(actor); e != nil {
		return fmt.Sprintf("the process of %s had ended by %s (%s)", actor, ev.when(e.T),
			exitText(e.Process.Exit, e.Process.Signal))
	}
	last := ""
	for i := range ev.t.Events {
		if s := ev.t.Events[i].Step; s != nil && s.Actor == actor {
			last = fmt.Sprintf("the last step of %s was %s.%s at %s", actor, actor, s.ID,
				ev.when(ev.t.Events[i].T))
		}
	}
	if last == "" {
		last = actor + " did nothing at all"
	}
	return last + ev.waitsToBegin(actor)
}

// executions is how often a scenario does a step: its times, multiplied by those of the steps
// around it.
func executions(s *language.Scenario, actor, id string) int {
	a := s.Actor(actor)
	if a == nil {
		return 1
	}
	var count func(steps []language.Step) int
	count = func(steps []language.Step) int {
		sum := 0
		for i := range steps {
			inner := 0
			if steps[i].ID == id {
				inner = 1
			} else {
				lists, n := steps[i].Op.Nested()
				for _, list := range lists {
					inner += n * count(list)
				}
			}
			sum += max(1, steps[i].Times) * inner
		}
		return sum
	}
	return max(1, count(a.Steps))
}

// outcome compares one execution with the expectation.
func (ev *evidence) outcome(x *language.StepExpectation, i int, since time.Duration, v *draft) {
	e := &ev.t.Events[i]
	s := e.Step
	want := ""
	if x.Error != language.NoError {
		want = string(x.Error)
	}
	mayFail := x.MayFail()
	switch {
	case s.Problem != "":
		ev.reported[i] = true
		v.fail(StepNotDone, errorText(want), "not done", fmt.Sprintf("%s could not be done: %s", x.Step,
			s.Problem))
		return
	case mayFail:
	case s.Errno != want && x.Took != nil && !x.Took.Contains(e.T-s.Began):
		v.saw(WrongErrno, false, errorText(want), errorText(s.Errno)) // its time follows
	case s.Errno != want:
		v.saw(WrongErrno, false, errorText(want), outcomeText(e))
	case x.Took != nil:
		v.saw(WrongErrno, true, errorText(want), errorText(want))
	default:
		v.saw(WrongErrno, true, errorText(want), outcomeText(e))
	}
	if x.Took != nil {
		v.sawSpan("step took", "it took", x.Took, s.Began, e.T)
	}
	if x.At != nil {
		ev.endedAt(x, since, e.T, v)
	}
	if x.Result != nil {
		v.saw(WrongResult, x.Result.Contains(s.Result), "result "+x.Result.String(),
			fmt.Sprintf("result %d", s.Result))
	}
	if x.Bytes != nil {
		v.saw(WrongBytes, x.Bytes.Contains(s.Bytes), x.Bytes.Of("byte"), say.Count(s.Bytes, "byte"))
	}
	if x.Value != nil {
		v.sawText("value", x.Value, seenText{text: s.Value})
	}
	if x.Text != nil {
		// Data is also what an operation found out, with no bytes received.
		v.sawText("text", x.Text, seenText{
			text: string(s.Data), cut: s.Bytes > int64(len(s.Data)), of: s.Bytes,
		})
	}
	if x.SHA256 != nil {
		v.sawText("sha256", x.SHA256, seenText{text: s.SHA256})
	}
	if x.Peer != "" {
		v.saw(WrongPeer, ev.peerIs(x.Peer, s.Peer), "peer "+x.Peer, "peer "+s.Peer)
	}
	for k := range x.Values {
		field := &x.Values[k]
		got, there := s.Values[field.Name]
		if !there {
			v.saw(WrongValue, false, field.String(),
				"no field of that name"+spell.DidYouMean(field.Name,
					slices.Sorted(maps.Keys(s.Values))).Text)
			continue
		}
		if m, ok := ev.valueMargin(field, got, e); ok {
			v.missedSaw(WrongValue, m, field.String(), field.Shows(got))
			continue
		}
		v.saw(WrongValue, field.Is.Contains(got), field.String(), field.Shows(got))
	}
}

// endedAt judges when an execution ended, counted from an event. A range without a lower bound is
// about what comes after the event: one that ended before it is not as wanted, unless the two were
// nearly at once, where a busy machine may see them in the other order.
func (ev *evidence) endedAt(x *language.StepExpectation, since, ended time.Duration, v *draft) {
	at := ended - since
	if at < -language.TimerSlack && x.At.Contains(at) {
		v.missed(WrongTime, around("step since", since, -at), "it ended at "+x.At.Source, "it ended before", fmt.Sprintf(
			"it ended %s before %s, wanted %s after it", say.Duration(-at),
			cmp.Or(string(x.Since), "the start of the actors"), spanText(x.At)))
		return
	}
	v.sawSpan("step at", "it ended at", x.At, since, ended)
}

// peerIs reports whether address:port is that of HOST, HOST.N, HOST:PORT or ADDRESS:PORT.
func (ev *evidence) peerIs(want, got string) bool {
	peer, err := netip.ParseAddrPort(got)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap()
	if exact, err := netip.ParseAddrPort(want); err == nil {
		return exact == netip.AddrPortFrom(addr, peer.Port())
	}
	name, port, hasPort := strings.Cut(want, ":")
	if hasPort && port != strconv.Itoa(int(peer.Port())) {
		return false
	}
	name, nth, hasNth := strings.Cut(name, ".")
	if !hasNth {
		return ev.hosts.Has(name, addr)
	}
	n, err := strconv.Atoi(nth)
	own := ev.family(name)
	return err == nil && n >= 1 && n <= len(own) && own[n-1] == addr
}

func (ev *evidence) execution(i int) string {
	s := ev.t.Events[i].Step
	return fmt.Sprintf("%s.%s[%d]", s.Actor, s.ID, s.N)
}

func errorText(errno string) string {
	if errno == "" {
		return "no error"
	}
	return errno
}

// outcomeText says how an execution ended: "ETIMEDOUT after 63.1s".
func outcomeText(e *trace.Entry) string {
	text := errorText(e.Step.Errno)
	if option := e.Step.Refused(); option != "" {
		text += " for " + option
	}
	if missing := e.Step.NotReady(); missing != "" {
		text += " (" + missing + ")"
	}
	return text + " after " + say.Duration(e.T-e.Step.Began)
}
