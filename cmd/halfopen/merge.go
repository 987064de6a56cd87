package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

// mergeFlags are the flags of merge.
type mergeFlags struct {
	out     string
	format  string
	reports []string
	verbose bool
}

func newMerge() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge DIR|FILE...",
		Short: "Join the results of the shards of a suite",
		Long: `Join what the shards of a suite stored (halfopen run --shard), and report it as
if one machine had run all of it. An argument is a directory of --out, or a file
of records of --report json. A ladder is drawn where a directory has the trace.

All shards must be there, once, with the same plan: the same runs, seed, kernels
and version of halfopen. Otherwise, and if the records of one are cut off or of
another schema, or its evidence was changed, the exit status is 2 and nothing is
written.

The exit status is the worst of those of the shards: interrupted, failed, wrong,
not able to run, passed.`,
		Example: `  halfopen merge shard-1 shard-2 --report junit=junit.xml
  halfopen merge shards/* --out evidence`,
		Args: some("directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return merge(ctx, args, &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "store the evidence of all shards below this `DIR`, a new one; in one file if it ends in .tgz")
	flags.StringVar(&f.format, "format", report.Formats[0].Name,
		"write the results in this `FORMAT`: "+report.FormatNames())
	flags.StringArrayVar(&f.reports, "report", nil,
		"also write the results to a file: `FORMAT=PATH`, or github; may be repeated")
	flags.BoolVarP(&f.verbose, "verbose", "v", false,
		"also print the ladder and the verdicts of passed runs")
	register(cmd, map[string]cobra.CompletionFunc{"format": completeFormat, "report": completeReport})
	return cmd
}

func merge(ctx context.Context, args []string, f *mergeFlags, out, errs io.Writer) error {
	format, err := formatOf(f.format)
	if err != nil {
		return err
	}
	reports, err := parseReports(f.reports, false)
	if err != nil {
		return err
	}
	// No report grows in place of an older one before everything was read.
	for i := range reports {
		whole := *reports[i].format
		whole.Grows = false
		reports[i].format = &whole
	}
	parts, done, err := partsOf(ctx, args)
	if err != nil {
		return err
	}
	defer done()
	m, err := suite.Merge(parts)
	if err != nil {
		return &statusError{statusUsage, err}
	}
	var stored func(suite.Part, string) (string, error)
	var index *outIndex
	if f.out != "" {
		if err := m.Store(ctx, f.out); err != nil {
			return readingError(ctx, fmt.Errorf("--out: %w", err))
		}
		stored = func(_ suite.Part, dir string) (string, error) { return filepath.Join(f.out, dir), nil }
	} else if _, err := m.Run(ctx, nil, nil); err != nil { // before anything is written
		return readingError(ctx, err)
	}
	var files []*reportFile
	var inputs []string
	for i := range parts {
		inputs = append(inputs, parts[i].Records)
	}
	if f.out != "" {
		dir, archive := f.out, ""
		if suite.IsArchive(f.out) {
			dir, archive = archive, dir
		}
		index, err = indexOf(dir, archive)
	}
	if err == nil {
		files, err = openReports(reports, inputs, index)
	}
	if err != nil {
		if f.out != "" {
			err = errors.Join(err, os.RemoveAll(f.out)) // it was empty, or not there
		}
		return err
	}
	defer discard(files)
	for _, note := range m.Notes {
		fmt.Fprintln(errs, "halfopen:", note)
	}
	if m.Absent > 0 {
		fmt.Fprintf(errs, "halfopen: no ladders of %s: the evidence is not there\n", say.Count(m.Absent, "run"))
	}
	output := m.Output()
	output.Out, output.Errs, output.Verbose = out, errs, f.verbose
	suit(&output)
	view := &report.Tee{View: format.New(output)}
	for _, file := range files {
		view.Reports = append(view.Reports, file.report(output, false))
	}
	results, err := m.Run(ctx, view, stored)
	if err != nil {
		return readingError(ctx, err)
	}
	e := m.Ending(&results)
	e.Dir = f.out
	if err := view.Close(results.Kept, e); err != nil {
		return err
	}
	if m.Exit != statusPassed {
		return &statusError{status: m.Exit}
	}
	return nil
}

// partsOf returns the parts that arguments name. done must be called when they have been read.
func partsOf(ctx context.Context, args []string) (parts []suite.Part, done func(), err error) {
	var opened []*stored
	closeAll := func() {
		for _, st := range opened {
			st.close()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	for _, arg := range args {
		st, err := openStored(ctx, arg)
		if err != nil {
			return nil, nil, err
		}
		opened = append(opened, st)
		info, err := os.Stat(st.dir)
		switch {
		case err != nil:
			return nil, nil, usagef("%w", err)
		case !info.IsDir():
			parts = append(parts, suite.Part{Name: arg, Records: arg, Dir: filepath.Dir(arg)})
			continue
		}
		records := filepath.Join(st.dir, result.IndexFile)
		if _, err := os.Stat(records); err != nil {
			return nil, nil, usagef("%s has no %s: want a directory of halfopen run --out", arg, result.IndexFile)
		}
		parts = append(parts, suite.Part{Name: arg, Records: records, Dir: st.dir})
	}
	return parts, closeAll, nil
}
