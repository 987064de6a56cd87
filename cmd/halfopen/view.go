package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"

	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/internal/report"
)

// view tells of runs: while they go on, as each ends, and at the end of all.
type view interface {
	suite.Observer
	// close tells of the end of all.
	close(outcomes []suite.Result, sum summary) error
}

// summary is what the end of all has to say besides the outcomes.
type summary struct {
	seed    uint64
	leftOut string
	out     string
}

// newView returns the view that the flags ask for.
func newView(f *runFlags, todo []suite.Run, out, errs io.Writer) view {
	if f.format == "json" {
		return &jsonView{out: out, errs: errs}
	}
	look := report.LookFor(out)
	look.Verbose = f.verbose
	file, isFile := out.(*os.File)
	return &prettyView{
		out:   out,
		look:  look,
		began: time.Now(),
		progress: report.NewProgress(out, report.ProgressOptions{
			Live:    isFile && term.IsTerminal(int(file.Fd())),
			Color:   look.Color,
			Verbose: f.verbose,
			Total:   len(todo),
		}),
		watchers: map[*suite.Run]*report.Watcher{},
	}
}

// mostInTable is how many results a table lists that all passed.
const mostInTable = 40

// prettyView is for people.
type prettyView struct {
	out      io.Writer
	look     report.Look
	began    time.Time
	progress *report.Progress

	mu       sync.Mutex
	watchers map[*suite.Run]*report.Watcher
}

func (v *prettyView) Begin(t *suite.Run) {
	w := v.progress.Case(t.ID(), t.Scenario)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watchers[t] = w
}

func (v *prettyView) watcher(t *suite.Run) *report.Watcher {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.watchers[t]
}

func (v *prettyView) Event(t *suite.Run, e *trace.Event) { v.watcher(t).Event(e) }

func (v *prettyView) End(o *suite.Result) {
	if o.Status == suite.Canceled {
		v.watcher(&o.Run).Done(false, fmt.Sprintf("STOP  %s: canceled after %s", o.Run.ID(), seconds(o.Took)))
		return
	}
	r := o.Report()
	text := r.Line(v.look)
	if details := r.Details(v.look); details != "" {
		text += "\n" + details
	}
	v.watcher(&o.Run).Done(o.Status == suite.Failed || o.Status == suite.Broken, text)
}

func (v *prettyView) close(outcomes []suite.Result, sum summary) error {
	v.progress.Close()
	all, stopped := finished(outcomes)
	done := all
	switch columns := kernelsOf(outcomes); {
	case len(columns) > 1:
		fmt.Fprintf(v.out, "\n%s", report.Matrix(done, columns, v.look))
	case len(done) > 1:
		// Each has had its line already: of many, a second one is for those to be looked at.
		if len(done) > mostInTable {
			done = slices.DeleteFunc(slices.Clone(done), func(r *report.Result) bool { return r.Status() == "pass" })
		}
		if len(done) > 0 {
			fmt.Fprintf(v.out, "\n%s", report.Table(done, v.look))
		}
	}
	fmt.Fprintf(v.out, "\n%s; seed %d\n", report.Summary(all, time.Since(v.began), v.look), sum.seed)
	if stopped > 0 {
		fmt.Fprintf(v.out, "interrupted: %d of %d %s canceled or never begun\n", stopped, len(outcomes), plural(len(outcomes), "run was", "runs were"))
	}
	if sum.out != "" {
		fmt.Fprintf(v.out, "trace, capture and verdict of each run are in %s; halfopen inspect draws them\n", sum.out)
	}
	if slices.ContainsFunc(outcomes, failedInSlowTime) {
		fmt.Fprintln(v.out, "in real time, an emulated or busy virtual machine may be too slow for what is expected; --warp has exact times")
	}
	_, err := io.WriteString(v.out, lineOf(sum.leftOut))
	return err
}

// failedInSlowTime reports whether a run failed that took place in a virtual machine and in real time.
func failedInSlowTime(o suite.Result) bool {
	return o.Status == suite.Failed && o.Run.Place.Virtual() && !o.Run.Place.Warp
}

// kernelsOf returns the kernels that runs took place on, in the order of the runs.
func kernelsOf(outcomes []suite.Result) []string {
	var columns []string
	same := map[string]bool{}
	for i := range outcomes {
		t := &outcomes[i].Run
		// Long runs that were warped on another kernel for want of time make no comparison; the same run on two does.
		same[t.ID()] = same[t.ID()] || slices.ContainsFunc(outcomes[:i], func(o suite.Result) bool { return o.Run.ID() == t.ID() })
		if c := t.Place.Column(); !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	for _, twice := range same {
		if twice {
			return columns
		}
	}
	return nil
}

// finished returns the outcomes that were not canceled, and the number of those that were.
func finished(outcomes []suite.Result) ([]*report.Result, int) {
	var done []*report.Result
	for i := range outcomes {
		if o := &outcomes[i]; o.Status != suite.Canceled && o.Status != suite.NotRun {
			done = append(done, o.Report())
		}
	}
	return done, len(outcomes) - len(done)
}

func lineOf(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}

// jsonView is for programs: a line of JSON for each run, in the order they end. What is not a run goes to errs.
type jsonView struct {
	errs io.Writer

	mu  sync.Mutex
	out io.Writer
	err error
}

func (v *jsonView) Begin(*suite.Run) {}

func (v *jsonView) Event(*suite.Run, *trace.Event) {}

func (v *jsonView) End(o *suite.Result) {
	if o.Status == suite.Canceled {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = o.Report().WriteJSON(v.out)
	}
}

func (v *jsonView) close(outcomes []suite.Result, sum summary) error {
	if _, stopped := finished(outcomes); stopped > 0 {
		fmt.Fprintf(v.errs, "interrupted: %d of %d %s canceled or never begun\n", stopped, len(outcomes), plural(len(outcomes), "run was", "runs were"))
	}
	fmt.Fprint(v.errs, lineOf(sum.leftOut))
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
