package report

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// newJSON returns the view for programs.
func newJSON(o Output) View { return &jsonView{newLines(o), o.Errs, o.Base, newLogs(o, Look{})} }

// jsonView writes records as things happen. Everything else goes to errs.
type jsonView struct {
	*lines
	errs io.Writer
	base string
	logs logs
}

func (v *jsonView) Begin(r *result.Run) { v.write(&Begun{head(BegunRecord), about(r)}) }

func (v *jsonView) Event(r *result.Run, e *trace.Event) { v.logs.event(r, e, v.Say) }

func (v *jsonView) End(r *result.Result) {
	if r.Status == result.Canceled {
		v.write(&Canceled{
			Head: head(CanceledRecord), About: about(&r.Run), Started: r.Started,
			Seconds: r.Took.Seconds(), Dir: v.dir(r.Dir),
		})
		return
	}
	rec := NewRecord(r)
	rec.Dir = v.dir(rec.Dir)
	if v.base != "" && len(rec.Attempts) > 0 {
		attempts := append([]result.Attempt(nil), rec.Attempts...)
		for i := range attempts {
			attempts[i].Dir = v.dir(attempts[i].Dir)
		}
		rec.Attempts = attempts
	}
	v.write(rec)
}

// dir returns the path of a directory as records have it: relative to the base, if there is one.
func (v *jsonView) dir(dir string) string {
	if dir == "" || v.base == "" {
		return dir
	}
	rel, err := filepath.Rel(v.base, dir)
	if err != nil {
		return dir
	}
	return filepath.ToSlash(rel)
}

// Say writes a line to the errors.
func (v *jsonView) Say(line string) { fmt.Fprintln(v.errs, line) }

func (v *jsonView) Close(results []result.Result, e Ending) error {
	fmt.Fprint(v.errs, remedy(results), e.early(results), lineOf(e.LeftOut))
	return v.end(results, e)
}

// lines writes records, a line each. It is safe for concurrent use.
type lines struct {
	began            time.Time
	leftOut, refused int

	mu  sync.Mutex
	out io.Writer // mu
	err error     // mu; the first, after which nothing is written
}

// newLines writes the records of what is known before any run.
func newLines(o Output) *lines {
	l := &lines{
		began: o.Suite.Began, leftOut: len(o.LeftOut), refused: len(o.Refused), out: o.Out,
	}
	s := o.Suite
	s.Head, s.Runs = head(SuiteRecord), min(o.Runs, mostCounted)
	l.write(s)
	for i := range o.LeftOut {
		l.write(&o.LeftOut[i])
	}
	for i := range o.Refused {
		l.write(&o.Refused[i])
	}
	return l
}

func (l *lines) write(record any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = encode(l.out, record, "")
	}
}

// end writes the summary, and returns the first error of all lines.
func (l *lines) end(results []result.Result, e Ending) error {
	for i := range e.Rest {
		r := &e.Rest[i]
		l.write(&NotRun{head(NotRunRecord), about(&r.Run), min(r.Times, mostCounted), min(r.All, mostCounted)})
	}
	all := e.Others.Plus(nil)
	for i := range results {
		all.Add(&results[i])
	}
	s := &Summary{
		Head: head(SummaryRecord), Runs: min(all.Runs(), mostCounted), Counts: countsOf(&all),
		SkippedChecks: all.SkippedChecks, LeftOut: l.leftOut, Refused: l.refused,
		Repeated: NewRepetitions(e.Repeated), Stopped: e.Stop, Exit: e.Exit, Seconds: e.took(l.began).Seconds(),
	}
	l.write(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("writing the records: %w", l.err)
	}
	return nil
}
