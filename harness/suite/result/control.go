package result

import (
	"fmt"
	"slices"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Proof says what the controls without a setting show.
type Proof string

const (
	// Proven: some expectation that passes with the setting fails without it.
	Proven Proof = "proven"
	// Unproven: no expectation fails without the setting, so the scenario does not need it.
	Unproven Proof = "unproven"
	// Exempt is an unproven setting that the scenario marks, with the reason.
	Exempt Proof = "exempt"
	// Unknown: the run with the setting did not pass, or the one without it broke off, so that
	// nothing can be said.
	Unknown Proof = "unknown"
	// NotSet: this machine lacks something that the run needs, or its kernel has no such parameter.
	NotSet Proof = "skip"
	// NotTried: the suite ended before.
	NotTried Proof = "canceled"
)

// Control is a setting of a scenario file, with what the runs without it show.
type Control struct {
	Scenario string
	Setting  language.Setting
	// Proof sums up the runs. A setting is proven if the runs of some case prove it.
	Proof Proof
	// Mark is the entry of the file that exempts the setting; nil if there is none.
	Mark *language.Unproven
	// Runs are the runs without the setting, in the order of the suite.
	Runs []ControlRun
}

// Superfluous returns the entries that exempt only settings that are proven.
func Superfluous(all []Control) []*language.Unproven {
	var marks []*language.Unproven
	needed := map[language.Pos]bool{}
	for i := range all {
		m := all[i].Mark
		if m == nil {
			continue
		}
		if _, known := needed[m.Pos]; !known {
			marks = append(marks, m)
		}
		needed[m.Pos] = needed[m.Pos] || all[i].Proof != Proven
	}
	return slices.DeleteFunc(marks, func(m *language.Unproven) bool { return needed[m.Pos] })
}

// Count returns how many runs show p.
func (c *Control) Count(p Proof) int {
	n := 0
	for i := range c.Runs {
		if c.Runs[i].Proof == p {
			n++
		}
	}
	return n
}

// ControlRun is a run without a setting.
type ControlRun struct {
	*Result
	Proof Proof
	// By are the indexes of the verdicts that prove the setting.
	By []int
	// Why explains every proof but Proven, in one line.
	Why string
}

// runKey is what the runs of a case and of its controls have in common.
type runKey struct {
	file, scenario, label string
	family                language.Family
	n                     int
	place                 Place
}

func keyOf(r *Run) runKey {
	s := r.Scenario
	return runKey{s.Pos.File, s.Name, s.Case, s.Family, r.N, r.Place}
}

// settingKey is a setting of a file, the same in all cases.
type settingKey struct {
	scenario string
	setting  language.Setting
}

// Controls compares the runs of cases with their controls, and returns a row for each setting, in
// the order of the results. A setting that stands at the same place of the file in several cases
// has one row.
func Controls(results []Result) []Control {
	base := map[runKey]*Result{}
	for i := range results {
		if r := &results[i]; r.Scenario.Without == nil {
			base[keyOf(&r.Run)] = r
		}
	}
	var all []Control
	index := map[settingKey]int{}
	for i := range results {
		r := &results[i]
		set := r.Scenario.Without
		if set == nil {
			continue
		}
		key := settingKey{r.Scenario.Name, *set}
		at, known := index[key]
		if !known {
			at = len(all)
			index[key] = at
			all = append(all, Control{Scenario: r.Scenario.Name, Setting: *set})
		}
		c := &all[at]
		for j := range r.Scenario.Control {
			if u := &r.Scenario.Control[j]; c.Mark == nil && u.Names(set) {
				c.Mark = u
			}
		}
		c.Runs = append(c.Runs, compare(base[keyOf(&r.Run)], r))
	}
	for i := range all {
		all[i].sumUp()
	}
	return all
}

// compare judges a run without a setting; with is the run with it, nil if there is none.
func compare(with, without *Result) ControlRun {
	c := ControlRun{Result: without}
	set := without.Scenario.Without
	switch {
	case with == nil || !with.Ended() || !without.Ended():
		c.Proof, c.Why = NotTried, "it was not run"
	case with.Status == Skip || without.Status == Skip:
		c.Proof, c.Why = NotSet, skipped(with, without)
	case with.Status != Pass:
		c.Proof, c.Why = Unknown, "the run with it does not pass"
	case without.Status == Error:
		c.Proof, c.Why = Unknown, "the run without it breaks off: "+without.Err.Error()
	case with.lacks(set):
		c.Proof, c.Why = NotSet, "the kernel has no "+set.Name
	case without.Missed != "":
		c.Proof, c.Why = Unknown, "not everything was seen: "+without.Missed
	default:
		c.prove(with)
	}
	return c
}

func skipped(results ...*Result) string {
	for _, r := range results {
		if r.Err != nil {
			return r.Err.Error()
		}
	}
	return "it was skipped"
}

// prove finds the expectations that pass with the setting and fail without it.
func (c *ControlRun) prove(with *Result) {
	s := with.Scenario
	own, implied, unseen, late := 0, 0, 0, 0
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		switch {
		case v.Status == assertions.Inconclusive:
			late++
		case v.Status != assertions.Fail:
		case v.Index < 0:
			implied++
		case with.Verdicts[i].Status != assertions.Pass:
		case s.IsAbout(&s.Expect[v.Index], c.Scenario.Without):
			own++
		case v.Unseen:
			unseen++
		default:
			c.By = append(c.By, i)
		}
	}
	switch {
	case len(c.By) > 0:
		c.Proof = Proven
	case late > 0:
		c.Proof, c.Why = Unknown, c.AttemptsText()
	case unseen > 0:
		c.Proof, c.Why = Unknown, "an expectation fails without it, but only of what could not be seen"
	case own > 0:
		c.Proof, c.Why = Unproven, "only expectations that name it fail without it"
	case implied > 0:
		c.Proof, c.Why = Unproven, "no expectation fails without it, only "+c.implied()
	default:
		c.Proof, c.Why = Unproven, "every expectation passes without it"
	}
}

// implied names the first verdict about every run that failed.
func (c *ControlRun) implied() string {
	i := slices.IndexFunc(c.Verdicts,
		func(v assertions.Verdict) bool { return v.Index < 0 && v.Status == assertions.Fail })
	return fmt.Sprintf("%q", c.Verdicts[i].Title)
}

// lacks reports whether the kernel of a run lacks the parameter that a host should have.
func (r *Result) lacks(set *language.Setting) bool {
	return set.Kind == language.SettingSysctl && set.Step == "" &&
		slices.ContainsFunc(r.Lacking, func(s trace.Sysctl) bool {
			return s.Host == set.Host && s.Name == set.Name
		})
}

// sumUp sets the proof of a setting. It is proven if all runs of some case prove it, as far as they
// say anything: a repetition that does not shows that the proof was luck.
func (c *Control) sumUp() {
	cases := map[runKey]Proof{}
	rank := []Proof{NotTried, Unproven, Unknown, NotSet, Proven} // the worst first
	for i := range c.Runs {
		key := keyOf(&c.Runs[i].Run)
		key.n = 0
		p := c.Runs[i].Proof
		if old, ok := cases[key]; !ok || slices.Index(rank, p) < slices.Index(rank, old) {
			cases[key] = p
		}
	}
	count := map[Proof]int{}
	for _, p := range cases {
		count[p]++
	}
	switch {
	case count[Proven] > 0:
		c.Proof = Proven
	case count[NotTried] > 0:
		c.Proof = NotTried
	case c.Mark != nil && count[Unproven]+count[Unknown] > 0:
		c.Proof = Exempt
	case count[Unproven] > 0:
		c.Proof = Unproven
	case count[Unknown] > 0:
		c.Proof = Unknown
	default:
		c.Proof = NotSet
	}
}
