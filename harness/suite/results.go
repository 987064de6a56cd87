package suite

import (
	"cmp"
	"slices"
	"sync"

	"halfopen/harness/suite/result"
)

// Results are the outcome of a suite.
type Results struct {
	// Kept are runs that began, in the order of the suite's runs. Of many runs only the first to end
	// are kept: [mostKept] that passed, and as many that did not. With [Options.Control] all are.
	//
	// A kept result has no Trace, except for the first [mostTraces] that did not pass. The observer's
	// End gets each result with its trace, and Dir stores it.
	Kept []Result
	// Others counts the runs that are not kept, and those that never began.
	Others result.Tally
	// Stop is why the suite ended before all of its runs had, and Rest are the runs that never began for
	// that reason, in the order of the suite. With [Options.UntilFail] there is no Rest.
	Stop result.Stop
	Rest []result.Rest
	// Repeated sums up the repetitions of each run that has ended at least once, in the order of the
	// suite; nil if runs are not repeated, and with [Options.Control].
	Repeated []*result.Repetitions
	// Pace is how many runs went on at once on this machine.
	Pace Pace
}

const (
	// mostKept is how many results of passed runs are kept, and how many of the others: some 3 kB
	// each.
	mostKept = 10_000
	// mostTraces is how many results that did not pass keep their trace.
	mostTraces = 20
)

// outcomes collects the results of a running suite. It is safe for concurrent use.
type outcomes struct {
	// all is set if every result is kept.
	all bool

	mu sync.Mutex
	// kept are in the order in which they ended; passed of them passed, traces of them have a trace.
	kept           []placed
	passed, traces int
	// counted is the number of results, others counts those that are not kept.
	counted int
	others  result.Tally
	// repeated has the repetitions of each of the suite's runs, by its index; nil if runs are not
	// repeated.
	repeated []*result.Repetitions
	// ofRun counts the results of each of the suite's runs, by its index.
	ofRun map[int]int
}

// placed is a result and its place among the runs of the suite.
type placed struct {
	Result
	index int // of the run among [Suite.Runs]
}

// add takes a result that has been stored and reported.
func (o *outcomes) add(r *Result, index int) {
	if o.repeated != nil {
		o.repeated[index].Add(r)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counted++
	if o.ofRun == nil {
		o.ofRun = map[int]int{}
	}
	o.ofRun[index]++
	pass := r.Status == Pass
	before := len(o.kept) - o.passed
	if pass {
		before = o.passed
	}
	if before >= mostKept && !o.all {
		o.others.Add(r)
		return
	}
	kept := placed{*r, index}
	if pass {
		o.passed++
	}
	if pass || r.Scenario.Without != nil || o.traces == mostTraces {
		kept.Trace = nil
	} else {
		o.traces++
	}
	o.kept = append(o.kept, kept)
}

// results returns the results in the order of the runs. runs is the number of runs of the suite.
func (o *outcomes) results(runs int) Results {
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.SortFunc(o.kept, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.N, b.N))
	})
	all := Results{Others: o.others}
	for _, r := range o.repeated {
		if r.Tally.Runs() > 0 {
			all.Repeated = append(all.Repeated, r)
		}
	}
	for i := range o.kept {
		all.Kept = append(all.Kept, o.kept[i].Result)
	}
	all.Others.Count(NotRun, max(runs-o.counted, 0))
	return all
}
