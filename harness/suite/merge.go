package suite

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/plainfile"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

// What a view of package report needs: Output before the runs, Ending after them.
type (
	Output = report.Output
	Ending = report.Ending
)

// Part is what one machine stored of a suite.
type Part struct {
	// Name names it in errors. Records is the path of its file of records.
	Name, Records string
	// Dir is the directory that the paths of stored runs in the records are relative to.
	Dir string
}

// Merged is a suite that several machines shared. Make it with [Merge].
type Merged struct {
	// Exit is the worst exit status of the shards. Stop is why the first of them ended early that did.
	Exit int
	Stop result.Stop
	// Took is the time of the slowest shard.
	Took time.Duration
	// Notes say what is odd about the parts, but no reason to refuse them.
	Notes []string
	// Absent is the number of runs whose evidence was stored and is not there, as [Merged.Run] found.
	Absent int

	parts []*shardPart
	// suite is the record of the whole suite. Its Kernel is "" if the machines had several.
	suite   report.Suite
	leftOut []report.LeftOut
	refused []report.Refused
	// rest are the runs that never began, in the order of the suite.
	rest []result.Rest
}

// shardPart is a part that was read.
type shardPart struct {
	Part
	shard   Shard
	suite   *report.Suite
	summary *report.Summary
	leftOut []report.LeftOut
	refused []report.Refused
	rest    []result.Rest
	// runs has the IDs of the runs that ended or were canceled, by their index.
	runs            map[int]string
	ended, canceled int
}

// Merge reads the records of all shards of a suite. The error names everything that is wrong with them:
// shards of other plans, missing and double ones, records that are cut off.
func Merge(parts []Part) (*Merged, error) {
	m := &Merged{}
	var errs []error
	for _, part := range parts {
		p, err := readPart(part)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.parts = append(m.parts, p)
	}
	// A shard that cannot be read is not reported as missing, too.
	if len(errs) == 0 {
		errs = m.compare()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(m.parts, func(a, b *shardPart) int { return cmp.Compare(a.shard.Index, b.shard.Index) })
	m.sum()
	return m, nil
}

// readPart reads the records of a part and compares them with their summary.
func readPart(part Part) (*shardPart, error) {
	p := &shardPart{Part: part, runs: map[int]string{}}
	begun := map[int]string{}
	err := p.read(func(record any) error {
		switch r := record.(type) {
		case *report.Suite:
			p.suite = r
			p.shard = Shard{Index: 1, Of: 1}
			if r.Shard != nil {
				p.shard = *r.Shard
			}
		case *report.LeftOut:
			p.leftOut = append(p.leftOut, *r)
		case *report.Refused:
			p.refused = append(p.refused, *r)
		case *report.NotRun:
			p.rest = append(p.rest, r.Rest())
		case *report.Begun:
			begun[r.Index] = r.ID
		case *report.Record:
			p.ended++
			return p.add(&r.About)
		case *report.Canceled:
			p.canceled++
			return p.add(&r.About)
		case *report.Summary:
			p.summary = r
		}
		return nil
	})
	switch {
	case errors.Is(err, report.ErrUnfinished):
		return nil, fmt.Errorf("%s: the run of shard %s was killed, or goes on: it has no summary, and %d of %s%s",
			part.Name, p.shard, len(p.runs), say.Count(p.suite.Runs, "run"), unfinished(begun, p.runs))
	case err != nil:
		return nil, err
	}
	return p, p.check()
}

func (p *shardPart) read(take func(any) error) error {
	f, err := plainfile.Open(p.Records)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer f.Close()
	return report.ReadRecords(p.Records, f, take)
}

// mostNamed is how many runs an error names.
const mostNamed = 5

// unfinished names runs that began and did not end.
func unfinished(begun, ended map[int]string) string {
	var names []string
	for index, id := range begun {
		if _, ok := ended[index]; !ok {
			names = append(names, id)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "; these were going on: " + firstOf(names)
}

// firstOf lists the first of many names.
func firstOf(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (p *shardPart) add(a *report.About) error {
	if id, twice := p.runs[a.Index]; twice {
		return fmt.Errorf("%s: run %d is there twice: %s, and %s", p.Name, a.Index, id, a.ID)
	}
	p.runs[a.Index] = a.ID
	return nil
}

// Alone are the flags of halfopen run that make a suite which is neither merged nor taken up again: its
// runs are to fail, or are not known in advance.
var Alone = []string{"control", "until-fail"}

// exits are the exit statuses of a suite, the worst last: passed, missing, wrong, failed, interrupted.
var exits = []int{0, 3, 2, 1, 130}

// check compares the records with the summary.
func (p *shardPart) check() error {
	counted, canceled := p.summary.Ended()
	for _, name := range Alone {
		if slices.Contains(p.suite.Flags, name+"=true") {
			return fmt.Errorf("%s: this suite was run with --%s, and such suites are not merged", p.Name, name)
		}
	}
	switch {
	case !slices.Contains(exits, p.summary.Exit):
		return fmt.Errorf("%s: invalid exit status %d", p.Name, p.summary.Exit)
	case p.suite.Plan == nil:
		return fmt.Errorf("%s: the record of the suite has no plan, which says what all shards run", p.Name)
	case p.ended != counted || p.canceled != canceled || p.summary.Runs != p.suite.Runs:
		return fmt.Errorf("%s: it has %d ended and %d canceled runs, and its summary counts %d and %d, of %d: records are missing",
			p.Name, p.ended, p.canceled, counted, canceled, p.suite.Runs)
	}
	for index, id := range p.runs {
		if index >= p.suite.Plan.Runs {
			return fmt.Errorf("%s: %s is run %d of %d", p.Name, id, index+1, p.suite.Plan.Runs)
		}
	}
	return nil
}

// compare returns what is wrong with the parts together.
func (m *Merged) compare() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(m.parts) == 0 {
		return []error{errors.New("there is nothing to merge")}
	}
	first := m.parts[0]
	has := map[Shard]*shardPart{}
	for _, p := range m.parts {
		if differ := first.suite.Plan.Differences(p.suite.Plan); len(differ) > 0 {
			wrong("%s is of another plan than %s: %s", p.Name, first.Name, strings.Join(differ, "; "))
			continue
		}
		if p.shard.Of != first.shard.Of {
			wrong("%s is shard %s, and %s is shard %s: they have other numbers of shards", p.Name, p.shard, first.Name, first.shard)
			continue
		}
		if other := has[p.shard]; other != nil {
			wrong("shard %s is there twice: %s and %s", p.shard, other.Name, p.Name)
			continue
		}
		has[p.shard] = p
	}
	if len(errs) > 0 {
		return errs
	}
	var missing []string
	here := 0
	for i := range first.shard.Of {
		shard := Shard{Index: i + 1, Of: first.shard.Of}
		if p := has[shard]; p != nil {
			here += p.suite.Runs
		} else {
			missing = append(missing, shard.String())
		}
	}
	all := first.suite.Plan.Runs
	if len(missing) > 0 {
		wrong("missing: shard %s, with %d of %s", firstOf(missing), all-here, say.Count(all, "run"))
		return errs
	}
	if here != all {
		wrong("the shards have %d of %s", here, say.Count(all, "run"))
	}
	by := map[int]*shardPart{}
	for _, p := range m.parts {
		for index, id := range p.runs {
			if other := by[index]; other != nil {
				wrong("%s is there twice: in %s and %s", id, other.Name, p.Name)
			}
			by[index] = p
		}
	}
	return errs
}

// sum sums up the shards, which are in order.
func (m *Merged) sum() {
	m.suite = *m.parts[0].suite
	m.suite.Shard, m.suite.Runs = nil, m.suite.Plan.Runs
	m.suite.Flags = slices.DeleteFunc(slices.Clone(m.suite.Flags), func(f string) bool { return strings.HasPrefix(f, "shard=") })
	kernels := map[string][]string{}
	for _, p := range m.parts {
		if p.suite.Began.Before(m.suite.Began) {
			m.suite.Began = p.suite.Began
		}
		if p.suite.Kernel != m.suite.Kernel {
			m.suite.Kernel = ""
		}
		kernels[p.suite.Kernel] = append(kernels[p.suite.Kernel], p.shard.String())
		m.Exit = worse(m.Exit, p.summary.Exit)
		if m.Stop == result.NotStopped || p.summary.Stopped == result.Interrupted {
			m.Stop = p.summary.Stopped
		}
		m.Took = max(m.Took, time.Duration(p.summary.Seconds*float64(time.Second)))
		for _, l := range p.leftOut {
			if !slices.ContainsFunc(m.leftOut, func(o report.LeftOut) bool { return o.ID == l.ID && o.File == l.File }) {
				m.leftOut = append(m.leftOut, l)
			}
		}
		for _, r := range p.rest {
			r.All = m.suite.Plan.Repeat
			m.rest = append(m.rest, r)
		}
		for _, r := range p.refused {
			if !slices.ContainsFunc(m.refused, func(o report.Refused) bool { return o.File == r.File }) {
				m.refused = append(m.refused, r)
			}
		}
	}
	m.rest = together(m.rest)
	if len(kernels) > 1 {
		var parts []string
		for kernel, shards := range kernels {
			parts = append(parts, fmt.Sprintf("%s (shard %s)", kernel, firstOf(shards)))
		}
		slices.Sort(parts)
		m.Notes = append(m.Notes, "the machines had several kernels: "+strings.Join(parts, ", "))
	}
}

// together sorts runs that never began, and joins repetitions of one run, which several shards may have.
func together(all []result.Rest) (rest []result.Rest) {
	slices.SortFunc(all, func(a, b result.Rest) int { return cmp.Compare(a.Run.Index, b.Run.Index) })
	for _, r := range all {
		if n := len(rest); n > 0 && rest[n-1].Run.Index == r.Run.Index {
			rest[n-1].Times += r.Times
		} else {
			rest = append(rest, r)
		}
	}
	return rest
}

// worse returns the exit status of two suites together.
func worse(a, b int) int {
	if slices.Index(exits, b) > slices.Index(exits, a) {
		return b
	}
	return a
}

// evidence returns the path of a directory that a record names, "" if it names none. Records of
// strangers name nothing outside.
func (p *shardPart) evidence(dir string) string {
	local := filepath.FromSlash(dir)
	if dir == "" || !filepath.IsLocal(local) {
		return ""
	}
	return filepath.Join(p.Dir, local)
}
