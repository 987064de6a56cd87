package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"halfopen/scenarios"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|DIR...",
		Short: "Validate scenario files without running them",
		Long: `Validate scenario files without running them: every mistake of every file is printed as file:line:col: message. The exit
status is 2 if there is one.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			paths, err := scenarioPaths(args)
			if err != nil {
				return err
			}
			bad := 0
			for _, path := range paths {
				line, err := check(path)
				if err != nil {
					bad++
					fmt.Fprintln(cmd.ErrOrStderr(), err)
					continue
				}
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			if bad > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d %s wrong\n", bad, len(paths), plural(len(paths), "file", "files"))
				return &statusError{status: statusUsage}
			}
			return nil
		},
	}
}

// check validates one file and says in a line what is in it.
func check(path string) (string, error) {
	f, err := scenarios.Load(path)
	if err != nil {
		return "", err
	}
	runs, err := f.Expand(nil)
	if err != nil {
		return "", err
	}
	if err := planAll(runs); err != nil {
		return "", err
	}
	longest := time.Duration(0)
	for _, s := range runs {
		longest = max(longest, s.Estimate())
	}
	return fmt.Sprintf("%s: ok: %d %s (%s), the longest about %s", path,
		len(runs), plural(len(runs), "run", "runs"), families(f.IP), seconds(longest)), nil
}

func families(ip []scenarios.Family) string {
	words := make([]string, len(ip))
	for i, f := range ip {
		words[i] = string(f)
	}
	return strings.Join(words, " ")
}

// seconds writes a duration as a person would: to a tenth of a second below ten, in whole seconds below 1000.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < 1000*time.Second:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
