package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
)

// Inspect draws a run in full: whether its files belong together, ladder, socket states, steps,
// changed counters, faults and verdicts.
func Inspect(r *result.Result, k Look) string {
	var b strings.Builder
	s, t, states := r.Scenario, r.Trace, statesOf(r)
	heading := func(text string) { fmt.Fprintf(&b, "\n%s\n", paint(k.Color, bold, text)) }
	var title strings.Builder
	wrapTo(&title, k, "", "", r.ID()+": "+s.Title)
	name := say.Printable(r.ID())
	if text, whole := strings.CutPrefix(title.String(), name); whole {
		b.WriteString(paint(k.Color, bold, name) + text)
	} else {
		b.WriteString(title.String())
	}
	if run := t.Run(); run != nil {
		fmt.Fprintf(&b, "%s, Linux %s, seed %d\n",
			run.Wall.Format("2006-01-02 15:04:05"), say.Printable(run.Kernel), run.Seed)
	}
	writeEvidence(&b, &r.Evidence, k)
	if text := r.AttemptsText(); text != "" {
		wrapTo(&b, k, "", "", text)
	}
	heading("Packets")
	b.WriteString(ladderOf(r, k, LadderOptions{Lines: inspectLines, Calls: inspectCalls, states: states}))

	heading("Socket states, in seconds since the actors started")
	writeOr(&b, stateTable(t, states()), "no socket was seen")
	heading("Steps")
	writeOr(&b, stepTable(r), "no step ended")
	if text := programsText(r, k, "  ", 0, nil); text != "" {
		heading("Programs, and what they printed last")
		b.WriteString(text)
	}
	heading("Kernel counters that changed")
	writeOr(&b, counterTable(t), "none")
	if faults := result.FaultsOf(t); len(faults) > 0 {
		heading("Faults")
		for i := range faults {
			wrapTo(&b, k, "  ", "", faultText(&faults[i]))
		}
	}
	if late := lateText(s, t); late != "" {
		heading("How late the lab was")
		wrapTo(&b, k, "  ", "", late)
	}
	heading("Checks: " + checks(r))
	all := k
	all.Verbose = true
	for i := range r.Verdicts {
		v := r.Verdicts[i]
		if v.Status == assertions.Fail && len(v.Differing) == 0 {
			// The ladder above already has them, and no other order or mark is to be shown.
			v.Packets = nil
		}
		writeVerdict(&b, r, &v, states, all)
	}
	return k.plain(b.String())
}

// writeEvidence says whether the files of a stored run belong together.
func writeEvidence(b *strings.Builder, e *result.Evidence, k Look) {
	for _, text := range e.Conflicts {
		var lines strings.Builder
		wrapTo(&lines, k, "", "FAIL evidence: ", text)
		b.WriteString(paint(k.Color, bad, "FAIL") + strings.TrimPrefix(lines.String(), "FAIL"))
	}
	for _, text := range e.Notes {
		wrapTo(b, k, "", "note evidence: ", text)
	}
}

func writeOr(b *strings.Builder, rows [][]string, none string) {
	if len(rows) == 0 {
		b.WriteString("  " + none + "\n")
		return
	}
	widths := map[int]int{}
	for _, row := range rows {
		for i := range row {
			row[i] = say.Printable(row[i])
			widths[i] = max(widths[i], widthOf(row[i]))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			line += " " + fill(cell, widths[i]+1)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// stateTable has a row for each state of each socket.
func stateTable(t *trace.Trace, states []StateLine) [][]string {
	var rows [][]string
	start := t.Started()
	for _, l := range states {
		name := []string{l.Host, l.Local, l.Remote}
		for _, sp := range l.Spans {
			row := append(slices.Clone(name), sp.String(), fmt.Sprintf("%8.3f", (sp.From-start).Seconds()))
			if sp.State != closed {
				row = append(row, fmt.Sprintf("to %8.3f", (sp.To-start).Seconds()),
					"("+say.Duration(sp.To-sp.From)+")")
			}
			rows = append(rows, row)
			// The socket is named once.
			name = []string{"", "", ""}
		}
	}
	return rows
}

func stepTable(r *result.Result) [][]string {
	var rows [][]string
	calls := stepCalls(r.Scenario, r.Trace)
	start := r.Trace.Started()
	var ended []*trace.Entry
	for i := range r.Trace.Events {
		if e := &r.Trace.Events[i]; e.Step != nil {
			ended = append(ended, e)
		}
	}
	slices.SortStableFunc(ended, func(a, b *trace.Entry) int {
		return cmp.Compare(a.Step.Began, b.Step.Began)
	})
	for _, e := range ended {
		st, took := e.Step, e.T-e.Step.Began
		row := []string{
			fmt.Sprintf("%8.3f", (st.Began - start).Seconds()), st.Actor,
			calls.of(st), "= " + returned(st), "",
		}
		if took >= time.Millisecond {
			row[4] = "after " + say.Duration(took)
		}
		rows = append(rows, row)
	}
	return rows
}

// counterTable has the counters of each host that changed, in the order of their names.
func counterTable(t *trace.Trace) [][]string {
	var rows [][]string
	before := map[string]map[string]int64{}
	for i := range t.Events {
		c := t.Events[i].Counters
		switch {
		case c == nil:
		case c.At == trace.Before:
			before[c.Host] = c.Values
		default:
			var names []string
			for name, v := range c.Values {
				if v != before[c.Host][name] {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for _, name := range names {
				rows = append(rows, []string{
					c.Host, name, fmt.Sprintf("%+d", c.Values[name]-before[c.Host][name]),
				})
			}
		}
	}
	return rows
}
