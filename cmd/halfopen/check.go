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
	"halfopen/internal/code"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

func newCheck() *cobra.Command {
	var set []string
	var format string
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

The file halfopen.yaml of the scenarios, with defaults for run, is checked, too.

The programs that a file runs are listed; what they can do to this machine is in
docs/trust.md. run --no-exec refuses such a file.

With --format json, each finding is a line of JSON, with a code of
docs/codes.md, and so are each file and the summary.

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
			asJSON, err := isJSON(format)
			if err != nil {
				return err
			}
			var list []source
			for _, arg := range args {
				list = append(list, toCheck(arg)...)
			}
			list = append(list, configSources(args)...)
			list = distinct(list)
			results := make([]checked, len(list))
			for i := range list {
				results[i] = list[i].check(values)
			}
			onThisMachine(cmd.Context(), results)
			if asJSON {
				return writeChecked(results, cmd.OutOrStdout())
			}
			return printChecked(results, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	formatFlag(cmd, &format)
	cmd.Flags().StringArrayVar(&set, "set", nil,
		"set a parameter of the scenarios: `NAME=VALUE`; may be repeated")
	register(cmd, map[string]cobra.CompletionFunc{"set": completeSet})
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
	// name is that of the argument, or of the file. file is nil if it could not be read.
	name string
	file *language.File
	// defaults are the flags that a file of defaults sets; nil for a scenario.
	defaults []string
	// notes name what may be a mistake.
	notes []*language.Error
	// programs are those that it runs, longest is the estimate of its longest run.
	programs []language.RunProgram
	longest  time.Duration
	// err has the mistakes, lacking says why this machine cannot run it.
	err     error
	lacking []error
	runs    []*language.Scenario
}

// check validates a scenario, without the machine.
func (s *source) check(set map[string]string) (c checked) {
	c.name = s.name
	if s.defaults {
		c.defaults, c.err = checkConfig(s.name)
		return c
	}
	if c.file, c.err = s.load(); c.err != nil {
		return c
	}
	c.notes = c.file.Notes()
	runs, err := c.file.Expand(set)
	if err != nil {
		c.err = err
		return c
	}
	var ofRuns language.CaseErrors
	for _, r := range runs {
		ofRuns.Add(r, r.Notes()...)
	}
	c.notes = slices.Concat(c.notes, ofRuns.Sorted(), misspelt(runs))
	if c.err = suite.Check(runs); c.err != nil {
		return c
	}
	c.runs = runs
	for _, s := range runs {
		c.longest = max(c.longest, s.Estimate())
	}
	c.programs = programsOf(runs)
	return c
}

// line sums up a valid scenario.
func (c *checked) line() string {
	if c.defaults != nil {
		return fmt.Sprintf("%s: ok: defaults for run: %s", c.name, say.List(c.defaults))
	}
	estimate := "the longest about " + roughly(c.longest)
	if c.longest < time.Second {
		estimate = "each " + spread([]time.Duration{c.longest})
	}
	return fmt.Sprintf("%s: ok: %s (%s), %s", c.name,
		say.Count(len(c.runs), "run"), families(c.file.IP), estimate)
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

// writeChecked writes the results as JSON and returns the status as an error.
func writeChecked(list []checked, out io.Writer) error {
	status := statusPassed
	var all []report.Checked
	for i := range list {
		c := &list[i]
		r := report.Checked{
			Name: c.name, File: c.file, Runs: len(c.runs), Longest: c.longest, Programs: c.programs,
		}
		for _, n := range c.notes {
			r.Findings = append(r.Findings, report.Note(n))
		}
		for _, err := range append(c.lacking, c.err) {
			r.Findings = append(r.Findings, report.Findings(err)...)
		}
		switch {
		case c.err != nil:
			status = statusUsage
		case len(c.lacking) > 0 && status == statusPassed:
			status = statusMissing
		}
		all = append(all, r)
	}
	if err := report.WriteChecked(out, all, status); err != nil {
		return err
	}
	if status != statusPassed {
		return &statusError{status: status}
	}
	return nil
}

// printChecked prints the results and returns the status as an error.
func printChecked(list []checked, out, errs io.Writer) error {
	wrong, lacking := 0, 0
	for _, c := range list {
		for _, n := range c.notes {
			fmt.Fprintln(errs, say.Printable(fmt.Sprintf("%s: note: %s", n.Pos, n.Msg)))
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
			fmt.Fprintln(out, say.Printable(c.line()))
			for _, p := range c.programs {
				fmt.Fprintln(out, "  "+say.Printable(fmt.Sprintf("%s: runs %s", p.Pos, say.Clip(p.Command))))
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
func misspelt(runs []*language.Scenario) []*language.Error {
	var notes []*language.Error
	add := func(c code.Code, pos language.Pos, what, name string, meant spell.Hint) {
		note := &language.Error{Pos: pos, Problem: code.Errorf(c, "%s %s%s", what, name, meant)}
		if !slices.ContainsFunc(notes, func(n *language.Error) bool { return *n == *note }) {
			notes = append(notes, note)
		}
	}
	parameter := func(pos language.Pos, name string) {
		if _, known := sysctl.Find(name); !known && sysctl.HasFolder(name) && !network.HasSysctl(name) {
			add(code.UnknownSysctl, pos, "no known kernel has the sysctl", name,
				didYouMean(sysctl.Nearest(name, sysctl.Namespace)))
		}
	}
	for _, s := range runs {
		for _, h := range s.Hosts {
			for _, p := range h.Sysctl {
				switch known, _ := sysctl.Find(p.Name); {
				case !p.Optional && runtime.GOOS == "linux":
				case known.Scope == sysctl.Machine && p.Optional:
					add(code.UnknownSysctl, p.Pos, "no host has the sysctl", p.Name,
						spell.Hint{Text: ", which is set for the whole machine, not in a namespace"})
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
						add(code.UnknownCounter, c.Pos, "the running kernel has no counter", name, didYouMean(meant))
					}
				}
			}
		}
	}
	return notes
}

// didYouMean returns the hint for a name that may have been meant; an empty one for "".
func didYouMean(name string) spell.Hint {
	if name == "" {
		return spell.Hint{}
	}
	return spell.Hint{Word: name, Text: fmt.Sprintf(" (did you mean %s?)", name)}
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
