package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check what this machine can do, and how to get what is missing",
		Long: `Check what this machine can do. Each line except the last three is the result of
building a lab with one feature that scenarios use. The line "tracepoints" says
whether the kernel itself reports each state of a socket and each packet that it
drops; without them, runs rest on packets and samples. The line "programs" is
about those that scenarios of the library need. The last line is about warped
time, in which long runs happen. If something is missing, the lines below
it say why, and what to do about it. The exit status is 3 if a feature is
missing that nearly every scenario needs.`,
		Annotations: onlyLinux,
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			p := &page{w: out, width: min(report.Width(out, 100), 120)}
			return doctor(cmd.Context(), p)
		},
	}
}

// probe is a lab with one feature.
type probe struct {
	name string
	// essential is true for features that nearly every scenario needs.
	essential bool
	// neededBy names what needs the feature.
	neededBy string
	// extra is the part of the scenario that differs from probe to probe: its family and its
	// faults.
	extra string
}

// seeing is the line about what labs show. Its lab is the plainest.
var seeing = probe{
	name: "tracepoints", neededBy: "exact socket states, and what the kernel drops and why",
}

var probes = []probe{
	{"namespaces", true, "every scenario", ""},
	{"iptables", true, "drop, reject and partition", "faults: {probe: {match: {tcp: SYN, port: 1}, do: drop}}"},
	{"IPv6", false, "scenarios with ip: v6", "ip: v6"},
	{"ip6tables", false, "drop and reject on IPv6", "ip: v6\nfaults: {probe: {match: {tcp: SYN, port: 1}, do: drop}}"},
	{"nfqueue", false, "faults that strike single packets", "faults: {probe: {match: {tcp: SYN}, nth: 1, do: {delay: 1ms}}}"},
	{"sch_tbf", false, "rate", "faults: {probe: {do: {rate: {to: 1mbit}}}}"},
	{"sch_htb", false, "selected packets via tc", "faults: {probe: {match: {tcp: SYN}, do: {rate: {to: 1mbit}}, via: tc}}"},
	{"sch_netem", false, "delay, loss, duplicate, reorder and corrupt via tc", "faults: {probe: {do: {delay: {by: 10ms}}, via: tc}}"},
}

// installed is the line about programs.
var installed = probe{name: "programs", neededBy: "stories of the folder programs/"}

// warped is the line about virtual machines.
var warped = probe{name: "warped time", neededBy: "runs of 20 s or more, and other kernels"}

// scenario returns the probe as a scenario.
func (p *probe) scenario() (*language.Scenario, error) {
	f, err := language.Parse("probe.yaml", []byte(`
name: probe
title: What scenarios use works here
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: ECONNREFUSED}
`+p.extra))
	if err != nil {
		return nil, fmt.Errorf("parsing the probe %s: %w", p.name, err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		return nil, fmt.Errorf("expanding the probe %s: %w", p.name, err)
	}
	return runs[0], nil
}

// run builds the probe's lab. The error says what is missing.
func (p *probe) run(ctx context.Context) (*trace.Trace, error) {
	s, err := p.scenario()
	if err != nil {
		return nil, err
	}
	return harness.Run(ctx, s, harness.Options{})
}

// unseen is the error of a lab whose tracepoints are not watched.
type unseen trace.Tracepoints

func (u *unseen) Error() string { return u.Off }

// seen returns what a lab says of the tracepoints: which gaps they have, or an *unseen.
func seen(t *trace.Trace) ([]trace.Gap, error) {
	for i := range t.Events {
		if w := t.Events[i].Tracepoints; w != nil {
			if w.Off != "" {
				return nil, (*unseen)(w)
			}
			return w.Gaps, nil
		}
	}
	return nil, errors.New("the lab does not say whether they are watched")
}

func doctor(ctx context.Context, p *page) error {
	release, machine, err := kernel.Uname()
	if err != nil {
		return err
	}
	who := "root, so no user namespace is needed"
	if uid := os.Geteuid(); uid != 0 {
		who = fmt.Sprintf("user %d, so labs are made in a user namespace", uid)
	}
	p.line("Linux %s, %s, as %s", release, machine, who)
	p.line("")

	errs := make([]error, len(probes))
	var all sync.WaitGroup
	for i := range probes {
		all.Go(func() { _, errs[i] = probes[i].run(ctx) })
	}
	var gaps []trace.Gap
	var off error // why the tracepoints are not watched
	all.Go(func() {
		var t *trace.Trace
		if t, off = seeing.run(ctx); off == nil {
			gaps, off = seen(t)
		}
	})
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	essential, missing := false, 0
	for i, err := range errs {
		p.probed(&probes[i], err)
		if err != nil {
			missing++
			essential = essential || probes[i].essential
		}
	}
	if p.probed(&seeing, off); off != nil {
		missing++
	}
	for _, g := range gaps {
		p.wrap("         gap: ", "              ", g.Text)
	}
	needs := libraryNeeds()
	if p.probed(&installed, needs); needs != nil {
		missing++
	}
	at, err := suite.Warped()
	if p.probed(&warped, err); err != nil {
		missing++
	} else {
		p.line("         %s", &at)
	}
	p.line("")
	switch {
	case essential:
		p.line("This machine cannot run scenarios: first get what is missing.")
	case missing > 0:
		p.line("This machine can run every scenario that does not need what is missing.")
	default:
		p.line("Nothing is missing.")
	}
	if p.err != nil {
		return p.err
	}
	if essential {
		return &statusError{status: statusMissing}
	}
	return nil
}

// probed writes the result of a probe.
func (p *page) probed(pr *probe, err error) {
	if err == nil {
		p.line("ok       %-11s  %s", pr.name, pr.neededBy)
		return
	}
	p.line("MISSING  %-11s  %s", pr.name, pr.neededBy)
	why, remedy := err.Error(), ""
	var lacking *inject.MissingError
	if errors.As(err, &lacking) {
		short := *lacking
		short.NeededBy, short.Remedy = "", ""
		why, remedy = short.Error(), lacking.Remedy
	}
	if off := (*unseen)(nil); errors.As(err, &off) {
		remedy = off.Remedy
	}
	p.wrap("         why: ", "              ", why)
	if remedy != "" {
		p.wrap("         remedy: ", "                 ", remedy)
	}
}
