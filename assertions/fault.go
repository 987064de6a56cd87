package assertions

import (
	"fmt"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeFault wants a fault to have struck the given number of packets.
func judgeFault(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Fault
	hits, read := ev.hits(x.Fault)
	if !read {
		v.unseen(x.Hits.Of("hit"), "no reading",
			fmt.Sprintf("wanted %s, but the hits of the fault were never read", x.Hits.Of("hit")))
		return
	}
	inForce := ev.outOfForce(x.Fault)
	v.noteAny(&x.Hits, "hit")
	v.saw(WrongHits, x.Hits.Contains(int64(hits)), x.Hits.Of("hit"), say.Count(hits, "hit")+inForce)
	if inForce != "" && v.Status == Pass {
		v.note("the fault had no chance to strike%s", inForce)
	}
}

// faultsStruck wants a hit of every fault whose hits no expectation judges: without one, the run
// shows nothing about the fault. An expectation that is skipped judges nothing. A fault with a
// chance of 0% shows what happens without it, and must not strike.
func (ev *evidence) faultsStruck() []Verdict {
	named := map[string]bool{}
	for i := range ev.s.Expect {
		if e := &ev.s.Expect[i]; e.Fault != nil && ev.judged(e) {
			named[e.Fault.Fault] = true
		}
	}
	var verdicts []Verdict
	for i := range ev.s.Faults {
		f := &ev.s.Faults[i]
		if named[f.Name] || ev.leftOff(f.Name) {
			continue
		}
		v := newDraft("fault", -1, f.Pos, fmt.Sprintf("fault %s: strikes", f.Name))
		hits, read := ev.hits(f.Name)
		if f.Chance != nil && *f.Chance == 0 {
			v.Title = fmt.Sprintf("fault %s: strikes nothing, with chance: 0%%", f.Name)
			if !read {
				v.fail(NotObserved, "0 hits", "no reading",
					fmt.Sprintf("the hits of fault %q were never read", f.Name))
			} else {
				v.saw(WrongHits, hits == 0, "0 hits", say.Count(hits, "hit"))
			}
			verdicts = append(verdicts, v.finish())
			continue
		}
		switch {
		case hits > 0:
			v.saw(FaultStruckNothing, true, "1 hit or more", say.Count(hits, "hit"))
		case !read:
			v.fail(NotObserved, "1 hit or more", "no reading",
				fmt.Sprintf("the hits of fault %q were never read", f.Name))
		default:
			v.fail(FaultStruckNothing, "1 hit or more", "0 hits",
				fmt.Sprintf("fault %q struck no packet%s: wanted 1 hit or more of %s%s; "+
					"if it should strike none, expect {fault: %s, hits: 0}",
					f.Name, ev.outOfForce(f.Name), f.Match.String(), faultPlace(f), f.Name))
		}
		verdicts = append(verdicts, v.finish())
	}
	return verdicts
}

// leftOff reports whether a fault was left to the holder of the lab, who never put it in force. Then the
// run is not about it.
func (ev *evidence) leftOff(fault string) bool {
	left := false
	for i := range ev.t.Events {
		if f := ev.t.Events[i].Fault; f != nil && f.Name == fault {
			left = left || f.Holder
			if f.What == trace.FaultOn {
				return false
			}
		}
	}
	return left
}

func faultPlace(f *language.Fault) string {
	if f.At == "" {
		return " at the wire"
	}
	return " at " + f.At
}

// hits returns how many packets a fault struck, by the last reading, or by the last hit that was
// reported if there were more; read is false if there was no reading.
func (ev *evidence) hits(fault string) (hits uint64, read bool) {
	for i := range ev.t.Events {
		f := ev.t.Events[i].Fault
		if f == nil || f.Name != fault || f.What != trace.FaultHits && f.What != trace.FaultHit {
			continue
		}
		hits, read = max(hits, f.Hits), read || f.What == trace.FaultHits
	}
	return hits, read
}

// outOfForce says so if a fault was never in force.
func (ev *evidence) outOfForce(fault string) string {
	for i := range ev.t.Events {
		if f := ev.t.Events[i].Fault; f != nil && f.Name == fault && f.What == trace.FaultOn {
			return ""
		}
	}
	f := ev.s.Fault(fault)
	if f != nil && f.From != "" {
		if waits := ev.neverHappened(f.From); waits != "" {
			return fmt.Sprintf(" (it was never in force: it waits for %s)", waits)
		}
		return fmt.Sprintf(" (it was never in force: it waits for %s)", f.From)
	}
	return " (it was never in force)"
}
