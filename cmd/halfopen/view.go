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
	close(results []suite.Result, sum summary) error
}

// summary is what the end of all has to say besides the results.
type summary struct {
	seed    uint64
	leftOut string
	out     string
}

// newView returns the view that the flags ask for.
func newView(f *runFlags, runs int, out, errs io.Writer) view {
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
			Total:   runs,
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

func (v *prettyView) End(r *suite.Result) {
	if r.Status == suite.Canceled {
		v.watcher(&r.Run).Done(false, fmt.Sprintf("STOP  %s: canceled after %s", r.ID(), seconds(r.Took)))
		return
	}
	text := report.Line(r, v.look)
	if details := report.Details(r, v.look); details != "" {
		text += "\n" + details
	}
	v.watcher(&r.Run).Done(r.Status == suite.Fail || r.Status == suite.Error, text)
}

func (v *prettyView) close(results []suite.Result, sum summary) error {
	v.progress.Close()
	all, stopped := finished(results)
	done := all
	switch columns := kernelsOf(results); {
	case len(columns) > 1:
		fmt.Fprintf(v.out, "\n%s", report.Matrix(done, columns, v.look))
	case len(done) > 1:
		// Each has had its line already: of many, a second one is for those to be looked at.
		if len(done) > mostInTable {
			done = slices.DeleteFunc(slices.Clone(done), func(r *suite.Result) bool { return r.Status == suite.Pass })
		}
		if len(done) > 0 {
			fmt.Fprintf(v.out, "\n%s", report.Table(done, v.look))
		}
	}
	fmt.Fprintf(v.out, "\n%s; seed %d\n", report.Summary(all, time.Since(v.began), v.look), sum.seed)
	if stopped > 0 {
		fmt.Fprintf(v.out, "interrupted: %d of %d %s canceled or never begun\n", stopped, len(results), plural(len(results), "run was", "runs were"))
	}
	if sum.out != "" {
		fmt.Fprintf(v.out, "trace, capture and verdict of each run are in %s; halfopen inspect draws them\n", sum.out)
	}
	if slices.ContainsFunc(results, failedInSlowTime) {
		fmt.Fprintln(v.out, "in real time, an emulated or busy virtual machine may be too slow for what is expected; --warp has exact times")
	}
	_, err := io.WriteString(v.out, lineOf(sum.leftOut))
	return err
}

// failedInSlowTime reports whether a run failed that took place in a virtual machine and in real time.
func failedInSlowTime(r suite.Result) bool {
	return r.Status == suite.Fail && r.Place.Virtual() && !r.Place.Warp
}

// kernelsOf returns the kernels that runs took place on, in the order of the runs.
func kernelsOf(results []suite.Result) []string {
	var columns []string
	same := map[string]bool{}
	for i := range results {
		r := &results[i]
		// Long runs that were warped on another kernel for want of time make no comparison; the same run on two does.
		same[r.ID()] = same[r.ID()] || slices.ContainsFunc(results[:i], func(o suite.Result) bool { return o.ID() == r.ID() })
		if c := r.Place.KernelName(); !slices.Contains(columns, c) {
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

// finished returns the results of runs that came to their end, and the number of those that did not.
func finished(results []suite.Result) ([]*suite.Result, int) {
	var done []*suite.Result
	for i := range results {
		if results[i].Ended() {
			done = append(done, &results[i])
		}
	}
	return done, len(results) - len(done)
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

func (v *jsonView) End(r *suite.Result) {
	if r.Status == suite.Canceled {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = report.WriteJSON(v.out, r)
	}
}

func (v *jsonView) close(results []suite.Result, sum summary) error {
	if _, stopped := finished(results); stopped > 0 {
		fmt.Fprintf(v.errs, "interrupted: %d of %d %s canceled or never begun\n", stopped, len(results), plural(len(results), "run was", "runs were"))
	}
	fmt.Fprint(v.errs, lineOf(sum.leftOut))
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
