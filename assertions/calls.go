package assertions

import (
	"fmt"
	"math"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/callwords"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// called are the calls that an expectation is about.
type called struct {
	// all are those in the trace that the selector takes, and only counts those that are only counted;
	// good counts those that ended as wanted.
	all  []trace.Attempt
	only uint64
	good int64
	// late are the margins of the calls that differ from what is wanted only in the time they took.
	late [][]margin
	// left is how many calls may be as wanted of which something is left out of the trace, open how many
	// could not be done at once and may have ended in a call that was lost.
	left, open uint64
	// programs are the executions that have started.
	programs int
}

// judgeCalls judges how many calls of a program ended as wanted. Where calls could not be seen, the
// expectation is skipped. If calls are left out of the trace, or were lost, and the verdict depends on
// them, it does not pass.
func judgeCalls(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Calls
	if why := ev.callsUnseen(); why != "" {
		v.skip(CannotObserve, "%s", why)
		return
	}
	since := time.Duration(math.MinInt64)
	if x.Since != "" {
		var err error
		if since, err = ev.moment(x.Since); err != nil {
			v.fail(NoSuchEvent, "calls since "+string(x.Since), "no such event", err.Error())
			return
		}
	}
	actor, _, _ := x.Calls.Program.Split()
	lost := ev.lostOf(ev.s.Actor(actor).Host, trace.Calls)
	a := ev.called(x, since, lost.N > 0)
	if a.programs == 0 {
		v.fail(ProgramNotRun, "a program that runs", "none", fmt.Sprintf(
			"%s did not start: %s", x.Calls.Program, ev.whereIs(actor)))
		return
	}
	want := language.Count{Min: 1, Max: math.MaxInt64}
	if x.Count != nil {
		want = *x.Count
		v.noteAny(&want, "call")
	}
	wanted := "such a call"
	if x.Count != nil {
		wanted = want.Of("such call")
	}
	got := "none"
	if made := uint64(len(a.all)) + a.only; made > 0 {
		got = fmt.Sprintf("%d of %s", a.good, say.Count(made, "call"))
	}
	open := func(unseen uint64) bool {
		most := a.good + int64(min(unseen, 1<<62))
		return !want.All(a.good, most) && want.Any(a.good, most)
	}
	// The kernel has lost as many as it says, or 32-bit programs or io_uring made any number.
	unseen := a.left + a.open + lost.N
	if lost.Kernel > 0 {
		unseen = math.MaxUint64
	}
	switch {
	case lost.byKernel() && open(unseen) && !open(a.left):
		v.lost(LostReports, wanted, couldNotBeSeen, notSeenHowMany+lost.text(), lost.text())
	case open(unseen):
		why := fmt.Sprintf("calls are left out of the trace, because there were too many: %s may be so",
			say.Count(a.left, "more call"))
		if a.left == 0 {
			why = lost.text()
			if w := ev.tracepoints(); w == nil || !w.Strace {
				why += "; let the program make fewer calls"
			}
		}
		v.unseen(wanted, got, "it could not be seen how many there were: "+why)
	default:
		if margins := enough(a.late, want.Min-a.good); margins != nil {
			v.missedBy(WrongCalls, margins, wanted, got, fmt.Sprintf("wanted %s, saw %s", wanted, got))
			break
		}
		v.saw(WrongCalls, want.Contains(a.good), wanted, got)
	}
	if v.Status == Fail {
		ev.listCalls(x, &a, v)
	}
}

// tracepoints returns what was watched by tracepoints; nil if the trace does not say.
func (ev *evidence) tracepoints() *trace.Tracepoints {
	var watched *trace.Tracepoints
	for i := range ev.t.Events {
		if p := ev.t.Events[i].Tracepoints; p != nil {
			watched = p
		}
	}
	return watched
}

// callsUnseen says why the calls of programs could not be seen; "" if they could.
func (ev *evidence) callsUnseen() string {
	watched := ev.tracepoints()
	switch {
	case watched == nil:
		return "the trace was recorded without the kernel's tracepoints, which show the calls of programs"
	case watched.Strace:
		return ""
	case watched.Off == trace.LeftAlone:
		return "the kernel's tracepoints, which show the calls of programs, were not watched (" +
			watched.Off + "); leave that out"
	case watched.Off != "":
		return "the kernel's tracepoints, which show the calls of programs, were not watched (" +
			watched.Off + "); use --warp, or calls: strace in the scenario, or see halfopen doctor"
	}
	for _, gap := range watched.Gaps {
		if gap.Events == trace.Calls && !gap.Partial {
			return "this kernel does not show the calls of programs: " + gap.Text
		}
	}
	return ""
}

// called returns the calls that an expectation is about, from a time on. lost is set if other calls may
// have been made.
func (ev *evidence) called(x *language.CallsExpectation, since time.Duration, lost bool) called {
	var a called
	var leftOut []*trace.CallsLeft
	actor, id, n := x.Calls.Program.Split()
	names := x.Calls.SystemCalls()
	of := func(who, step string, nth int) bool {
		return who == actor && step == id && (n == 0 || n == nth)
	}
	for i := range ev.t.Events {
		e := &ev.t.Events[i]
		switch {
		case e.Program != nil && e.Program.What == trace.ProgramStarted:
			if of(e.Program.Actor, e.Program.Step, e.Program.N) {
				a.programs++
			}
		case e.CallsLeft != nil:
			l := e.CallsLeft
			if !of(l.Actor, l.Step, l.N) {
				continue
			}
			leftOut = append(leftOut, l)
			if !slices.Contains(names, l.Name) {
				continue
			}
			a.only += l.Count
			switch {
			case !mayBe(x, l):
			case isSure(x, l):
				a.good += int64(l.Count)
			default:
				a.left += l.Count
			}
		}
	}
	for _, t := range ev.t.Attempts() {
		c := ev.t.Events[t.Call].Call
		if !of(c.Actor, c.Step, c.N) || !slices.Contains(names, c.Name) || c.Began < since ||
			x.Calls.To != "" && !ev.peerIs(x.Calls.To, c.Address) && !ev.peerIs(x.Calls.To, c.Remote) {
			continue
		}
		a.all = append(a.all, t)
		if t.Unfinished && t.Then < 0 && !c.Unfinished && c.Errno != string(x.Error) && judgesEnd(x) {
			switch {
			case slices.ContainsFunc(leftOut, func(l *trace.CallsLeft) bool { return mayEnd(l, c) }):
				a.left++
				continue
			case lost:
				a.open++
				continue
			}
		}
		ended, ok := endOf(x, &t, &ev.t.Events[t.Call])
		if !ok {
			continue
		}
		if x.Took == nil {
			a.good++
			continue
		}
		one := draft{Verdict: Verdict{Status: Pass}}
		one.sawSpan("calls took", "it took", x.Took, c.Began, ended)
		if one.Status == Pass {
			a.good++
		} else if !one.hard {
			a.late = append(a.late, one.margins)
		}
	}
	return a
}

// judgesEnd reports whether an expectation is about the end of calls, not only about their number.
func judgesEnd(x *language.CallsExpectation) bool {
	return x.Hangs || x.Error != "" || x.Result != nil || x.Took != nil
}

// endOf returns when a call ended; ok is false if it did not end as wanted, apart from the time. The
// error may be that of the call itself, or if that could not be done at once, the one that came of it.
func endOf(x *language.CallsExpectation, a *trace.Attempt, call *trace.Entry) (at time.Duration, ok bool) {
	switch {
	case x.Hangs:
		return a.Ended, a.Unfinished
	case x.Error == "" && x.Result == nil:
		return a.Ended, true
	case call.Call.Unfinished:
		return 0, false
	case x.Error != "" && x.Error != language.NoError && call.Call.Errno == string(x.Error):
		if a.Errno == call.Call.Errno {
			return a.Ended, true
		}
		return call.T, true
	case a.Unfinished || a.Abandoned:
		return 0, false
	case x.Error == language.NoError:
		return a.Ended, a.Errno == ""
	case x.Error != "":
		return a.Ended, a.Errno == string(x.Error)
	}
	return a.Ended, x.Result.Contains(a.Result)
}

// mayEnd reports whether calls that are not in the trace may have shown what came of a call that could
// not be done at once.
func mayEnd(l *trace.CallsLeft, c *trace.Call) bool {
	return l.N == c.N && (l.Name == c.Name || l.Name == "close" || l.Name == "getsockopt" && c.Name == "connect")
}

// mayBe reports whether calls that are not in the trace may have ended as wanted. What came of a connect
// that could not be done at once, another call shows.
func mayBe(x *language.CallsExpectation, l *trace.CallsLeft) bool {
	goesOn := l.Name == "connect" && slices.Contains([]string{"EINPROGRESS", "EALREADY", "EISCONN"}, l.Errno)
	switch {
	case x.Hangs:
		return goesOn || l.Errno == "EAGAIN" // a call that does not return is in the trace
	case x.Error == language.NoError:
		return l.Errno == "" || goesOn
	case x.Error != "":
		return l.Errno == string(x.Error) || goesOn
	case x.Result != nil && l.Errno != "":
		return x.Result.Contains(-1) || goesOn && x.Result.Contains(0)
	case x.Result != nil:
		return x.Result.Max >= 0
	}
	return true
}

// isSure reports whether calls that are not in the trace have ended as wanted. One with EAGAIN may be
// the same attempt as another.
func isSure(x *language.CallsExpectation, l *trace.CallsLeft) bool {
	return x.Error != "" && x.Calls.To == "" && x.Took == nil && x.Since == "" && l.Errno != "EAGAIN" &&
		(l.Errno == string(x.Error) || l.Errno == "" && x.Error == language.NoError)
}

// listCalls lists the calls that the selector takes, or if there are none, the last ones of the program.
func (ev *evidence) listCalls(x *language.CallsExpectation, a *called, v *draft) {
	calls, head := a.all, "these calls were made:"
	if len(calls) == 0 {
		actor, id, n := x.Calls.Program.Split()
		calls = slices.DeleteFunc(ev.t.Attempts(), func(t trace.Attempt) bool {
			c := ev.t.Events[t.Call].Call
			return c.Actor != actor || c.Step != id || n > 0 && c.N != n
		})
		head = "the program's last calls:"
	}
	if len(calls) == 0 {
		v.list("the program made no call on a socket")
		return
	}
	if left := len(calls) - lastListed; left > 0 {
		calls, head = calls[left:], head+fmt.Sprintf(" (%d before these)", left)
	}
	v.list(head)
	words := callwords.New(ev.t)
	for i := range calls {
		c := ev.t.Events[calls[i].Call].Call
		v.list(printable(fmt.Sprintf("  %9.3f %s %s", (c.Began - ev.started).Seconds(), words.Call(c),
			words.Outcome(&calls[i]))))
	}
}
