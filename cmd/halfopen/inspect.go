package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"halfopen/harness/suite/result"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

func newInspect() *cobra.Command {
	var format string
	var failed bool
	cmd := &cobra.Command{
		Use:   "inspect DIR|FILE.tgz",
		Short: "Draw stored runs, packets and socket states, and judge them again",
		Long: `Draw the ladder and the socket states of each run that halfopen run --out has
stored in or below a directory, and judge the run again by the expectations
stored with it. verdict.json says which trace it is about: if the two, or the
verdicts then and now, do not belong together, that is said. With --failed, only
runs are drawn that failed, broke off or stayed inconclusive, or whose files do
not belong together. The exit status is
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
			return inspect(cmd.Context(), args[0], failed, asJSON, cmd.OutOrStdout())
		},
	}
	formatFlag(cmd, &format)
	cmd.Flags().BoolVar(&failed, "failed", false,
		"only runs that failed, broke off or stayed inconclusive")
	return cmd
}

func inspect(ctx context.Context, path string, failed, asJSON bool, out io.Writer) error {
	st, err := openStored(ctx, path)
	if err != nil {
		return err
	}
	defer st.close()
	dirs, err := result.Find(st.dir)
	if err != nil {
		return &statusError{statusUsage, err}
	}
	if len(dirs) == 0 {
		return usagef("no %s in or below %s; halfopen run --out DIR stores one for each run",
			result.TraceFile, path)
	}
	if failed {
		dirs = result.WithoutAttempts(st.dir, dirs)
	}
	var results []result.Result
	drawn := 0
	for _, dir := range dirs {
		if err := st.ctx.Err(); err != nil {
			return readingError(st.ctx, err)
		}
		r, err := result.Load(dir)
		if err != nil {
			return usagef("reading the run stored in %s: %w", st.name(dir), err)
		}
		r.Dir = st.name(r.Dir)
		outcome := result.Result{Status: r.Status}
		if r.Evidence.Status == result.Error {
			outcome.Status = result.Error // its trace is judged as far as it goes
		}
		if len(r.Evidence.Conflicts) > 0 {
			outcome.Status = result.Fail
		}
		results = append(results, outcome)
		if failed && !outcome.Failed() {
			continue
		}
		drawn++
		if err := writeInspected(out, r, drawn == 1, asJSON); err != nil {
			return err
		}
	}
	if drawn == 0 && !asJSON {
		fmt.Fprintf(out, "none of the %s stored in %s failed\n", say.Count(len(dirs), "run"), say.Printable(path))
	}
	if status := statusOfRuns(results, result.Tally{}, suiteEnd{}); status != statusPassed {
		return &statusError{status: status}
	}
	return nil
}

// writeInspected writes a stored run, after others unless it is the first.
func writeInspected(out io.Writer, r *result.Result, first, asJSON bool) error {
	if asJSON {
		return report.WriteInspected(out, r)
	}
	if !first {
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, report.Inspect(r, report.LookFor(out)))
	if r.Failed() || r.Evidence.Status == result.Error {
		fmt.Fprintf(out, "\n  %s\n", say.ShellLine("halfopen", "rerun", r.Dir))
	}
	return nil
}
