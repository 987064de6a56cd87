package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// proofStyle has the style of each proof.
var proofStyle = map[result.Proof]style{
	result.Proven: good, result.Unproven: bad, result.Unknown: bad, result.Exempt: warn,
	result.NotSet: warn, result.NotTried: warn,
}

// newControl returns the view of controls for people. It does not write the beginnings of runs,
// which are many.
func newControl(o Output) View { return &controlView{newLive(o, false, o.Errs)} }

// controlView writes the runs of cases that did not pass while runs go on, and a table of the
// settings at the end.
type controlView struct{ *live }

func (v *controlView) End(r *result.Result) {
	if !r.Ended() {
		v.stopped(&r.Run, "")
		return
	}
	if r.Scenario.Without != nil || r.Status == result.Pass {
		v.done(&r.Run, false, "")
		return
	}
	v.alike.mu.Lock()
	defer v.alike.mu.Unlock()
	text := Line(r, v.look)
	if details := v.alike.details(r, v.look); details != "" {
		text += "\n" + details
	}
	v.done(&r.Run, r.Status != result.Skip, text)
}

func (v *controlView) Close(results []result.Result, e Ending) error {
	v.progress.Close()
	controls := result.Controls(results)
	var text strings.Builder
	text.WriteString(controlTable(controls, v.look))
	text.WriteString(controlNotes(controls, v.look))
	done, _ := finished(results, &e)
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "%s in %s, %s; seed %d\n", controlSummary(controls, v.look),
		shortSeconds(time.Since(v.began)), say.Count(len(done)+e.Others.Ended(), "run"), e.Seed)
	if len(done)+e.Others.Ended() > 0 {
		text.WriteString(v.progress.bootTime())
	}
	text.WriteString(v.alike.leftOut())
	return v.write(&text, results, e)
}

// controlTable lists the settings; if there are many, only those that are not proven.
func controlTable(all []result.Control, k Look) string {
	rows := [][]string{{"SCENARIO", "SETTING", "PROVEN", "RESULT"}}
	for i := range all {
		c := &all[i]
		if c.Proof == result.Proven && len(all) > mostInTable && !k.Verbose {
			continue
		}
		rows = append(rows, []string{
			c.Scenario, c.Setting.String(),
			fmt.Sprintf("%d of %d", c.Count(result.Proven), len(c.Runs)), string(c.Proof),
		})
	}
	if len(rows) == 1 {
		return ""
	}
	return table(rows, k)
}

// controlNotes says of the settings that are not proven what was seen and what to do; with Verbose,
// also of the others what proves them.
func controlNotes(all []result.Control, k Look) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(say.Printable(fmt.Sprintf(format, args...)) + "\n")
	}
	for i := range all {
		c := &all[i]
		text := fmt.Sprintf("%s of %s", &c.Setting, c.Scenario)
		switch {
		case c.Proof == result.Unproven:
			text = "nothing proves " + text
		case c.Proof == result.Unknown:
			text = "it is not known what proves " + text
		case !k.Verbose:
			continue
		case c.Proof == result.Exempt:
			text += " need not be proven: " + c.Mark.Reason
		}
		b.WriteString("\n")
		line("%s: %s", c.Setting.Pos, text)
		writeRuns(line, c)
		if c.Proof == result.Unproven {
			line("  add an expectation that fails without it, or remove it, or mark it: "+
				"control: {%s: %s, reason: \"...\"}", c.Setting.Kind, c.Setting.Name)
		}
	}
	for _, m := range result.Superfluous(all) {
		b.WriteString("\n")
		line("%s: control marks %s, which is proven here; remove the entry, unless that is chance", m.Pos, m)
	}
	return k.plain(b.String())
}

// writeRuns writes a line for each different outcome of the runs without a setting, with the cases
// that had it.
func writeRuns(line func(string, ...any), c *result.Control) {
	var outcomes []string
	cases := map[string][]string{}
	for i := range c.Runs {
		r := &c.Runs[i]
		text := r.Why
		if r.Proof == result.Proven {
			text = "without it this fails: " + r.Verdicts[r.By[0]].Title
		}
		if !slices.Contains(outcomes, text) {
			outcomes = append(outcomes, text)
		}
		if id := caseOf(r.Scenario); id != "" && !slices.Contains(cases[text], id) {
			cases[text] = append(cases[text], id)
		}
	}
	for _, text := range outcomes {
		in := ""
		if names := cases[text]; len(names) > 0 {
			in = " (" + strings.Join(names, ", ") + ")"
		}
		line("  %s%s", text, in)
	}
}

// caseOf names the case and the IP version of a run, as far as its scenario has several.
func caseOf(s *language.Scenario) string {
	all := *s
	all.Without = nil
	return strings.TrimSpace(strings.TrimPrefix(all.ID(), s.Name))
}

// controlSummary counts the settings: "31 settings: 28 proven, 1 unproven, 2 exempt".
func controlSummary(all []result.Control, k Look) string {
	if len(all) == 0 {
		return "no fault, sysctl or socket option to leave out: nothing to prove"
	}
	n := map[result.Proof]int{}
	for i := range all {
		n[all[i].Proof]++
	}
	st := good
	switch {
	case n[result.Unproven]+n[result.Unknown] > 0:
		st = bad
	case n[result.Proven]+n[result.Exempt] < len(all):
		st = warn
	}
	text := fmt.Sprintf("%s: %d proven, %d unproven, %d exempt", say.Count(len(all), "setting"),
		n[result.Proven], n[result.Unproven], n[result.Exempt])
	for _, rest := range []struct {
		proof result.Proof
		word  string
	}{
		{result.Unknown, "unknown"},
		{result.NotSet, "not set on this machine"},
		{result.NotTried, "not run"},
	} {
		if n[rest.proof] > 0 {
			text += fmt.Sprintf(", %d %s", n[rest.proof], rest.word)
		}
	}
	return paint(k.Color, st, text)
}
