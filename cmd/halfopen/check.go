package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"

	"halfopen/harness/suite"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

func newCheck() *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "check NAME|FILE|DIR...",
		Short: "Validate scenarios without running them",
		Long: `Validate scenarios without running them. Every mistake in every file is printed as
FILE:LINE:COLUMN: MESSAGE, and the exit status is 2 if there is one.

A note is not a mistake and does not change the exit status. Notes name kernel
parameters and counters that the running kernel does not have, but that are
spelled like one that it has (another kernel may have them), and parameters of
the scenario that nothing uses.`,
		Args:              some("scenario"),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := parseSet(set)
			if err != nil {
				return err
			}
			var list []source
			for _, arg := range args {
				list = append(list, toCheck(arg)...)
			}
			bad := 0
			for _, s := range list {
				line, notes, err := s.check(values)
				for _, note := range notes {
					fmt.Fprintln(cmd.ErrOrStderr(), note)
				}
				if err != nil {
					bad++
					fmt.Fprintln(cmd.ErrOrStderr(), err)
					continue
				}
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			if bad > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %s wrong\n", bad, say.Count(len(list), "file"))
				return &statusError{status: statusUsage}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil,
		"set a parameter of the scenarios: `NAME=VALUE`; may be repeated")
	if err := cmd.RegisterFlagCompletionFunc("set", completeSet); err != nil {
		panic(err) // the flag was defined a line above
	}
	return cmd
}

// toCheck returns the scenarios that an argument names. A missing file is a source that fails to
// load, so that the other arguments are still checked.
func toCheck(arg string) []source {
	look := sources
	if _, err := os.Stat(arg); err == nil {
		look = fileSources // a contributor to the library has folders with the names of its folders
	}
	list, err := look(arg)
	if err != nil {
		return []source{{arg, func() (*language.File, error) { return nil, err }}}
	}
	return list
}

// check validates a scenario. line sums up a valid one; notes name what may be a mistake.
func (s *source) check(set map[string]string) (line string, notes []string, err error) {
	f, err := s.load()
	if err != nil {
		return "", nil, err
	}
	for _, problem := range f.Unused() {
		notes = append(notes, fmt.Sprintf("%s: note: %s", problem.Pos, problem.Msg))
	}
	runs, err := f.Expand(set)
	if err != nil {
		return "", notes, err
	}
	notes = append(notes, misspelt(runs)...)
	if err := suite.Check(runs); err != nil {
		return "", notes, err
	}
	longest := time.Duration(0)
	for _, s := range runs {
		longest = max(longest, s.Estimate())
	}
	estimate := "the longest about " + roughly(longest)
	if longest < time.Second {
		estimate = "each " + spread([]time.Duration{longest})
	}
	return fmt.Sprintf("%s: ok: %s (%s), %s", s.name,
		say.Count(len(runs), "run"), families(f.IP), estimate), notes, nil
}

// misspelt returns notes on kernel parameters and counters that the running kernel does not have,
// if it has one with a similar name.
func misspelt(runs []*language.Scenario) []string {
	var notes []string
	add := func(pos language.Pos, what, name, meant string) {
		note := fmt.Sprintf("%s: note: the running kernel has no %s %s (did you mean %s?)",
			pos, what, name, meant)
		if meant != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	for _, s := range runs {
		for _, h := range s.Hosts {
			for _, p := range h.Sysctl {
				if !p.Optional {
					add(p.Pos, "parameter", p.Name, network.NearestSysctl(p.Name))
				}
			}
		}
		for i := range s.Expect {
			if s.Expect[i].Counters == nil {
				continue
			}
			for _, c := range s.Expect[i].Counters.Counters {
				for _, term := range c.Terms() {
					_, name, _ := strings.Cut(term, ".")
					add(c.Pos, "counter", name, misspeltCounter(name, kernelCounters()))
				}
			}
		}
	}
	return notes
}

// kernelCounters are the counters of the running kernel. If they cannot be read, there are no notes
// on counters.
var kernelCounters = sync.OnceValue(func() []string {
	names, _ := kernel.CounterNames()
	return names
})

// icmpType matches counters that exist only after their first count.
var icmpType = regexp.MustCompile(`^(In|Out)Type[0-9]+$`)

// misspeltCounter returns the kernel's counter that is most likely meant by GROUP.NAME: one that
// differs by a letter or two (no more, because names of counters are similar), or one with the same
// name in another group. It is "" if the kernel has GROUP.NAME.
func misspeltCounter(counter string, kernels []string) string {
	group, name, _ := strings.Cut(counter, ".")
	if slices.Contains(kernels, counter) || icmpType.MatchString(name) {
		return ""
	}
	const far = 3
	meant, distance := "", far
	for _, k := range kernels {
		ofGroup, ofName, _ := strings.Cut(k, ".")
		if d := levenshtein.ComputeDistance(ofName, name); ofGroup == group && d < distance {
			meant, distance = k, d
		} else if d == 0 && meant == "" {
			meant = k
		}
	}
	return meant
}

func families(ip []language.Family) string {
	words := make([]string, len(ip))
	for i, f := range ip {
		words[i] = string(f)
	}
	return strings.Join(words, " ")
}

// roughly writes a duration that need not be exact: to a tenth of a second below ten, else in whole
// seconds.
func roughly(d time.Duration) string {
	if d < 10*time.Second {
		return say.Duration(d.Round(100 * time.Millisecond))
	}
	return say.Duration(d.Round(time.Second))
}
