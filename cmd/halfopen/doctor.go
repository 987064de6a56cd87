package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/internal/version"
	"halfopen/scenarios/language"
)

func newDoctor() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what this machine can do, and how to get what is missing",
		Long: `Check what this machine can do. Each line except the last three is the result of
building a lab with one feature that scenarios use. The line "tracepoints" says
whether the kernel itself reports each state of a socket and each packet that it
drops; without them, runs rest on packets and samples. The line "programs" is
about those that scenarios of the library need. The last line is about warped
time, in which long runs happen. If something is missing, the lines below
it say why, and what to do about it. The exit status is 3 if a feature is
missing that nearly every scenario needs. With --format json, each feature is a
record, and the machine is the last one.`,
		Annotations: onlyLinux,
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := isJSON(format)
			if err != nil {
				return err
			}
			d, err := diagnose(cmd.Context())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				err = d.write(out)
			} else {
				err = d.print(&page{w: out, width: min(report.Width(out, 100), 120)})
			}
			if _, essential := d.lacks(); err == nil && essential {
				return &statusError{status: statusMissing}
			}
			return err
		},
	}
	formatFlag(cmd, &format)
	return cmd
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

// found is what came of a probe.
type found struct {
	*probe
	err error // says what is missing
	// gaps are what the tracepoints do not show, at is where warped runs take place.
	gaps []trace.Gap
	at   *suite.Place
}

// diagnosis is what this machine can do.
type diagnosis struct {
	release, machine string
	uid              int
	all              []found
}

func diagnose(ctx context.Context) (*diagnosis, error) {
	d := &diagnosis{uid: os.Geteuid()}
	var err error
	if d.release, d.machine, err = kernel.Uname(); err != nil {
		return nil, err
	}
	d.all = make([]found, len(probes)+1)
	var all sync.WaitGroup
	for i := range probes {
		all.Go(func() {
			_, err := probes[i].run(ctx)
			d.all[i] = found{probe: &probes[i], err: err}
		})
	}
	all.Go(func() {
		f := &d.all[len(probes)]
		f.probe = &seeing
		var t *trace.Trace
		if t, f.err = seeing.run(ctx); f.err == nil {
			f.gaps, f.err = seen(t)
		}
	})
	all.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	d.all = append(d.all, found{probe: &installed, err: libraryNeeds()})
	last := found{probe: &warped}
	var at suite.Place
	if at, last.err = suite.Warped(); last.err == nil {
		last.at = &at
	}
	d.all = append(d.all, last)
	return d, nil
}

// lacks returns how many features are missing, and whether one of them is essential.
func (d *diagnosis) lacks() (missing int, essential bool) {
	for i := range d.all {
		if f := &d.all[i]; f.err != nil {
			missing++
			essential = essential || f.essential
		}
	}
	return missing, essential
}

// print writes the diagnosis for people.
func (d *diagnosis) print(p *page) error {
	who := "root, so no user namespace is needed"
	if d.uid != 0 {
		who = fmt.Sprintf("user %d, so labs are made in a user namespace", d.uid)
	}
	p.line("Linux %s, %s, as %s", d.release, d.machine, who)
	p.line("")
	for i := range d.all {
		f := &d.all[i]
		p.probed(f.probe, f.err)
		for _, g := range f.gaps {
			p.wrap("         gap: ", "              ", g.Text)
		}
		if f.at != nil {
			p.line("         %s", f.at)
		}
	}
	p.line("")
	switch missing, essential := d.lacks(); {
	case essential:
		p.line("This machine cannot run scenarios: first get what is missing.")
	case missing > 0:
		p.line("This machine can run every scenario that does not need what is missing.")
	default:
		p.line("Nothing is missing.")
	}
	return p.err
}

// write writes the diagnosis as records.
func (d *diagnosis) write(w io.Writer) error {
	for i := range d.all {
		f := &d.all[i]
		rec := &report.Feature{
			Name: f.name, OK: f.err == nil, Essential: f.essential, NeededBy: f.neededBy, Place: f.at,
		}
		if f.err != nil {
			rec.Why, rec.Remedy = whyMissing(f.err)
		}
		for _, g := range f.gaps {
			rec.Gaps = append(rec.Gaps, g.Text)
		}
		if err := report.WriteRecord(w, report.FeatureRecord, rec); err != nil {
			return err
		}
	}
	missing, essential := d.lacks()
	m := &report.Machine{
		Version: version.String(), Kernel: d.release, Hardware: d.machine, UID: d.uid,
		Ready: !essential, Missing: missing,
	}
	if essential {
		m.Exit = statusMissing
	}
	return report.WriteRecord(w, report.MachineRecord, m)
}

// probed writes the result of a probe.
func (p *page) probed(pr *probe, err error) {
	if err == nil {
		p.line("ok       %-11s  %s", pr.name, pr.neededBy)
		return
	}
	p.line("MISSING  %-11s  %s", pr.name, pr.neededBy)
	why, remedy := whyMissing(err)
	p.wrap("         why: ", "              ", why)
	if remedy != "" {
		p.wrap("         remedy: ", "                 ", remedy)
	}
}

// whyMissing says what is missing, by the error of a probe, and what to do about it; "" if that is not
// known.
func whyMissing(err error) (why, remedy string) {
	why = err.Error()
	var lacking *inject.MissingError
	if errors.As(err, &lacking) {
		short := *lacking
		short.NeededBy, short.Remedy = "", ""
		why, remedy = short.Error(), lacking.Remedy
	}
	if off := (*unseen)(nil); errors.As(err, &off) {
		remedy = off.Remedy
	}
	return why, remedy
}
