package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// rerunFlags are the flags of rerun.
type rerunFlags struct {
	failed   bool
	jobs     int
	out      string
	noExec   bool
	once     bool
	blind    bool
	verbose  bool
	writable []string
}

func newRerun() *cobra.Command {
	var f rerunFlags
	cmd := &cobra.Command{
		Use:   "rerun DIR|FILE",
		Short: "Do stored runs again, and compare what came of them",
		Long: `Do each run that halfopen run --out has stored in or below a directory again,
from the evidence alone: the same scenario, case, parameters, seed and kernel.
The scenario is that of the evidence, whatever became of its file. FILE is one
of the files of a stored run.

At the end a line for each run says whether the outcome is the same: the status,
and what became of each expectation.

Exit status: 0 every outcome is the same, also if it is a failure; 1 one is
different; 2 the evidence cannot be read, or its scenario is not the one that
was run; 3 this machine cannot do a run again, and nothing else is different;
130 interrupted.`,
		Example: `  halfopen rerun evidence/my/v4
  halfopen rerun evidence --failed`,
		Annotations: onlyLinux,
		Args:        one("directory or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return rerun(cmd.Context(), args[0], &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.failed, "failed", false, "only runs that failed, broke off or stayed inconclusive")
	flags.IntVar(&f.jobs, "jobs", suite.Jobs(), "do up to `N` runs at once, which mostly wait; fewer while the machine is late")
	flags.StringVar(&f.out, "out", "", "store the new runs below this `DIR`, which is another one")
	flags.BoolVar(&f.once, "no-repeat", false, "leave inconclusive runs as they are")
	flags.BoolVar(&f.blind, "no-tracepoints", false, "leave the kernel's tracepoints alone")
	flags.BoolVar(&f.noExec, "no-exec", false, "refuse scenarios that run programs")
	flags.StringArrayVar(&f.writable, "writable", nil,
		"let programs of the scenario write to this `DIR` of the machine; may be repeated")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "also print the ladder and the verdicts of passed runs")
	return cmd
}

func rerun(ctx context.Context, path string, f *rerunFlags, out, errs io.Writer) error {
	if f.jobs < 1 {
		return usagef("--jobs %d: want 1 or more", f.jobs)
	}
	writable, err := openTo(f.writable)
	if err != nil {
		return err
	}
	was, runs, err := storedRuns(ctx, path, f.failed)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		fmt.Fprintf(out, "no run that is stored in %s failed\n", say.Printable(path))
		return nil
	}
	var cases []*language.Scenario
	for i := range runs {
		cases = append(cases, runs[i].Scenario)
	}
	if f.noExec {
		if err := refusePrograms(cases); err != nil {
			return err
		}
	}
	namePrograms(cases, errs)
	store, err := openOut(f.out, path)
	if err != nil {
		return err
	}
	defer store.close()
	o := suite.Options{
		Jobs: f.jobs, Dir: store.path(), DirName: f.out, NoRepeat: f.once, NoTracepoints: f.blind, Writable: writable,
	}
	if slices.ContainsFunc(runs, func(r suite.Run) bool { return r.Place.Virtual() }) {
		o.Kernels = []string{suite.Running} // a case may be stored of several kernels
	}
	s, err := suite.Again(runs, o)
	if err != nil {
		return err
	}
	if _, err := store.find(false); err != nil {
		return err
	}
	if err := store.begin(); err != nil {
		return err
	}
	output := report.Output{
		Out: out, Errs: errs, Verbose: f.verbose, Runs: len(runs), Suite: suiteRecord(runs[0].Seed, nil, suite.Shard{}),
	}
	view := &comparing{
		Tee: report.Tee{View: report.Formats[0].New(output)}, was: was, all: make([]compared, len(runs)),
	}
	for i := range runs {
		view.all[i].id = runs[i].ID()
	}
	if store != nil {
		view.Reports = append(view.Reports, store.report(output))
	}
	ctx, stop := interruptible(ctx, ending{
		first:  func() { view.Say("halfopen: interrupted; the runs end now, Ctrl-C again kills them") },
		second: func() { fmt.Fprintln(errs, "\nhalfopen: killed") },
	})
	defer stop()
	results, undone := s.Run(ctx, view)
	status := view.exit()
	if undone != nil {
		status = max(status, statusFailed)
	}
	if err := view.Close(results.Kept, report.Ending{
		Seed: runs[0].Seed, Exit: status, Others: results.Others, Dir: f.out,
	}); err != nil {
		return err
	}
	fmt.Fprint(out, "\n"+view.text())
	if status != statusPassed || undone != nil {
		return &statusError{status, undone}
	}
	return nil
}

// storedRuns reads the runs stored in a directory, or the one that a file is of. was has their outcomes,
// without traces.
func storedRuns(ctx context.Context, path string, failed bool) (was []result.Result, runs []suite.Run, err error) {
	st, err := openStored(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer st.close()
	defer func() {
		if err != nil {
			err = readingError(st.ctx, err)
		}
	}()
	dirs, err := findStored(st.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, dir := range dirs {
		if err := st.ctx.Err(); err != nil {
			return nil, nil, err
		}
		r, err := result.Load(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the run stored in %s: %w", st.name(dir), err)
		}
		for _, text := range r.Evidence.Conflicts {
			return nil, nil, fmt.Errorf("the run stored in %s cannot be compared: %s", st.name(dir), text)
		}
		asStored(r)
		if failed && !r.Failed() {
			continue
		}
		again, err := suite.Stored(r)
		if err != nil {
			return nil, nil, err
		}
		r.Trace = nil
		was, runs = append(was, *r), append(runs, again)
	}
	return was, runs, nil
}

// findStored returns the directories of the runs stored in or below a directory, or of the run that a
// file is of, without the attempts before the last.
func findStored(path string) ([]string, error) {
	if filepath.Base(path) == result.TraceFile || filepath.Base(path) == result.VerdictFile {
		path = filepath.Dir(path)
	}
	dirs, err := result.Find(path)
	if err != nil {
		return nil, err
	}
	dirs = result.WithoutAttempts(path, dirs)
	if len(dirs) == 0 {
		return nil, fmt.Errorf("no %s in or below %s; halfopen run --out DIR stores one for each run",
			result.TraceFile, path)
	}
	return dirs, nil
}

// asStored gives a result the status that it had, if it broke off: its trace is judged as far as it goes.
func asStored(r *result.Result) {
	if r.Evidence.Status == result.Error || r.Evidence.Status == result.Canceled {
		r.Status, r.Verdicts = r.Evidence.Status, nil
	}
}

// comparing is a view that compares what comes of runs with what came of them before.
type comparing struct {
	report.Tee
	was []result.Result
	// all has what came of each run, by its index.
	all []compared
}

// compared is a run that was done again.
type compared struct {
	id      string
	ended   bool
	status  suite.Status
	differs []string
}

// End compares a run.
func (v *comparing) End(r *result.Result) {
	c := &v.all[r.Index]
	if c.ended = r.Ended(); c.ended {
		c.status, c.differs = r.Status, result.Differences(&v.was[r.Index], r)
	}
	v.Tee.End(r)
}

// exit returns the exit status.
func (v *comparing) exit() int {
	status := statusPassed
	for _, c := range v.all {
		switch {
		case !c.ended:
			return statusCanceled
		case len(c.differs) == 0:
		case c.status != suite.Skip:
			status = statusFailed
		case status == statusPassed:
			status = statusMissing
		}
	}
	return status
}

// text says for each run whether its outcome is the one that it had.
func (v *comparing) text() string {
	var b strings.Builder
	for _, c := range v.all {
		id := say.Printable(c.id)
		switch {
		case !c.ended:
			fmt.Fprintf(&b, "stopped    %s\n", id)
		case len(c.differs) == 0:
			fmt.Fprintf(&b, "same       %s: %s, as before\n", id, c.status)
		}
		for _, d := range c.differs {
			fmt.Fprintf(&b, "different  %s: %s\n", id, say.Printable(d))
		}
	}
	return b.String()
}
