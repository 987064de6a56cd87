package result

import (
	"maps"

	"halfopen/assertions"
)

// Tally counts runs of which there is no Result. The zero Tally counts none.
type Tally struct {
	status map[Status]int
	// SkippedChecks is the number of checks that were skipped in runs that were judged.
	SkippedChecks int
}

// Add counts the run of a result.
func (t *Tally) Add(r *Result) {
	t.Count(r.Status, 1)
	if r.Err == nil {
		t.SkippedChecks += r.Count(assertions.Skip)
	}
}

// Count counts n runs with a status.
func (t *Tally) Count(s Status, n int) {
	if n == 0 {
		return
	}
	if t.status == nil {
		t.status = map[Status]int{}
	}
	t.status[s] += n
}

// With returns the number of runs with a status.
func (t *Tally) With(s Status) int { return t.status[s] }

// Ended returns the number of runs that ended by themselves.
func (t *Tally) Ended() int { return t.Runs() - t.With(NotRun) - t.With(Canceled) }

// Runs returns the number of runs.
func (t *Tally) Runs() int {
	all := 0
	for _, n := range t.status {
		all += n
	}
	return all
}

// Plus returns a tally that counts the runs of the results, too.
func (t *Tally) Plus(results []*Result) Tally {
	sum := Tally{status: maps.Clone(t.status), SkippedChecks: t.SkippedChecks}
	for _, r := range results {
		sum.Add(r)
	}
	return sum
}
