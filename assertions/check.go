package assertions

import (
	"fmt"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// judge compares one expectation with the evidence of a run.
type judge func(*evidence, *language.Expectation, *draft)

// judges has the judge of each kind of expectation.
var judges = map[string]judge{
	"step":     judgeStep,
	"process":  judgeProcess,
	"log":      judgeLog,
	"calls":    judgeCalls,
	"packets":  judgePackets,
	"counters": judgeCounters,
	"fault":    judgeFault,
	"drops":    judgeDrops,
	"reaches":  judgeReaches,
	"holds":    judgeHolds,
	"never":    judgeNever,
	"path":     judgePath,
	"sockets":  judgeSockets,
}

// Check judges a run. It returns a verdict for each expectation, in the order of the scenario, then
// the verdicts for what every run must meet: each fault struck, unless an expectation says how
// often; each step could be tried; and the run ended with no step in progress except those expected
// to hang.
//
// The trace must be sorted, see [trace.Trace.Sort].
func Check(s *language.Scenario, t *trace.Trace) []Verdict {
	ev := newEvidence(s, t)
	var verdicts []Verdict
	for i := range s.Expect {
		e := &s.Expect[i]
		v := newDraft(e.Kind(), i, e.Pos, e.String())
		ev.check(e, &v)
		verdicts = append(verdicts, v.finish())
	}
	verdicts = append(verdicts, ev.faultsStruck()...)
	verdicts = append(verdicts, ev.leftAlone()...)
	verdicts = append(verdicts, ev.problems()...)
	return append(verdicts, ev.ending())
}

// Failed reports whether any verdict is a failure.
func Failed(verdicts []Verdict) bool {
	for i := range verdicts {
		if verdicts[i].Status == Fail {
			return true
		}
	}
	return false
}

func (ev *evidence) check(e *language.Expectation, v *draft) {
	j := judges[e.Kind()]
	if j == nil {
		v.Title = "an expectation of a known kind"
		v.fail(CannotJudge, v.Title, "none", "the kind of the expectation is not known")
		return
	}
	if e.Where != nil {
		reason, err := ev.skipped(e.Where)
		switch {
		case err != nil:
			j(ev, e, v)
			v.unseen("a look for the sysctl", "none", err.Error())
			return
		case reason != "":
			v.skip(OtherKernel, "%s", reason)
			return
		}
	}
	j(ev, e, v)
	ev.excuse(e, v)
	switch lossy := e.Observed() && len(ev.untrue) > 0; {
	case lossy && v.Status == Fail:
		v.note("not everything was seen: %s", ev.untrue[0])
	case lossy && v.Status == Pass:
		v.unseen("a complete trace", ev.untrue[0],
			"what was seen matches, but not everything was seen: "+ev.untrue[0])
	}
}

// judged reports whether an expectation holds for the run's kernel, so that it was judged.
func (ev *evidence) judged(e *language.Expectation) bool {
	return e.Where == nil || ev.met(e.Where)
}

// met reports whether the run's kernel is one of those that where means.
func (ev *evidence) met(w *language.Where) bool {
	reason, err := ev.skipped(w)
	return reason == "" && err == nil
}

// skipped returns why an expectation does not hold for the run's kernel; "" if it does.
func (ev *evidence) skipped(w *language.Where) (string, error) {
	for name, want := range w.Conditions() {
		there, probed := ev.sysctls[name]
		switch {
		case !probed:
			return "", fmt.Errorf("the run did not look for %s, which where names", name)
		case want && !there:
			return "this kernel has no " + name, nil
		case !want && there:
			return "this kernel has " + name, nil
		}
	}
	return "", nil
}
