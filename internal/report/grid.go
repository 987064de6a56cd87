package report

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

// gridTable is the table of the cases of one matrix: a column for each value of its last parameter,
// a row for each combination of the others. A cell has the status and the answer of the run. Where that
// is wider than the terminal, each case has a row. ok is false if the runs are not all of one matrix.
func gridTable(results []*result.Result, answers *answers, k Look) (text string, ok bool) {
	if !oneMatrix(results) {
		return "", false
	}
	axes := results[0].Scenario.Matrix
	if len(axes) > 1 {
		t := gridOf(results, answers, len(axes)-1)
		if t.fits(k) {
			return t.text(k), true
		}
	}
	return gridOf(results, answers, len(axes)).text(k), true
}

// answers keeps the answers of the runs of a matrix: their traces are let go before the table is written.
// It is safe for concurrent use.
type answers struct {
	mu sync.Mutex
	by map[runKey]string
}

// add keeps the answer of a run that has ended.
func (a *answers) add(r *result.Result) {
	if len(r.Scenario.Matrix) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[runKey]string{}
	}
	a.by[runKeyOf(r)] = answer(r)
}

func (a *answers) of(r *result.Result) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.by[runKeyOf(r)]
}

// oneMatrix reports whether the runs are of one file with a matrix, each with values of the same
// parameters.
func oneMatrix(results []*result.Result) bool {
	first := results[0].Scenario
	return len(first.Matrix) > 0 && !slices.ContainsFunc(results, func(r *result.Result) bool {
		s := r.Scenario
		return s.Pos.File != first.Pos.File || s.Name != first.Name || r.N > 0 ||
			!slices.EqualFunc(s.Matrix, first.Matrix,
				func(a, b language.MatrixValue) bool { return a.Name == b.Name })
	})
}

// gridOf lays out the runs: the first parameters of the matrix name the rows, the one after them the
// columns.
func gridOf(results []*result.Result, answers *answers, down int) *tableText {
	axes := results[0].Scenario.Matrix
	var heading []string
	for _, axis := range axes[:down] {
		heading = append(heading, axis.Name)
	}
	families := slices.ContainsFunc(results, func(r *result.Result) bool {
		return r.Scenario.Family != results[0].Scenario.Family
	})
	if families {
		heading = append(heading, "IP")
	}
	t := &tableText{flexible: noColumn, judged: len(heading)}
	index := map[string]int{}
	for _, r := range results {
		m := r.Scenario.Matrix
		var row []string
		for _, value := range m[:down] {
			row = append(row, value.Value)
		}
		if families {
			row = append(row, string(r.Scenario.Family))
		}
		column := "RESULT"
		if down < len(m) {
			column = m[down].Name + "=" + m[down].Value
		}
		at := slices.Index(heading[t.judged:], column)
		if at < 0 {
			at = len(heading) - t.judged
			heading = append(heading, column)
		}
		key := fmt.Sprintf("%q", row)
		if _, known := index[key]; !known {
			index[key] = len(t.rows)
			t.rows = append(t.rows, row)
		}
		cells := &t.rows[index[key]]
		for len(*cells) <= t.judged+at {
			*cells = append(*cells, "")
		}
		(*cells)[t.judged+at] = strings.TrimSpace(fmt.Sprintf("%-4s  %s", r.Status, answers.of(r)))
	}
	t.rows = slices.Insert(t.rows, 0, heading)
	for i, row := range t.rows {
		t.rows[i] = append(row, make([]string, len(heading)-len(row))...)
	}
	return t
}

// answer is the outcome of the step or program that the first expectation about one names: what a
// person compares in the cases of a matrix. It is "" if there is none.
func answer(r *result.Result) string {
	if r.Trace == nil {
		return ""
	}
	for i := range r.Scenario.Expect {
		if actor, id, n := subject(&r.Scenario.Expect[i]); actor != "" {
			return answerOf(r, actor, id, max(n, 1))
		}
	}
	return ""
}

// subject returns the step that an expectation judges.
func subject(e *language.Expectation) (actor, id string, n int) {
	switch {
	case e.Step != nil:
		return e.Step.Step.Split()
	case e.Process != nil:
		return language.StepRef(e.Process.Process).Split()
	}
	return "", "", 0
}

// answerOf returns what came of the nth execution of a step; of one that runs a program, of the program.
func answerOf(r *result.Result, actor, id string, n int) string {
	if st := r.Scenario.Step(actor, id); st != nil && st.Op.Launch() != nil {
		for _, p := range r.Trace.Programs() {
			if of := r.Trace.Events[p.Started].Program; of.Actor == actor && of.Step == id && of.N == n {
				return programEnd(r.Trace, &p)
			}
		}
		return "not started"
	}
	for i := range r.Trace.Events {
		e := &r.Trace.Events[i]
		if st := e.Step; st != nil && st.Actor == actor && st.ID == id && st.N == n {
			return strings.TrimPrefix(outcome(st, e.T-st.Began), "= ")
		}
	}
	return "not ended"
}
