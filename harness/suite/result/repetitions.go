package result

import (
	"slices"
	"sync"
	"time"

	"halfopen/scenarios/language"
)

// Repetitions is what came of all repetitions of a run. Its size does not depend on their number. Add
// may be called by several goroutines at once; the fields are for the time after that. Make it with
// [NewRepetitions].
type Repetitions struct {
	// Run is the first of them, with the number 0.
	Run Run

	mu sync.Mutex
	// Tally counts those that have ended.
	Tally Tally
	// Failed is the first of them that failed or broke off, by its number; nil if none has. Rerun is the
	// command that repeats it, see [Result.Rerun].
	Failed *Run
	Rerun  string

	times map[string]*times
}

// NewRepetitions begins to sum up the repetitions of a run.
func NewRepetitions(r Run) *Repetitions {
	return &Repetitions{Run: r, times: map[string]*times{}}
}

// Add adds a repetition that has ended, with its trace. Others are passed over.
func (s *Repetitions) Add(r *Result) {
	if !r.Ended() {
		return
	}
	type duration struct {
		of   string
		took time.Duration
	}
	var all []duration
	if r.Trace != nil {
		for _, m := range measuresOf(r.Scenario) {
			m.each(r, func(took time.Duration) { all = append(all, duration{m.String(), took}) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Tally.Add(r)
	if (r.Status == Fail || r.Status == Error) && (s.Failed == nil || r.N < s.Failed.N) {
		failed := r.Run
		s.Failed, s.Rerun = &failed, r.Rerun
	}
	for _, d := range all {
		if s.times[d.of] == nil {
			s.times[d.of] = &times{}
		}
		s.times[d.of].add(d.took)
	}
}

// Times returns the spread of each time that an expectation judges, in the order of the expectations.
// Times that were never measured are left out.
func (s *Repetitions) Times() []Spread {
	var all []Spread
	for _, m := range measuresOf(s.Run.Scenario) {
		if t := s.times[m.String()]; t != nil {
			all = append(all, t.spread(m.String()))
		}
	}
	return all
}

// measure is a step, or a process, whose duration an expectation judges.
type measure struct {
	of      string
	process bool
}

func (m measure) String() string {
	if m.process {
		return "process " + m.of
	}
	return m.of
}

// measuresOf returns the measures of a scenario, each once.
func measuresOf(s *language.Scenario) []measure {
	var all []measure
	for i := range s.Expect {
		var m measure
		switch e := &s.Expect[i]; {
		case e.Step != nil && e.Step.Took != nil:
			m.of = string(e.Step.Step)
		case e.Process != nil && e.Process.Took != nil:
			m = measure{e.Process.Process, true}
		}
		if m.of != "" && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// each calls took with each duration of the measure in a run. It counts as the expectation does.
func (m measure) each(r *Result, took func(time.Duration)) {
	actor, id, n := language.StepRef(m.of).Split()
	is := func(a, step string, nth int) bool {
		return a == actor && step == id && (n == 0 || n == nth)
	}
	if st := r.Scenario.Step(actor, id); m.process && st != nil && st.Op.Start != nil {
		for _, p := range r.Trace.Programs() {
			began := &r.Trace.Events[p.Started]
			if a := began.Program; p.Ended >= 0 && is(a.Actor, a.Step, a.N) {
				took(r.Trace.Events[p.Ended].T - began.T)
			}
		}
		return
	}
	for i := range r.Trace.Events {
		switch e := &r.Trace.Events[i]; {
		case m.process && e.Process != nil && e.Process.Actor == m.of:
			took(e.T - r.Trace.Started())
		case e.Step != nil && e.Step.Problem == "" && is(e.Step.Actor, e.Step.ID, e.Step.N):
			took(e.T - e.Step.Began)
		}
	}
}
