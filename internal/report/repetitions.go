package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// Repetitions is what came of all repetitions of a case, for programs.
type Repetitions struct {
	About
	// Runs counts those that ended, Counts those of each status.
	Runs   int            `json:"runs"`
	Counts map[string]int `json:"counts"`
	// Failed is the first of them that failed or broke off.
	Failed *Repetition `json:"failed,omitempty"`
	// Times are how long each step took whose duration an expectation judges.
	Times []Spread `json:"times,omitempty"`
}

// Repetition is one of the repetitions of a case.
type Repetition struct {
	N    int    `json:"n"`
	Seed uint64 `json:"seed,string"`
	// Rerun is the command that repeats it, for a shell.
	Rerun string `json:"rerun,omitempty"`
}

// Spread is how long a step took in all repetitions of a case, in seconds.
type Spread struct {
	Of string `json:"of"`
	// N is the number of times: of all executions in all repetitions.
	N      int     `json:"n"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
	// Histogram counts the times in equal parts from min to max.
	Histogram []int `json:"histogram"`
}

// NewRepetitions returns the records of the repetitions of cases.
func NewRepetitions(list []*result.Repetitions) []Repetitions {
	var all []Repetitions
	for _, r := range list {
		rec := Repetitions{About: about(&r.Run), Runs: r.Tally.Runs(), Counts: countsOf(&r.Tally)}
		if r.Failed != nil {
			rec.Failed = &Repetition{r.Failed.N, r.Failed.Seed, r.Rerun}
		}
		for _, s := range r.Times() {
			rec.Times = append(rec.Times, Spread{
				Of: s.Of, N: s.N, Min: s.Min.Seconds(), Median: s.Median.Seconds(), P95: s.P95.Seconds(),
				Max: s.Max.Seconds(), Histogram: s.Histogram,
			})
		}
		all = append(all, rec)
	}
	return all
}

// countsOf returns the number of runs of each status, by the names for programs.
func countsOf(t *result.Tally) map[string]int {
	counts := map[string]int{}
	for status, name := range statuses {
		counts[name] = min(t.With(status), mostCounted)
	}
	return counts
}

// mostRepeated is how many cases [repetitionsText] lists, those that did not always pass first.
const mostRepeated = 40

// repetitionsText says what came of the repetitions of each case, and how long its steps took:
//
//	syn-lost-once lost=1: 49 of 50 passed; #7 failed first: --seed 4240442941
//	  client.connect  min 1.02s  median 1.03s  p95 1.05s  max 1.21s  ▁▂█▃▁
func repetitionsText(list []*result.Repetitions, k Look) string {
	if len(list) == 0 {
		return ""
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b *result.Repetitions) int { return rankOf(a) - rankOf(b) })
	var b strings.Builder
	for i, r := range sorted {
		if i == mostRepeated {
			fmt.Fprintf(&b, "and %d more cases; --report json=PATH has all\n", len(sorted)-i)
			break
		}
		st := good
		switch rankOf(r) {
		case 0:
			st = bad
		case 1:
			st = warn
		}
		head := k.id(&r.Run)
		if at := r.Run.Place.String(); at != "" {
			head += " " + at
		}
		fmt.Fprintf(&b, "%s: %s%s\n", head,
			paint(k.Color, st, fmt.Sprintf("%d of %d passed", r.Tally.With(result.Pass), r.Tally.Runs())),
			firstFailed(r))
		b.WriteString(spreadText(r.Times(), k))
	}
	return k.plain(b.String())
}

// rankOf is 0 for a case of which a repetition failed, 1 if one did not pass, else 2.
func rankOf(r *result.Repetitions) int {
	switch {
	case r.Failed != nil:
		return 0
	case r.Tally.With(result.Pass) < r.Tally.Runs():
		return 1
	}
	return 2
}

// firstFailed says which repetition was the first to fail, its seed, and how to repeat it.
func firstFailed(r *result.Repetitions) string {
	if r.Failed == nil {
		return ""
	}
	text := fmt.Sprintf("; the first that failed is #%d, with --seed %d", r.Failed.N, r.Failed.Seed)
	if r.Rerun != "" {
		text += "\n  " + r.Rerun
	}
	return text
}

// spreadText writes a line for each time that was measured.
func spreadText(times []result.Spread, k Look) string {
	rows := make([][]string, len(times))
	var widths []int
	for i, s := range times {
		rows[i] = []string{say.Printable(s.Of)}
		for _, d := range []struct {
			name string
			took time.Duration
		}{{"min", s.Min}, {"median", s.Median}, {"p95", s.P95}, {"max", s.Max}} {
			rows[i] = append(rows[i], d.name+" "+say.Duration(d.took))
		}
		rows[i] = append(rows[i], barsText(s.Histogram, k.ASCII))
		widths = append(widths, make([]int, max(len(rows[i])-len(widths), 0))...)
		for j, cell := range rows[i] {
			widths[j] = max(widths[j], widthOf(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := " "
		for j, cell := range row {
			line += " " + fill(cell, widths[j]+1)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// The characters of a histogram, from few to many; the first is for none.
var (
	blocks      = []rune(" ▁▂▃▄▅▆▇█")
	blocksASCII = []rune(" .:-=+*#@")
)

// barsText draws a histogram in one line: the largest part has the highest character, and none that is
// not empty is blank.
func barsText(counts []int, ascii bool) string {
	marks := blocks
	if ascii {
		marks = blocksASCII
	}
	most := max(slices.Max(counts), 1)
	top := len(marks) - 1
	var b strings.Builder
	b.WriteString("|")
	for _, n := range counts {
		level := (n*top + most - 1) / most
		b.WriteRune(marks[level])
	}
	b.WriteString("|")
	return b.String()
}
