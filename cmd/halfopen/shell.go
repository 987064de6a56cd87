package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/hand"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// shellFlags are the flags of shell.
type shellFlags struct {
	set, cases []string
	host       string
	run        bool
	writable   []string
	blind      bool
}

func newShell() *cobra.Command {
	var f shellFlags
	cmd := &cobra.Command{
		Use:   "shell NAME|FILE",
		Short: "Build the lab of a scenario and open a shell on a host",
		Long: `Build the lab of a scenario, with its faults, and open a shell on one of its
hosts. ping, curl, ss, tcpdump and other programs work there as in exec steps of
a scenario. When the shell ends, the lab ends, and what was captured is drawn:
packets, states of sockets, and the hits of faults. Nothing is judged.

The actors of the scenario wait: they do not begin, and faults that begin with
an event or later are not in force. With --run, the actors run first, and the
lab is held when they are done or the deadline of the scenario has come;
programs that they started still run then.

halfopen enter opens other shells in the lab, from other terminals. The exit
status is that of the shell.`,
		Example: `  halfopen shell syn-lost-once
  halfopen shell connect-refused --host server
  halfopen shell my.yaml --case timeout=1s --run
  echo 'ping -c 1 server' | halfopen shell syn-lost-once`,
		Annotations:       onlyLinux,
		Args:              one("scenario"),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			return shell(cmd.Context(), args, &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.set, "set", nil,
		"set a parameter of the scenario: `NAME=VALUE`; may be repeated")
	flags.StringArrayVar(&f.cases, "case", nil,
		"build the lab of this case: its `LABEL`, a parameter NAME=VALUE, v4 or v6; may be repeated")
	flags.StringVar(&f.host, "host", "", "open the shell on this `HOST` (default: the first one)")
	flags.BoolVar(&f.run, "run", false, "run the actors first")
	flags.StringArrayVar(&f.writable, "writable", nil,
		"let programs write to this `DIR` of the machine; may be repeated")
	flags.BoolVar(&f.blind, "no-tracepoints", false,
		"leave the kernel's tracepoints alone: see only what an ordinary user sees")
	register(cmd, map[string]cobra.CompletionFunc{
		"case": completeCase, "set": completeSet, "host": completeHost,
	})
	return cmd
}

// oneCase returns the case that the command line selects. It must be only one; of two IP versions,
// it is the first.
func (f *shellFlags) oneCase(args []string) (*language.Scenario, error) {
	set, err := parseSet(f.set)
	if err != nil {
		return nil, err
	}
	cases, err := (&selection{args: args, set: set, cases: f.cases}).resolve()
	if err != nil {
		return nil, err
	}
	// A label may be the value of a parameter that other cases have as well.
	exact := slices.DeleteFunc(slices.Clone(cases),
		func(s *language.Scenario) bool { return !slices.Contains(f.cases, s.Case) })
	if len(exact) > 0 {
		cases = exact
	}
	var names, labels []string
	for _, s := range cases {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
		if !slices.Contains(labels, s.Case) {
			labels = append(labels, s.Case)
		}
	}
	switch {
	case len(names) > 1:
		return nil, usagef("%s has %d scenarios; name one: %s", args[0], len(names), someOf(names))
	case len(labels) > 1:
		return nil, usagef("%s has several cases; choose one by --case: %s", names[0], someOf(labels))
	}
	return cases[0], nil
}

// mostNames bounds the names in a message.
const mostNames = 20

// someOf lists names, the first ones if there are many.
func someOf(names []string) string {
	text := strings.Join(names[:min(len(names), mostNames)], ", ")
	if more := len(names) - mostNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return say.Printable(text)
}

// onHost returns the host of the shell.
func (f *shellFlags) onHost(s *language.Scenario) (string, error) {
	var names []string
	for i := range s.Hosts {
		names = append(names, s.Hosts[i].Name)
	}
	if f.host == "" {
		return names[0], nil
	}
	if all := append(names, language.Wire); !slices.Contains(all, f.host) {
		return "", usagef("--host %s: unknown host%s", f.host, spell.Suggest(f.host, all))
	}
	return f.host, nil
}

func shell(ctx context.Context, args []string, f *shellFlags, out, errs io.Writer) error {
	writable, err := openTo(f.writable)
	if err != nil {
		return err
	}
	s, err := f.oneCase(args)
	if err != nil {
		return err
	}
	host, err := f.onHost(s)
	if err != nil {
		return err
	}
	namePrograms([]*language.Scenario{s}, errs)
	ctx, stop := interruptible(ctx, ending{first: func() {}, second: func() {}})
	defer stop()
	h := &holder{scenario: s, opened: make(chan *harness.Lab, 1)}
	held := harness.HoldBefore
	if f.run {
		held = harness.HoldAfter
	}
	h.begin(harness.Options{
		Seed: uint64(rand.Uint32()), Writable: writable, NoTracepoints: f.blind, Hold: held,
	})
	status, err := h.visit(ctx, host, f.run, errs)
	t, runErr := h.end(err)
	if err := cmp.Or(err, runErr); err != nil {
		return endOf(nil, err)
	}
	fmt.Fprint(out, report.ByHand(&result.Result{Run: result.Run{Scenario: s}, Trace: t}, report.LookFor(out)))
	if status != 0 {
		return &statusError{status: status}
	}
	return nil
}

// killed is the exit status of a shell that did not end by itself.
const killed = 128 + 9

// holder holds a lab for people.
type holder struct {
	scenario *language.Scenario
	opened   chan *harness.Lab
	cancel   context.CancelFunc
	lab      *harness.Lab
	// over is closed when the run has ended, with this outcome.
	over  chan struct{}
	trace *trace.Trace
	err   error

	mu sync.Mutex
	// hosts and faults are what the lab has said of them.
	hosts  []string        // mu
	faults map[string]bool // mu
}

// begin builds the lab.
func (h *holder) begin(o harness.Options) {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel, h.over, h.faults = cancel, make(chan struct{}), map[string]bool{}
	o.Opened = func(l *harness.Lab) { h.opened <- l }
	o.Emit = h.see
	go func() {
		defer close(h.over)
		h.trace, h.err = harness.Run(ctx, h.scenario, o)
	}()
}

// see takes note of an event.
func (h *holder) see(e trace.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case e.Host != nil && e.Host.Name != language.Wire:
		h.hosts = append(h.hosts, fmt.Sprintf("%s (%s)", e.Host.Name, strings.Join(e.Host.Addresses, ", ")))
	case e.Fault != nil && e.Fault.What == trace.FaultOn:
		h.faults[e.Fault.Name] = true
	case e.Fault != nil && e.Fault.What == trace.FaultOff:
		h.faults[e.Fault.Name] = false
	}
}

// visit waits until the lab is held, and opens a shell on a host. It returns the exit status of the
// shell.
func (h *holder) visit(ctx context.Context, host string, run bool, errs io.Writer) (status int, err error) {
	select {
	case h.lab = <-h.opened:
	case <-h.over:
		return 0, nil // and end has the error
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if run {
		fmt.Fprintf(errs, "halfopen: the actors run now, for %s at most\n",
			say.Duration(h.scenario.DeadlineOrDefault()))
	}
	door, err := hand.Open()
	if err != nil {
		fmt.Fprintf(errs, "halfopen: the lab cannot be entered from other terminals: %s\n", say.ErrorLines(err))
	} else {
		defer door.Close()
		remove := door.Add(hand.Lab{
			Run: h.scenario.ID(), State: hand.Held, Since: time.Now(), Hosts: h.lab.Hosts,
		}, h.lab.Pass)
		defer remove()
	}
	select {
	case <-h.lab.Held:
	case <-h.over:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	h.introduce(host, door, errs)
	conn, there, err := hand.Pair()
	if err != nil {
		return 0, err
	}
	// The request is passed on as that of any client.
	end, err := conn.Enter(ctx, hand.Request{Host: host, Shell: os.Getenv("SHELL")},
		[3]*os.File{os.Stdin, os.Stdout, os.Stderr},
		func(r hand.Request, files []*os.File) error {
			defer there.Close()
			text, err := json.Marshal(r)
			if err != nil {
				return err
			}
			return h.lab.Pass(text, append([]*os.File{there}, files...))
		})
	if errors.Is(err, hand.ErrEnded) {
		return killed, nil // should the lab be gone, end says why
	}
	if err != nil {
		return 0, err
	}
	return end.Status(), nil
}

// introduce says what there is, and how it ends.
func (h *holder) introduce(host string, door *hand.Door, errs io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	faults := "no faults"
	if n := len(h.scenario.Faults); n > 0 {
		var states []string
		for i := range h.scenario.Faults {
			name := h.scenario.Faults[i].Name
			state := "off"
			if h.faults[name] {
				state = "on"
			}
			states = append(states, name+" "+state)
		}
		faults = "faults: " + strings.Join(states, ", ")
	}
	fmt.Fprintf(errs, "halfopen: %s: hosts %s; %s\n", say.Printable(h.scenario.ID()), say.List(h.hosts), faults)
	other := ""
	if door != nil {
		other = fmt.Sprintf("; from other terminals: halfopen enter --lab %s HOST", door.Name)
	}
	fmt.Fprintf(errs, "halfopen: this shell is on %s%s\n", host, other)
	fmt.Fprintln(errs, "halfopen: when it ends, the lab ends, and what was captured is drawn")
}

// end ends the lab, and returns its trace. err is that of the visit.
func (h *holder) end(err error) (*trace.Trace, error) {
	defer h.cancel()
	if err != nil || h.lab == nil {
		h.cancel()
	} else if err := h.lab.Release(); err != nil {
		h.cancel()
	}
	<-h.over
	if errors.Is(h.err, context.Canceled) && err != nil {
		return h.trace, err
	}
	return h.trace, h.err
}
