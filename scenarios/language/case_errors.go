package language

import (
	"fmt"
	"slices"
	"strings"

	"halfopen/internal/say"
)

// CaseErrors collects the mistakes of a file. Each of its runs, a case on an IP version, finds those
// of the whole file again; the message of any other mistake names the runs that found it. The zero
// value is ready to use.
type CaseErrors struct {
	runs []caseRun
	// in has the runs that found each mistake, by their places in runs.
	in map[Error][]int
	// idle are the mistakes in what a run may not need: parameters, and what only leaves out of it.
	// They count if all runs have one at the same place.
	idle map[Pos]idleMistake
}

// idleMistake is the first mistake at a place, and the number of runs that have one there.
type idleMistake struct {
	first *Error
	runs  int
	last  int
}

type caseRun struct {
	label  string
	family Family
}

// Add adds a run and the mistakes that it found.
func (c *CaseErrors) Add(s *Scenario, found ...*Error) { c.add(s, found, nil) }

func (c *CaseErrors) add(s *Scenario, found, idle []*Error) {
	if c.in == nil {
		c.in, c.idle = map[Error][]int{}, map[Pos]idleMistake{}
	}
	n := len(c.runs)
	c.runs = append(c.runs, caseRun{s.Case, s.Family})
	for _, e := range found {
		if runs := c.in[*e]; len(runs) == 0 || runs[len(runs)-1] != n {
			c.in[*e] = append(runs, n)
		}
	}
	for _, e := range idle {
		switch m, known := c.idle[e.Pos]; {
		case !known:
			c.idle[e.Pos] = idleMistake{first: e, runs: 1, last: n}
		case m.last != n:
			c.idle[e.Pos] = idleMistake{first: m.first, runs: m.runs + 1, last: n}
		}
	}
}

// Join returns all mistakes, sorted and joined; nil if there are none.
func (c *CaseErrors) Join() error { return joinErrors(c.all()) }

// Sorted returns all mistakes, sorted.
func (c *CaseErrors) Sorted() []*Error { return sortErrors(c.all()) }

func (c *CaseErrors) all() []*Error {
	var errs []*Error
	places := map[Pos]bool{}
	for e, runs := range c.in {
		places[e.Pos] = true
		e.Msg = c.where(runs) + e.Msg
		errs = append(errs, &e)
	}
	for pos, m := range c.idle {
		if m.runs == len(c.runs) && !places[pos] {
			errs = append(errs, m.first)
		}
	}
	return errs
}

// where names the runs that found a mistake, as the beginning of a message: "in case b on v6: ". It
// is "" if all of them did.
func (c *CaseErrors) where(runs []int) string {
	if len(runs) == len(c.runs) {
		return ""
	}
	var found, all caseNames
	for i, r := range c.runs {
		all.add(r)
		if slices.Contains(runs, i) {
			found.add(r)
		}
	}
	var words []string
	if n := len(found.labels); n < len(all.labels) {
		switch {
		case n == 1:
			words = append(words, "in case "+found.labels[0])
		case n <= 3:
			words = append(words, "in the cases "+say.List(found.labels))
		default:
			words = append(words, fmt.Sprintf("in case %s and %d others", found.labels[0], n-1))
		}
	}
	if len(found.families) < len(all.families) {
		words = append(words, "on "+say.List(texts(found.families...)))
	}
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, " ") + ": "
}

// caseNames are the labels and the IP versions of some runs, each once.
type caseNames struct {
	labels   []string
	families []Family
}

func (n *caseNames) add(r caseRun) {
	if label := say.Clip(r.label); !slices.Contains(n.labels, label) {
		n.labels = append(n.labels, label)
	}
	if !slices.Contains(n.families, r.family) {
		n.families = append(n.families, r.family)
	}
}
