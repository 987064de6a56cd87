package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"halfopen/harness/suite"
	"halfopen/inject"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

func newShow() *cobra.Command {
	var set, cases []string
	cmd := &cobra.Command{
		Use:   "show NAME|FILE|-",
		Short: "Explain a scenario: hosts, steps, faults, expectations, commands",
		Long: `Explain a scenario without running it: what it teaches, its hosts and their
addresses, the steps of its actors, its faults with the mechanism that carries
each of them out and why, and its expectations. The last section has the
commands with which you could build the lab and the faults by hand, as root. Of
a scenario with cases, the first case is shown, or the one given by --case. - is
the standard input.`,
		Example:           "  halfopen show syn-retry-backoff\n  halfopen show syn-retry-backoff --case retries=5",
		Args:              one("scenario"),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			params, err := parseSet(set)
			if err != nil {
				return err
			}
			files, err := find(args[0])
			if err != nil {
				return &statusError{statusUsage, err}
			}
			if len(files) != 1 {
				return usagef("%s has %d scenarios: name one of them", args[0], len(files))
			}
			runs, err := files[0].Expand(params)
			if err != nil {
				return &statusError{statusUsage, err}
			}
			picked, err := suite.Pick(runs, cases...)
			if err != nil {
				return &statusError{statusUsage, err}
			}
			out := cmd.OutOrStdout()
			p := &page{
				w: out, width: min(report.Width(out, 100), 120), color: report.Colors(out),
				ascii: !report.UTF8(),
			}
			return show(p, files[0], runs, picked[0])
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil,
		"set a parameter of the scenario: `NAME=VALUE`; may be repeated")
	cmd.Flags().StringArrayVar(&cases, "case", nil,
		"show this case: its `LABEL`, a parameter NAME=VALUE, v4 or v6")
	for name, complete := range map[string]cobra.CompletionFunc{
		"case": completeCase, "set": completeSet,
	} {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag was defined a few lines above
		}
	}
	return cmd
}

// show writes s, one of the runs of a scenario.
func show(p *page, f *language.File, runs []*language.Scenario, s *language.Scenario) error {
	topology, plan, err := suite.Plan(s)
	var lacking *inject.MissingError
	if err != nil && !errors.As(err, &lacking) {
		return &statusError{statusUsage, err}
	}

	p.line("%s", p.paint(bold, s.ID()))
	p.wrap("", "", s.Title)
	p.line("")
	if s.Teaches != "" {
		p.teach(s.Teaches)
		p.line("")
	}
	if len(runs) > 1 {
		var labels []string
		for _, r := range runs {
			label := strings.TrimPrefix(strings.TrimPrefix(r.ID(), r.Name), " ")
			labels = append(labels, label+" ("+spread([]time.Duration{r.Estimate()})+")")
		}
		p.section("Runs")
		p.wrap("  ", "  ", strings.Join(labels, ", "))
		p.line("")
	}
	showParams(p, f, s)
	if needs := needed(s); needs != "" {
		p.section("Programs that it needs")
		p.wrap("  ", "  ", printable(needs))
		p.line("")
	}
	showHosts(p, s, topology)
	showActors(p, s)
	showFaults(p, s, plan, err)
	showWatched(p, s)
	showExpectations(p, s)
	showUnproven(p, s)
	if plan != nil {
		showCommands(p, topology, plan)
	}
	p.line("Run it: halfopen run %s", runArgs(f, s))
	return p.err
}

// runArgs are the arguments of halfopen run for the case of s.
func runArgs(f *language.File, s *language.Scenario) string {
	args := f.Name
	if f.Folder == "" {
		args = say.ShellWord(f.Path)
	}
	if s.Case != "" {
		args += " --case " + say.ShellWord(s.Case)
	}
	return args
}

// showParams lists the parameters that --set can usefully set, and then those that only
// expectations use.
func showParams(p *page, f *language.File, s *language.Scenario) {
	knobs := f.Knobs()
	expected := slices.DeleteFunc(slices.Clone(f.Params),
		func(name string) bool { return slices.Contains(knobs, name) })
	if len(knobs) > 0 {
		p.section("Parameters, for --set NAME=VALUE")
		showValues(p, f, s, knobs)
	}
	if len(expected) > 0 {
		p.section("Parameters of the expectations; with =, computed from others")
		showValues(p, f, s, expected)
	}
}

// showValues lists parameters with their value in this run, the expression that it is computed
// from, and their values in other cases.
func showValues(p *page, f *language.File, s *language.Scenario, names []string) {
	width, values := 0, 0
	for _, name := range names {
		width, values = max(width, len(name)), max(values, say.Width(printable(s.Params[name])))
	}
	for _, name := range names {
		value, ok := s.Params[name]
		if !ok {
			value = "-"
		}
		other := ""
		written, isDefault := f.Default(name)
		made := isDefault && strings.Contains(written, "${") && written != value
		var elsewhere []string
		for _, v := range f.Values(name) {
			if v != value && (!made || v != written) {
				elsewhere = append(elsewhere, v)
			}
		}
		switch {
		case made && len(elsewhere) > 0:
			other = "  = " + written + " (in other cases " + strings.Join(elsewhere, ", ") + ")"
		case made:
			other = "  = " + written
		case len(elsewhere) > 0:
			other = "  (in other cases " + strings.Join(elsewhere, ", ") + ")"
		}
		p.item(name, width, strings.TrimRight(fill(value, min(values, 16))+printable(other), " "))
	}
	p.line("")
}

func showHosts(p *page, s *language.Scenario, topology *network.Topology) {
	p.section("Hosts")
	width := 0
	for _, h := range topology.Hosts {
		width = max(width, len(h.Name))
	}
	for _, h := range topology.Hosts {
		var addrs []string
		for _, a := range h.Addrs {
			addrs = append(addrs, a.String())
		}
		text := strings.Join(addrs, ", ")
		if h.Name == language.Wire {
			text += "  the router between the hosts"
		}
		if spec := s.Host(h.Name); spec != nil {
			for _, sc := range spec.Sysctl {
				text += "\n" + sc.Name + " = " + printable(sc.Value)
				if sc.Optional {
					text += " (if the kernel has it)"
				}
			}
		}
		p.item(h.Name, width, text)
	}
	p.line("")
}

func showActors(p *page, s *language.Scenario) {
	p.section("Actors")
	width := 0
	for i := range s.Actors {
		width = max(width, len(s.Actors[i].Name))
	}
	for i := range s.Actors {
		a := &s.Actors[i]
		var steps []string
		if a.Host != "" && a.Host != a.Name {
			steps = append(steps, "(on "+a.Host+")")
		}
		for j := range a.Steps {
			steps = append(steps, printable(a.Steps[j].String()))
		}
		p.item(a.Name, width, strings.Join(steps, "\n"))
	}
	p.line("")
}

func showFaults(p *page, s *language.Scenario, plan *fault.Plan, planErr error) {
	if len(s.Faults) == 0 {
		return
	}
	p.section("Faults")
	width := 0
	for i := range s.Faults {
		width = max(width, len(s.Faults[i].Name))
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		text := printable(f.String())
		if plan != nil {
			planned := plan.Fault(f.Name)
			text += fmt.Sprintf("\nby %s: %s", planned.Mechanism, printable(planned.Why))
		}
		p.item(f.Name, width, text)
	}
	if plan == nil {
		p.wrap("  ", "  ", "The faults cannot be carried out: "+planErr.Error())
	}
	p.line("")
}

// showWatched lists the events that the run watches for.
func showWatched(p *page, s *language.Scenario) {
	events := s.WatchedEvents()
	if len(events) == 0 {
		return
	}
	p.section("Events that the run watches for")
	for _, e := range events {
		p.wrap("  - ", "    ", string(e.Ref())+": "+e.Where)
	}
	p.line("")
}

// showExpectations lists the expectations by the titles that their verdicts have.
func showExpectations(p *page, s *language.Scenario) {
	p.section("Expectations")
	for i := range s.Expect {
		text := s.Expect[i].String()
		if where := s.Expect[i].Where; where != nil {
			text += ", " + where.String()
		}
		p.wrap("  - ", "    ", text)
	}
	p.line("")
}

// showUnproven lists the settings that controls need not prove.
func showUnproven(p *page, s *language.Scenario) {
	if len(s.Control) == 0 {
		return
	}
	p.section("Settings that no expectation needs")
	for i := range s.Control {
		u := &s.Control[i]
		p.wrap("  - ", "    ", u.String()+": "+u.Reason)
	}
	p.line("")
}

func showCommands(p *page, topology *network.Topology, plan *fault.Plan) {
	p.section("The same by hand, as root")
	commands := append([]string{"# with iproute2, procps, ethtool and iptables"},
		topology.Commands()...)
	commands = append(commands, plan.Commands()...)
	var hosts []string
	for _, h := range topology.Hosts {
		hosts = append(hosts, h.Name)
	}
	commands = append(commands,
		"# then run each program: ip netns exec HOST PROGRAM",
		"for host in "+strings.Join(hosts, " ")+"; do ip netns del $host; done")
	for _, c := range commands {
		for line := range strings.SplitSeq(c, "\n") {
			p.line("  %s", line)
		}
	}
	p.line("")
}
