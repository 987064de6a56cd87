package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

func newInspect() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect DIR",
		Short: "Draw the ladders and states of stored runs, and judge them again",
		Long: `Draw the ladder and the socket states of the runs stored below a directory by run --out, and judge them again: with the
expectations as they were when the run was stored. The exit status is that of the verdicts.`,
		Args: one("directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dirs, err := storedRuns(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			anyFailed := false
			for i, dir := range dirs {
				if i > 0 {
					fmt.Fprintln(out)
				}
				o, err := loadRun(dir)
				if err != nil {
					return usagef("reading the run stored in %s: %w", dir, err)
				}
				anyFailed = anyFailed || o.Status != suite.Passed
				fmt.Fprint(out, report.Inspect(o.Report(), report.LookFor(out)))
			}
			if anyFailed {
				return &statusError{status: statusFailed}
			}
			return nil
		},
	}
}

// storedRuns returns the directories at and below dir that hold a run, in order.
func storedRuns(dir string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == suite.TraceFile {
			dirs = append(dirs, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		return nil, usagef("looking for stored runs: %w", err)
	}
	if len(dirs) == 0 {
		return nil, usagef("there is no %s in %s or below; run --out DIR stores one a run", suite.TraceFile, dir)
	}
	slices.Sort(dirs)
	return dirs, nil
}

// loadRun reads a stored run and judges it.
func loadRun(dir string) (*suite.Result, error) {
	f, err := os.Open(filepath.Join(dir, suite.TraceFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := trace.Read(f)
	if err != nil {
		return nil, err
	}
	r := t.Run()
	if r == nil || len(r.Source) == 0 {
		return nil, fmt.Errorf("%s does not say which scenario was run", suite.TraceFile)
	}
	var s language.Scenario
	if err := json.Unmarshal(r.Source, &s); err != nil {
		return nil, fmt.Errorf("reading the scenario in %s: %w", suite.TraceFile, err)
	}
	o := &suite.Result{Run: suite.Run{Scenario: &s, Seed: r.Seed}, Trace: t, Dir: dir}
	if _, end := t.End(); end > 0 {
		o.Took = end
	}
	o.Judge()
	return o, nil
}
