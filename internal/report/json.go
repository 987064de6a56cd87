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
func newJSON(o Output) View {
	v := &jsonView{
		out: o.Out, errs: o.Errs, base: o.Base, logs: newLogs(o, Look{}), began: o.Suite.Began,
		leftOut: len(o.LeftOut), refused: len(o.Refused),
	}
	s := o.Suite
	s.Head, s.Runs = head(SuiteRecord), min(o.Runs, mostCounted)
	v.write(s)
	for i := range o.LeftOut {
		v.write(&o.LeftOut[i])
	}
	for i := range o.Refused {
		v.write(&o.Refused[i])
	}
	return v
}

// jsonView writes records to out, a line each, as things happen. Everything else goes to errs.
type jsonView struct {
	errs             io.Writer
	base             string
	logs             logs
	began            time.Time
	leftOut, refused int

	mu  sync.Mutex
	out io.Writer // mu
	err error     // mu; the first, after which nothing is written
}

func (v *jsonView) write(record any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = encode(v.out, record, "")
	}
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
	all := e.Others.Plus(nil)
	for i := range results {
		all.Add(&results[i])
	}
	s := &Summary{
		Head: head(SummaryRecord), Runs: all.Runs(), Counts: map[string]int{},
		SkippedChecks: all.SkippedChecks, LeftOut: v.leftOut, Refused: v.refused,
		Stopped: e.Stop, Exit: e.Exit, Seconds: time.Since(v.began).Seconds(),
	}
	for status, name := range statuses {
		s.Counts[name] = all.With(status)
	}
	v.write(s)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return fmt.Errorf("writing the records: %w", v.err)
	}
	return nil
}
