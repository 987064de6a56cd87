package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"halfopen/harness/suite/result"
	"halfopen/internal/report"
)

func newInspect() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Draw stored runs, packets and socket states, and judge them again",
		Long: `Draw the ladder and the socket states of each run that halfopen run --out has
stored in or below a directory, and judge the run again by the expectations
stored with it. verdict.json says which trace it is about: if the two, or the
verdicts then and now, do not belong together, that is said. The exit status is
1 if a run fails, or its files do not belong together; 3 if none does, but the
expectations of one were all skipped.

With --format json, each run is a record, as of halfopen run --format json, and
evidence says whether its files belong together.`,
		Args: one("directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := isJSON(format)
			if err != nil {
				return err
			}
			dirs, err := result.Find(args[0])
			if err != nil {
				return &statusError{statusUsage, err}
			}
			if len(dirs) == 0 {
				return usagef(
					"no %s in or below %s; halfopen run --out DIR stores one for each run",
					result.TraceFile, args[0])
			}
			out := cmd.OutOrStdout()
			var results []result.Result
			for i, dir := range dirs {
				if i > 0 && !asJSON {
					fmt.Fprintln(out)
				}
				r, err := result.Load(dir)
				if err != nil {
					return usagef("reading the run stored in %s: %w", dir, err)
				}
				outcome := result.Result{Status: r.Status}
				if len(r.Evidence.Conflicts) > 0 {
					outcome.Status = result.Fail
				}
				results = append(results, outcome)
				if asJSON {
					err = report.WriteInspected(out, r)
				} else {
					_, err = fmt.Fprint(out, report.Inspect(r, report.LookFor(out)))
				}
				if err != nil {
					return err
				}
			}
			if status := statusOfRuns(results, result.Tally{}, suiteEnd{}); status != statusPassed {
				return &statusError{status: status}
			}
			return nil
		},
	}
	formatFlag(cmd, &format)
	return cmd
}
