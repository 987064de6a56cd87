package assertions

import (
	"fmt"
	"math"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// logged are the lines of a program that an expectation is about.
type logged struct {
	// all are the indexes of its lines from an event on, matched those that are as wanted, in order.
	all, matched []int
	// open is how many more lines may be as wanted, of which the trace has not enough; openFrom is the
	// time of the first of them.
	open     int64
	openFrom time.Duration
	// programs counts the executions that have started.
	programs int
}

// judgeLog judges how many lines of a program are as wanted, and when the first of them came. If lines
// are left out of the trace and the verdict depends on them, it does not pass.
func judgeLog(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Log
	base := ev.started
	since := time.Duration(math.MinInt64)
	if x.Since != "" {
		at, err := ev.moment(x.Since)
		if err != nil {
			v.fail(NoSuchEvent, "lines since "+string(x.Since), "no such event", err.Error())
			return
		}
		base, since = at, at
	}
	l := ev.logged(&x.Lines, since)
	actor, _, _ := x.Log.Split()
	if l.programs == 0 {
		v.fail(ProgramNotRun, "a program that runs", "none", fmt.Sprintf("%s did not start: %s", x.Log, ev.whereIs(actor)))
		return
	}
	want := language.Count{Min: 1, Max: math.MaxInt64}
	if x.Count != nil {
		want = *x.Count
		v.noteAny(&want, "line")
	}
	n := int64(len(l.matched))
	switch most := n + l.open; {
	case !want.All(n, most) && want.Any(n, most):
		v.unseen(want.Of("line"), say.Count(n, "line"), fmt.Sprintf(
			"saw %s %s, but too little is in the trace of %s that may be so, too", say.Count(n, "line"),
			x.Text(), say.Count(l.open, "other line")))
	case x.Count != nil:
		v.saw(WrongLines, want.Contains(n), want.Of("line"), say.Count(n, "line"))
	case n == 0:
		v.saw(NoSuchLine, false, "a line "+x.Text().String(), fmt.Sprintf("none among %s", say.Count(len(l.all), "line")))
	default:
		v.saw(NoSuchLine, true, "a line "+x.Text().String(), printable(string(ev.t.Events[l.matched[0]].Line.Text)))
	}
	if x.At != nil && n > 0 {
		first := ev.t.Events[l.matched[0]].T
		if l.open > 0 && l.openFrom < first {
			v.unseen("the first line", "lines are left out", "lines that are left out of the trace may "+
				"come before the first one that is there")
		} else {
			v.sawSpan("log at", "the first line came at", x.At, base, first)
		}
	}
	if v.Status == Fail {
		ev.listLog(&l, v)
	}
}

// logged returns the lines that an expectation is about, from a time on.
func (ev *evidence) logged(x *language.Lines, since time.Duration) logged {
	var l logged
	actor, id, n := x.Log.Split()
	text, holds := x.Text(), x.Text().Matcher()
	unsure := func(lines int64, from time.Duration) {
		if l.open == 0 || from < l.openFrom {
			l.openFrom = from
		}
		l.open += lines
	}
	for _, p := range ev.t.Programs() {
		started := ev.t.Events[p.Started].Program
		if started.Actor != actor || started.Step != id || n > 0 && started.N != n {
			continue
		}
		l.programs++
		if p.Cut >= 0 {
			// Some of them may have come before since, if they began before it.
			unsure(ev.t.Events[p.Cut].Program.Lines, max(ev.t.Events[p.Cut].T, since))
		}
		if end := ev.processEnd(actor); end != nil && (p.Ended < 0 || ev.t.Events[p.Ended].T >= end.T) {
			unsure(1, end.T) // what the actor had not read when it ended
		}
		for _, i := range p.Lines {
			e := &ev.t.Events[i]
			if e.T < since || !x.Of(e.Line.N, string(e.Line.Stream)) {
				continue
			}
			l.all = append(l.all, i)
			cut := e.Line.Bytes > 0
			switch holds := holds(string(e.Line.Text)); {
			case cut && (!holds || text.Contains == nil):
				unsure(1, e.T) // the part that is missing may decide
			case holds:
				l.matched = append(l.matched, i)
			}
		}
	}
	return l
}

// listLog lists the lines that are as wanted, or if there are none the last ones.
func (ev *evidence) listLog(l *logged, v *draft) {
	lines, head := l.matched, "these lines are as wanted:"
	if len(lines) == 0 {
		lines, head = l.all[max(len(l.all)-lastListed, 0):], "the last lines:"
	}
	if len(lines) == 0 {
		return
	}
	v.list(head)
	for _, i := range lines {
		e := &ev.t.Events[i]
		v.list(fmt.Sprintf("  %9.3f %s  %s", (e.T - ev.started).Seconds(), e.Line.Stream,
			printable(string(e.Line.Text))))
	}
}
