package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// closingTable lists the results, one in each line, below a heading.
func closingTable(results []*result.Result, k Look) string {
	rows := [][]string{{"SCENARIO", "CASE", "IP", "CHECKS", "TIME", "RESULT"}}
	names := scenarioNames(results)
	for _, r := range results {
		row := []string{
			names[r.Scenario], caseName(r), string(r.Scenario.Family), fmt.Sprint(len(r.Verdicts)),
			shortSeconds(r.Took), string(r.Status),
		}
		if r.Err != nil {
			row[3] = "-"
		} else if n := r.Count(assertions.Skip); n > 0 {
			row[5] += fmt.Sprintf(" (%d skipped)", n)
		}
		rows = append(rows, row)
	}
	return table(rows, k)
}

// kernelTable has a row for each case and a column for each kernel, with the statuses.
func kernelTable(results []*result.Result, kernels []string, k Look) string {
	rows := [][]string{append([]string{"SCENARIO", "CASE", "IP"}, kernels...)}
	index := map[runKey]int{}
	names := scenarioNames(results)
	for _, r := range results {
		at, ok := index[runKeyOf(r)]
		if !ok {
			at = len(rows)
			index[runKeyOf(r)] = at
			row := append([]string{names[r.Scenario], caseName(r), string(r.Scenario.Family)},
				make([]string, len(kernels))...)
			rows = append(rows, row)
		}
		if column := slices.Index(kernels, r.Place.KernelName()); column >= 0 {
			rows[at][3+column] = string(r.Status)
		}
	}
	return table(rows, k)
}

// runKey is a run apart from its place. Two files may have scenarios of one name.
type runKey struct{ file, id string }

func runKeyOf(r *result.Result) runKey { return runKey{r.Scenario.Pos.File, r.ID()} }

// SharedNames returns the names of scenarios that several files have.
func SharedNames(all []*language.Scenario) map[string]bool {
	file, shared := map[string]string{}, map[string]bool{}
	for _, s := range all {
		if other, known := file[s.Name]; known && other != s.Pos.File {
			shared[s.Name] = true
		}
		file[s.Name] = s.Pos.File
	}
	return shared
}

// scenarioNames returns the names of the scenarios, with the file of those whose name another file
// has, too.
func scenarioNames(results []*result.Result) map[*language.Scenario]string {
	var all []*language.Scenario
	for _, r := range results {
		all = append(all, r.Scenario)
	}
	shared := SharedNames(all)
	names := map[*language.Scenario]string{}
	for _, r := range results {
		s := r.Scenario
		names[s] = s.Name
		if shared[s.Name] {
			names[s] += " (" + s.Pos.File + ")"
		}
	}
	return names
}

// caseName is the label of a run's case, with the number of the repetition.
func caseName(r *result.Result) string {
	name := cmp.Or(r.Scenario.Case, "-")
	if r.N > 0 {
		name += fmt.Sprintf(" #%d", r.N)
	}
	return name
}

// tableText is a table: rows, the first of them the heading.
type tableText struct {
	rows [][]string
	// flexible is the column that is shortened where the table is too wide, or noColumn; judged is the
	// first column whose cells begin with a status.
	flexible, judged int
}

// noColumn stands for no column of a table.
const noColumn = -1

// table formats rows as columns, below a heading. A long case must not push the results off the screen.
func table(rows [][]string, k Look) string {
	const caseColumn = 1
	t := tableText{rows: rows, flexible: caseColumn, judged: caseColumn + 1}
	return t.text(k)
}

// widths returns the width of each column.
func (t *tableText) widths(k Look) []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i := range row {
			row[i] = say.Printable(row[i])
			widths[i] = max(widths[i], widthOf(row[i]))
		}
	}
	if c := t.flexible; c != noColumn {
		others := wide(widths) - widths[c]
		widths[c] = min(widths[c], max(cmp.Or(k.Width, 100)-others, 16))
	}
	return widths
}

// wide returns the width of a line with columns of these widths.
func wide(widths []int) int {
	n := 2 * (len(widths) - 1)
	for _, w := range widths {
		n += w
	}
	return n
}

// fits reports whether the whole table has room.
func (t *tableText) fits(k Look) bool { return wide(t.widths(k)) <= cmp.Or(k.Width, 100) }

// text formats the table. Numbers are aligned to the right.
func (t *tableText) text(k Look) string {
	widths := t.widths(k)
	var b strings.Builder
	for n, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i], "…")
			blanks := strings.Repeat(" ", max(widths[i]-widthOf(cell), 0))
			switch {
			case n == 0:
				cell = paint(k.Color, bold, cell)
			case i >= t.judged:
				cell = paint(k.Color, styleOf(cell), cell)
			}
			switch heading := t.rows[0][i]; {
			case heading == "CHECKS" || heading == "TIME":
				cell = blanks + cell
			case i < len(row)-1:
				cell += blanks
			}
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString("  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return k.plain(b.String())
}

// styleOf is the style of a cell that begins with a status or a proof.
func styleOf(cell string) style {
	word, _, _ := strings.Cut(cell, " ")
	if proof, ok := proofStyle[result.Proof(word)]; ok {
		return proof
	}
	return statusStyle[result.Status(word)]
}

// summary is the summary of all runs: "27 passed, 0 failed, 0 skipped in 12.3s".
func summary(n result.Tally, took time.Duration, k Look) string {
	st := good
	switch {
	case n.With(result.Fail)+n.With(result.Error) > 0:
		st = bad
	case n.With(result.Skip)+n.With(result.Inconclusive) > 0 || n.With(result.Pass) == 0:
		st = warn
	}
	text := fmt.Sprintf("%d passed, %d failed, %d skipped",
		n.With(result.Pass), n.With(result.Fail), n.With(result.Skip))
	if late := n.With(result.Inconclusive); late > 0 {
		text += fmt.Sprintf(", %d inconclusive", late)
	}
	if broken := n.With(result.Error); broken > 0 {
		text += fmt.Sprintf(", %d could not be judged", broken)
	}
	text = paint(k.Color, st, text) + " in " + shortSeconds(took)
	if n.SkippedChecks > 0 {
		text += fmt.Sprintf(" (%s skipped)", say.Count(n.SkippedChecks, "check"))
	}
	return text
}

// kernelsOf returns the kernels of the runs, in the order of the runs, if any case was run on two.
// If none was, it returns nil: long runs that were warped on another kernel to save time are not a
// comparison of kernels.
func kernelsOf(results []result.Result) []string {
	var kernels []string
	seen, twice := map[runKey]bool{}, false
	for i := range results {
		r := &results[i]
		twice = twice || seen[runKeyOf(r)]
		seen[runKeyOf(r)] = true
		if k := r.Place.KernelName(); !slices.Contains(kernels, k) {
			kernels = append(kernels, k)
		}
	}
	if !twice {
		return nil
	}
	return kernels
}
