package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"halfopen/internal/pattern"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/say"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

func newCheck() *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "check NAME|FILE|DIR|-...",
		Short: "Validate scenarios without running them",
		Long: `Validate scenarios without running them. Every mistake in every file is printed
as FILE:LINE:COLUMN: MESSAGE, and the exit status is 2 if there is one. - is the
standard input.

On Linux, the kernel parameters (sysctls) that hosts and steps set are tried in
new namespaces. A value that the kernel refuses is a mistake. If a namespace of
this machine does not have a parameter, or the machine does not have a program
that the scenario needs, and nothing is wrong, the exit status is 3.

The programs that a file runs are listed; what they can do to this machine is in
docs/trust.md. run --no-exec refuses such a file.

A note does not change the exit status. Notes name counters that are spelled
like one that the running kernel has, sysctls of "where" and of names ending in
? that no known kernel has, parameters of the scenario that nothing uses, a
scenario whose name is not that of its file, and a client that may connect
before its server listens.`,
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
			list = distinct(list)
			results := make([]checked, len(list))
			for i := range list {
				results[i] = list[i].check(values)
			}
			onThisMachine(cmd.Context(), results)
			return printChecked(results, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil,
		"set a parameter of the scenarios: `NAME=VALUE`; may be repeated")
	if err := cmd.RegisterFlagCompletionFunc("set", completeSet); err != nil {
		panic(err) // the flag was defined a line above
	}
	return cmd
}

// toCheck returns the scenarios that an argument names.
func toCheck(arg string) []source {
	look := sources
	if _, err := os.Stat(arg); err == nil && arg != standardInput {
		look = fileSources // a contributor to the library has folders with the names of its folders
	}
	list, err := look(arg)
	if err != nil {
		return []source{missing(arg, err)}
	}
	return list
}

// checked is a scenario that was checked.
type checked struct {
	// line sums up a valid scenario; notes name what may be a mistake.
	line  string
	notes []string
	// programs are lines that name the programs it runs.
	programs []string
	// err has the mistakes, lacking says why this machine cannot run it.
	err     error
	lacking []error
	runs    []*language.Scenario
}

// check validates a scenario, without the machine.
func (s *source) check(set map[string]string) (c checked) {
	f, err := s.load()
	if err != nil {
		return checked{err: err}
	}
	notes := func(list []*language.Error) {
		for _, n := range list {
			c.notes = append(c.notes, fmt.Sprintf("%s: note: %s", n.Pos, n.Msg))
		}
	}
	notes(f.Notes())
	runs, err := f.Expand(set)
	if err != nil {
		c.err = err
		return c
	}
	var ofRuns language.CaseErrors
	for _, r := range runs {
		ofRuns.Add(r, r.Notes()...)
	}
	notes(ofRuns.Sorted())
	c.notes = append(c.notes, misspelt(runs)...)
	if c.err = suite.Check(runs); c.err != nil {
		return c
	}
	c.runs = runs
	longest := time.Duration(0)
	for _, s := range runs {
		longest = max(longest, s.Estimate())
	}
	estimate := "the longest about " + roughly(longest)
	if longest < time.Second {
		estimate = "each " + spread([]time.Duration{longest})
	}
	c.line = fmt.Sprintf("%s: ok: %s (%s), %s", s.name,
		say.Count(len(runs), "run"), families(f.IP), estimate)
	for _, p := range programsOf(runs) {
		c.programs = append(c.programs, fmt.Sprintf("%s: runs %s", p.Pos, say.Clip(p.Command)))
	}
	return c
}

// onThisMachine adds what only the machine can say: which programs and kernel parameters it does not
// have, and which values its kernel refuses.
func onThisMachine(ctx context.Context, list []checked) {
	var runs []*language.Scenario
	var of []*checked
	for i := range list {
		for _, r := range list[i].runs {
			runs, of = append(runs, r), append(of, &list[i])
		}
	}
	said := map[string]bool{}
	for i, s := range runs {
		if runtime.GOOS != "linux" {
			break
		}
		if err := harness.CheckNeeds(s); err != nil && !said[err.Error()] {
			said[err.Error()] = true
			of[i].lacking = append(of[i].lacking, err)
		}
	}
	for i, problems := range harness.CheckSysctls(ctx, runs) {
		for _, err := range problems {
			if said[err.Error()] {
				continue // another case has the same
			}
			said[err.Error()] = true
			var refused *inject.RefusedError
			if errors.As(err, &refused) {
				of[i].err = errors.Join(of[i].err, err)
			} else {
				of[i].lacking = append(of[i].lacking, err)
			}
		}
	}
}

// printChecked prints the results and returns the status as an error.
func printChecked(list []checked, out, errs io.Writer) error {
	wrong, lacking := 0, 0
	for _, c := range list {
		for _, note := range c.notes {
			fmt.Fprintln(errs, say.Printable(note))
		}
		for _, err := range c.lacking {
			fmt.Fprintln(errs, say.ErrorLines(err))
		}
		switch {
		case c.err != nil:
			wrong++
			fmt.Fprintln(errs, say.ErrorLines(c.err))
		case len(c.lacking) > 0:
			lacking++
		default:
			fmt.Fprintln(out, say.Printable(c.line))
			for _, p := range c.programs {
				fmt.Fprintln(out, "  "+say.Printable(p))
			}
		}
	}
	if lacking > 0 {
		fmt.Fprintf(errs, "%d of %s cannot run on this machine\n",
			lacking, say.Count(len(list), "file"))
	}
	if wrong > 0 {
		fmt.Fprintf(errs, "%d of %s wrong\n", wrong, say.Count(len(list), "file"))
		return &statusError{status: statusUsage}
	}
	if lacking > 0 {
		return &statusError{status: statusMissing}
	}
	return nil
}

// misspelt returns notes on kernel parameters that no known kernel has, and on counters that the
// running kernel does not have, if it has one with a similar name. Parameters that a host must have
// are left to [onThisMachine].
func misspelt(runs []*language.Scenario) []string {
	var notes []string
	add := func(pos language.Pos, what, name, meant string) {
		note := fmt.Sprintf("%s: note: %s %s%s", pos, what, name, meant)
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	parameter := func(pos language.Pos, name string) {
		if _, known := sysctl.Find(name); !known && sysctl.HasFolder(name) && !network.HasSysctl(name) {
			meant := sysctl.Nearest(name, sysctl.Namespace)
			if meant != "" {
				meant = fmt.Sprintf(" (did you mean %s?)", meant)
			}
			add(pos, "no known kernel has the sysctl", name, meant)
		}
	}
	for _, s := range runs {
		for _, h := range s.Hosts {
			for _, p := range h.Sysctl {
				switch known, _ := sysctl.Find(p.Name); {
				case !p.Optional && runtime.GOOS == "linux":
				case known.Scope == sysctl.Machine && p.Optional:
					add(p.Pos, "no host has the sysctl", p.Name,
						", which is set for the whole machine, not in a namespace")
				default:
					parameter(p.Pos, p.Name)
				}
			}
		}
		for i := range s.Expect {
			if w := s.Expect[i].Where; w != nil {
				for name := range w.Conditions() {
					parameter(s.Expect[i].Pos, name)
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
					if meant := misspeltCounter(name, kernelCounters()); meant != "" {
						add(c.Pos, "the running kernel has no counter", name,
							fmt.Sprintf(" (did you mean %s?)", meant))
					}
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
var icmpType = pattern.New(`^(In|Out)Type[0-9]+$`)

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
