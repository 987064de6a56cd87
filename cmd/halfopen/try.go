package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/inject"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// The exit statuses of try that are not those of its client, as those of timeout(1) and of a shell.
const (
	statusTimedOut = 124
	statusNoClient = 127
	statusSignaled = 128 // plus the number of the signal
)

// tryFlags are the flags of try.
type tryFlags struct {
	attempt
	six, four bool
	out, save string
	seed      uint64
	seeded    bool
	verbose   bool
	logs      bool
	writable  []string
}

func newTry() *cobra.Command {
	f := tryFlags{attempt: attempt{timeout: defaultTimeout}}
	cmd := &cobra.Command{
		Use:   "try [--server COMMAND] [FAULT]... -- CLIENT [ARG]...",
		Short: "Run a client and a server with a broken network between them",
		Long: `Run two programs of yours on two hosts, client and server, break the network
between them, and show what the client did: how it ended, what both printed,
and each packet. No file is needed.

--server is a command for the shell. The client starts when the server listens:
on the port that the client's command names (server:8080, http://server/) or
--listens says, or else on any. Without --server, nobody listens. Both programs
run in this directory. They see the files of this machine but cannot change
them, and reach no network but that of the lab: docs/trust.md.

Each fault begins with the flag of its action. The flags after it say which
packets it strikes (--to, --from, --tcp, --port, ...), and when (--first, --nth,
--every, --after, ...). Without --from and --to, it strikes packets of both
directions; without a kind of packet, all of them. The value of an action is its
short form, packets, or both; any is all packets:

  --drop SYN --first 2                   the first two SYNs are lost
  --delay 200ms                          each packet comes 200 ms later
  --delay '2s SYN' --nth 1               the first SYN comes 2 s later
  --reset DATA --from server             a RST follows each response
  --drop any --from client.exec --for 5s (from is an event if it has a dot)
  --fault 'drop SYN to server first 2'   the same words in one text

docs/scenario-language.md has the words, under Phrases. try judges nothing. The
exit status is that of the client; 124 if --timeout ended it; 127 if it did not
start; 128 and the number of the signal if a signal ended it; 130 after Ctrl-C,
which ends the run and shows what happened; 2 if the command line is wrong, 3 if
this machine cannot run it. --save writes what was run as a scenario, with what
was seen as its expectations, for halfopen run.`,
		Example: `  halfopen try --server "python3 -m http.server 8080" --drop SYN --first 2 \
    -- curl -sS http://server:8080/
  halfopen try --server "./srv -p 8080" --delay 200ms -- ./client server:8080
  halfopen try --server "redis-server --protected-mode no" \
    --drop any --after 1s -- ./worker server:6379
  halfopen try --drop SYN --timeout 10s -- curl http://server:8080/
  halfopen try --server "./srv -p 8080" --reset DATA --from server \
    --save my.yaml -- ./client server:8080`,
		Annotations: onlyLinux,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s takes the command of a client, after --, such as -- curl http://server:8080/; see %s --help",
					cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.client, f.seeded = args, cmd.Flags().Changed("seed")
			return try(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // the flags of the client are its own
	flags.SortFlags = false
	flags.Var((*once)(&f.server), "server", "the server, a `COMMAND` for the shell")
	flags.StringVar(&f.listens, "listens", "", "the client starts when the server listens on this `PORT`, or on any")
	flags.DurationVar(&f.timeout, "timeout", f.timeout, "stop the client after this `TIME`")
	flags.BoolVar(&f.strace, "strace", false, "run the programs under strace, where nothing else shows their calls")
	flags.BoolVarP(&f.four, "ipv4", "4", false, "use IPv4, the default")
	flags.BoolVarP(&f.six, "ipv6", "6", false, "use IPv6")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print a longer ladder, with the lines of the programs")
	flags.BoolVar(&f.logs, "logs", false, "write each line that a program prints as it comes, after HOST.PROGRAM")
	flags.StringVar(&f.save, "save", "", "write the scenario to this new `FILE`")
	flags.StringVar(&f.out, "out", "", "store trace, capture and verdict below this `DIR`")
	flags.StringArrayVar(&f.writable, "writable", nil,
		"let the programs write to this `DIR` of the machine; may be repeated")
	flags.Uint64Var(&f.seed, "seed", 0, "`SEED` of everything random (default: a new one)")
	f.faults.flags(cmd)
	return cmd
}

// once is a flag with a text that can be given once.
type once string

func (o *once) String() string { return string(*o) }

func (o *once) Type() string { return "string" }

func (o *once) Set(text string) error {
	switch {
	case *o != "":
		return &valueError{"it is given twice; want one server"}
	case strings.TrimSpace(text) == "":
		return &valueError{"want a command"}
	}
	*o = once(text)
	return nil
}

// check refuses flags that do not fit.
func (f *tryFlags) check() error {
	switch {
	case f.four && f.six:
		return usagef("-4 and -6: want one of them")
	case f.listens != "" && f.server == "":
		return usagef("--listens is for --server, which is not there")
	case f.listens != "" && f.listens != "any" && !isPort(f.listens):
		return usagef("--listens %s: want a port, or any", f.listens)
	case f.timeout <= 0:
		return usagef("--timeout %v: want more than 0s", f.timeout)
	case len(f.client) == 1 && strings.Contains(f.client[0], " "):
		if _, err := exec.LookPath(f.client[0]); err != nil {
			return usagef("no program has the name %q: write its arguments without quotes, or sh -c '...' for a command of the shell",
				f.client[0])
		}
	}
	for _, text := range append([]string{string(f.server)}, f.client...) {
		if !utf8.ValidString(text) {
			return usagef("%q is not UTF-8, as scenarios are; let a shell make such bytes: printf '\\377'", text)
		}
	}
	f.family = language.V4
	if f.six {
		f.family = language.V6
	}
	if err := (&runFlags{jobs: 1, repeat: 1, writable: f.writable}).check(); err != nil {
		return err
	}
	return checkSave(f.save)
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// saysAfter is how long a client runs before it is said that Ctrl-C ends it.
const saysAfter = 3 * time.Second

func try(ctx context.Context, f *tryFlags, out, errs io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	if suite.IsArchive(f.out) {
		return usagef("--out %s: try stores one run, in a directory", f.out)
	}
	store, err := openOut(f.out, "")
	if err != nil {
		return err
	}
	defer store.close()
	go harness.Prepare() // while the scenario is made
	scenario, err := f.scenario()
	if err != nil {
		return &statusError{statusUsage, err}
	}
	if !f.seeded {
		f.seed = uint64(rand.Uint32())
	}
	s, err := suite.New([]*language.Scenario{scenario}, suite.Options{
		Seed: f.seed, Jobs: 1, Long: true, NoRepeat: true, Named: true, Writable: f.writable, Dir: f.out,
	})
	if err != nil {
		return err
	}
	view := report.NewTryView(report.Output{Out: out, Errs: errs, Verbose: f.verbose, Logs: f.logs, Runs: 1})
	ctx, stop := interruptible(ctx, ending{
		first:  func() {},
		second: func() { fmt.Fprintln(errs, "\nhalfopen: killed; nothing is known about the run") },
	})
	defer stop()
	waits := saysLater(view)
	_, undone := s.Run(ctx, view)
	waits()
	view.Close()
	return f.answer(view, undone, out, errs)
}

// saysLater says how to end a run that goes on, unless the returned function is called before.
func saysLater(view *report.TryView) (callOff func()) {
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		select {
		case <-over:
		case <-time.After(saysAfter):
			view.Say("halfopen: still running; Ctrl-C ends the run and shows what happened so far")
		}
	})
	return func() {
		close(over)
		all.Wait()
	}
}

// answer writes what came of the run, saves it, and returns the status.
func (f *tryFlags) answer(view *report.TryView, undone error, out, errs io.Writer) error {
	r := view.Result
	if r == nil || r.Trace == nil || r.Trace.Run() == nil || r.Status == result.Error || r.Status == result.Skip && r.Verdicts == nil {
		if r == nil || r.Err == nil || errors.Is(r.Err, context.Canceled) {
			return &statusError{status: statusCanceled}
		}
		err := r.Err
		if lacking := (*inject.MissingError)(nil); errors.As(err, &lacking) {
			named := *lacking
			named.NeededBy, err = "", &named // a line of a file that is not there
		}
		return &statusError{statusOfRuns([]suite.Result{*r}, result.Tally{}, suiteEnd{}), err}
	}
	tried := report.Try(r.Trace, clientStep)
	if _, err := io.WriteString(out, tried.Answer(r, clientStep, view.Look())); err != nil {
		return err
	}
	if f.out != "" && undone == nil {
		fmt.Fprintf(out, "\ntrace, capture and verdict are in %s; draw them with halfopen inspect\n", say.Printable(f.out))
	}
	if f.faults.none() {
		fmt.Fprintln(errs, "halfopen: no fault was asked for, such as --drop SYN --first 2; see halfopen try --help")
	}
	status := statusOfTried(&tried, r.Status)
	if f.save != "" {
		if err := f.saveTo(f.save, &tried, r); err != nil {
			return &statusError{max(status, statusUsage), err}
		}
		fmt.Fprintf(out, "\n%s has the scenario: halfopen run %s\n", f.save, f.save)
	}
	switch {
	case undone != nil:
		return &statusError{max(status, statusFailed), undone}
	case status != statusPassed:
		return &statusError{status: status}
	}
	return nil
}

// statusOfTried is the exit status for a client.
func statusOfTried(t *report.Tried, of result.Status) int {
	switch {
	case of == result.Canceled:
		return statusCanceled
	case !t.Started:
		return statusNoClient
	case t.Running:
		return statusFailed
	case t.TimedOut:
		return statusTimedOut
	case t.Killed != "":
		return statusSignaled + signalNumber(t.Killed)
	}
	return t.Exit
}
