package suite

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"halfopen/harness/suite/result"
	"halfopen/internal/plainfile"
	"halfopen/internal/report"
)

// Run passes the runs of all shards to an observer, which may be nil, in the order of the suite. Those
// whose evidence is there have their trace. stored, if not nil, is called with the directory of the
// evidence of each run, below that of its part, and returns the one that the run has from then on.
func (m *Merged) Run(ctx context.Context, see Observer, stored func(part Part, dir string) (string, error)) (Results, error) {
	if see == nil {
		see = silent{}
	}
	lines, closeAll, err := m.lines()
	defer closeAll()
	if err != nil {
		return Results{}, err
	}
	all := &outcomes{}
	var repeated []*result.Repetitions
	m.Absent = 0
	for some := range slices.Chunk(lines, readAtOnce) {
		if ctx.Err() != nil {
			return Results{}, ctx.Err()
		}
		read := make([]stage, len(some))
		var going sync.WaitGroup
		for i := range some {
			going.Go(func() { read[i].read(&some[i], stored) })
		}
		going.Wait()
		for i := range read {
			st := &read[i]
			if st.err != nil {
				return Results{}, st.err
			}
			if st.absent {
				m.Absent++
			}
			see.Begin(&st.r.Run)
			see.End(st.r)
			repeated = m.repetition(repeated, st.r)
			all.add(st.r, st.r.Index)
		}
	}
	results := all.results(m.suite.Runs)
	results.Stop, results.Rest = m.Stop, m.rest
	results.Repeated = slices.DeleteFunc(repeated, func(r *result.Repetitions) bool { return r.Tally.Runs() == 0 })
	return results, nil
}

// repetition adds a run to the repetitions of its kind, which follow each other.
func (m *Merged) repetition(all []*result.Repetitions, r *Result) []*result.Repetitions {
	each := m.suite.Plan.Repeat
	if each <= 1 {
		return nil
	}
	first := r.Run
	first.N, first.Seed, first.Index = 0, m.suite.Seed, r.Index-r.Index%each
	if len(all) == 0 || all[len(all)-1].Run.Index != first.Index {
		all = append(all, result.NewRepetitions(first))
	}
	all[len(all)-1].Add(r)
	return all
}

// readAtOnce is how many runs are read at once, and in memory with their traces.
const readAtOnce = 4

// recordLine is the record of a run in a file.
type recordLine struct {
	part     *shardPart
	file     *os.File
	index    int
	canceled bool
	from     int64
	length   int
}

// lines finds the records of runs, in the order of the suite. Their files are open until the function
// that it returns is called.
func (m *Merged) lines() (all []recordLine, closeAll func(), err error) {
	var files []*os.File
	closeAll = func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	for _, p := range m.parts {
		f, err := plainfile.Open(p.Records)
		if err != nil {
			return nil, closeAll, fmt.Errorf("%s: %w", p.Name, err)
		}
		files = append(files, f)
		from := int64(0)
		lines := bufio.NewReader(f)
		for {
			text, err := lines.ReadBytes('\n') // of a length that Merge has read
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, closeAll, fmt.Errorf("%s: %w", p.Name, err)
			}
			var about struct {
				Kind  report.Kind `json:"record"`
				Index int         `json:"index"`
			}
			if err := json.Unmarshal(text, &about); err != nil {
				return nil, closeAll, fmt.Errorf("%s: reading the records again: %w", p.Name, err)
			}
			if about.Kind == report.RunRecord || about.Kind == report.CanceledRecord {
				all = append(all, recordLine{p, f, about.Index, about.Kind == report.CanceledRecord, from, len(text)})
			}
			from += int64(len(text))
		}
	}
	slices.SortFunc(all, func(a, b recordLine) int { return cmp.Compare(a.index, b.index) })
	return all, closeAll, nil
}

// stage is a run that was read, before it is passed on.
type stage struct {
	r *Result
	// absent is set if the run was stored and is not there.
	absent bool
	err    error
}

func (st *stage) read(l *recordLine, stored func(Part, string) (string, error)) {
	text := make([]byte, l.length)
	if _, st.err = l.file.ReadAt(text, l.from); st.err != nil {
		return
	}
	if !l.canceled {
		rec := &report.Record{}
		if st.err = json.Unmarshal(text, rec); st.err == nil {
			st.err = st.ended(l.part, rec, stored)
		}
		return
	}
	rec := &report.Canceled{}
	if st.err = json.Unmarshal(text, rec); st.err == nil {
		st.r = rec.Result()
		st.err = st.place(l.part, rec.Dir, stored)
	}
}

// ended makes the result of a run that has ended, with its trace if it is there.
func (st *stage) ended(p *shardPart, rec *report.Record, stored func(Part, string) (string, error)) error {
	r := rec.Result()
	st.r = r
	if rec.Dir == "" {
		return nil
	}
	dir := p.evidence(rec.Dir)
	if _, err := os.Stat(filepath.Join(dir, result.TraceFile)); dir == "" || errors.Is(err, fs.ErrNotExist) {
		if stored != nil {
			return fmt.Errorf("%s: the evidence of %s is not there: %s", p.Name, rec.ID, rec.Dir)
		}
		st.absent = true
		return st.place(p, "", stored)
	}
	found, err := result.Load(dir)
	switch {
	case err != nil:
		return fmt.Errorf("%s: reading the evidence of %s in %s: %w", p.Name, rec.ID, dir, err)
	case found.Stamp != rec.Stamp || found.Evidence.Status != r.Status || found.Scenario.ID() != r.Scenario.ID():
		return fmt.Errorf("%s: the evidence in %s is not that of %s", p.Name, dir, rec.ID)
	case len(found.Evidence.Conflicts) > 0:
		return fmt.Errorf("%s: the evidence of %s in %s: %s", p.Name, rec.ID, dir, found.Evidence.Conflicts[0])
	}
	r.Scenario, r.Trace, r.Missed, r.Lacking = found.Scenario, found.Trace, found.Missed, found.Lacking
	return st.place(p, rec.Dir, stored)
}

// place says where a run and its attempts are stored. dir is the directory of the evidence, below that of
// the part; "" if it is not there.
func (st *stage) place(p *shardPart, dir string, stored func(Part, string) (string, error)) (err error) {
	r := st.r
	if r.Dir = p.evidence(dir); r.Dir != "" && stored != nil {
		if r.Dir, err = stored(p.Part, dir); err != nil {
			return fmt.Errorf("%s: storing the evidence of %s: %w", p.Name, r.ID(), err)
		}
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Dir = ""; r.Dir != "" {
			a.Dir = result.AttemptDir(r.Dir, i+1)
		}
	}
	return nil
}
