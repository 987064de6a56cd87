package report

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// alike finds repetitions of a run that failed as an earlier one did: in the same expectations. Only
// the first of them is drawn. Its zero value is ready for use.
type alike struct {
	// mu is held while a failed repetition is written, so that the first is above the others.
	mu    sync.Mutex
	first map[failure]int
	drawn map[failure]int // by runs, without their verdicts
	short int
}

// failure is a run, apart from its repetition, and which of its verdicts are not met.
type failure struct {
	runKey
	place    result.Place
	verdicts string
}

// mostDrawn is how many repetitions of a run are drawn, each with other expectations that failed.
const mostDrawn = 20

// details is [Details] of a run, or for a repetition that failed as an earlier one did, a line with
// its seed and the expectations that failed. a.mu must be held.
func (a *alike) details(r *result.Result, k Look) string {
	if r.Status != result.Fail && r.Status != result.Inconclusive || r.N == 0 || k.Verbose {
		return Details(r, k)
	}
	once := r.Run
	once.N = 0
	f := failure{runKey: runKey{r.Scenario.Pos.File, once.ID()}, place: r.Place}
	run := f
	f.verdicts = unmet(r)
	if a.first == nil {
		a.first, a.drawn = map[failure]int{}, map[failure]int{}
	}
	n, known := a.first[f]
	switch {
	case !known && a.drawn[run] < mostDrawn:
		a.first[f] = r.N
		a.drawn[run]++
		return Details(r, k)
	case !known:
		n = 0
	}
	a.short++
	return k.plain(strings.TrimSuffix(brief(r, n, k), "\n"))
}

// unmet lists the verdicts of a run that failed or are inconclusive, for a comparison.
func unmet(r *result.Result) string {
	var b strings.Builder
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Status == assertions.Fail || v.Status == assertions.Inconclusive {
			fmt.Fprintf(&b, "%d %s %s\n", i, v.Status, v.Title)
		}
	}
	return b.String()
}

// brief says in place of the details which expectations of a repetition failed, what was seen, and
// which repetition was drawn that failed as this one; 0 if none was.
func brief(r *result.Result, as int, k Look) string {
	text := fmt.Sprintf("seed %d", r.Seed)
	if as > 0 {
		text = fmt.Sprintf("as #%d, %s", as, text)
	}
	sep := ": "
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Status != assertions.Fail && v.Status != assertions.Inconclusive {
			continue
		}
		got, _, _ := strings.Cut(cmp.Or(v.Got, v.Reason, "nothing"), "\n")
		text += sep + v.Title + ", saw " + cut(say.Printable(got), mostOfGot, "…")
		sep = "; "
	}
	var b strings.Builder
	wrapTo(&b, k, "      ", "", text)
	return b.String()
}

// mostOfGot is how many columns [brief] has for what was seen.
const mostOfGot = 120

// leftOut is a line about the repetitions that were not drawn; "" if all were.
func (a *alike) leftOut() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.short == 0 {
		return ""
	}
	return fmt.Sprintf("%s failed as an earlier one and %s not drawn; -v draws all\n",
		say.Count(a.short, "repetition"), map[bool]string{true: "is", false: "are"}[a.short == 1])
}
