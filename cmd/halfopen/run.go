package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

// runFlags are the flags of run.
type runFlags struct {
	set     []string
	cases   []string
	jobs    int
	repeat  int
	seed    uint64
	seeded  bool
	shard   string
	out     string
	format  string
	reports []string
	verbose bool
	control bool
	long    bool
	warp    bool
	kernels []string
	blind   bool
	hold    bool
	once    bool
	quiet   bool
	// noConfig leaves halfopen.yaml alone.
	noConfig bool
	// config is the path of the one that counts; "" if there is none.
	config string
	limits limits
	only   filter
	noExec bool
	logs   bool
	// writable are folders of the machine that programs may write to.
	writable []string
	// rerunFailed is the directory of a stored suite, of which only the rest is run. stored is that
	// suite, selected what the flags of this one say.
	rerunFailed string
	stored      *storedSuite
	selected    func(seed uint64, shard suite.Shard) []string
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [NAME|FILE|DIR|-]...",
		Short: "Run scenarios and judge them",
		Long: fmt.Sprintf(`Run scenarios and judge them. An argument is the name of a built-in scenario, a
folder of them, a file, a directory that is searched for .yaml and .yml files,
or - for the standard input. A scenario that several arguments name is run once.
Without arguments, every built-in scenario is run. --tag and --grep narrow the
selection of scenarios, --case the selection of their cases.

A file halfopen.yaml in the folder of the scenario files, or above it, has
defaults for these flags; see docs/ci.md.

A run of 20 s or more happens in warped time if this machine has QEMU and a
kernel to boot (see halfopen kernel): in a virtual machine whose clock jumps to
the next timer whenever it is idle, so that two hours of keepalive pass in
seconds. Otherwise, and always with --kernel running, such a run happens in real
time, but only if you name the scenario or pass --long. If you do not, the run
is left out. A long run with programs (exec, start) goes to a virtual machine
only with --warp or --kernel. The timeout of a program does not make a run long.

On another kernel (--kernel), shorter runs happen in real time. Without KVM,
that is too slow for some of them. With --warp, timers are exact; work of the
processor takes 1 to 20 ms of the run's time. If --kernel is the path of a
bzImage, its modules are taken from ../lib/modules/VERSION, relative to the
directory of the bzImage, or from /lib/modules/VERSION.

With --hold, the lab of a run that failed is kept until you press Enter, and
halfopen enter reaches its hosts from other terminals. Its programs have been
stopped; its actors still have their sockets, and its faults are in force. Runs
happen one after another then, in real time.

With --shard, several machines share a suite: each does a part of the runs. The
parts depend only on the runs, so all machines need the same arguments and the
same --seed; by default, the seed is the number that GitHub, GitLab, Buildkite
or Slurm gives the pipeline. --shard auto reads the variables of GitLab,
Buildkite, Kubernetes, Slurm, Nomad and Bazel.

With --control, each case is also run without each of its faults, sysctls and
socket options, one at a time. Each time, some expectation must fail. A table
says which settings prove nothing; with -v, it also says what proves the others.

Programs that a scenario runs (exec, start) see the files of this machine but
cannot change them, and so do those in a virtual machine. --writable opens a
directory to those outside. Their working directory is
that of the scenario's file. docs/trust.md says what they can do.

Output formats (--format; --report FORMAT=PATH, --report github):
%s
An expectation about time or order that is not met by less than the machine was
late is inconclusive. Such a run is repeated alone, at most twice, when the
others have ended; --no-repeat leaves it. Each attempt is reported.

A suite ends with the first run that does not pass (--fail-fast), after a time
(--max-time), or when a repetition fails (--until-fail). Runs that go on are
canceled then, and those that never began are named. --until-fail repeats the
cases in turn, without a bound unless --repeat, --max-time or Ctrl-C sets one;
with --out, only runs that did not pass are stored.

Exit status: 0 all passed; 1 an expectation failed, a run broke off or stayed
inconclusive, a run had no time (--max-time), a skip counts (--no-skip), or a
setting proves nothing; 2 the scenario or the command line is wrong, or the
output cannot be written; 3 this machine cannot run the scenario, or every
expectation of a run was skipped, and nothing failed; 130 interrupted.
With --keep-going, a wrong file is one failed entry, the others run, and the
status is 2 unless something else fails.
The first Ctrl-C ends the runs and prints the results so far, the second kills
them.`, formatLines()),
		Example: `  halfopen run
  halfopen run syn-retry-backoff --case retries=3 -v
  halfopen run syn-retry-backoff --set retries=2
  halfopen run --tag time-wait
  halfopen run my.yaml --out out && tcpdump -r out/my/v4/capture.pcapng
  halfopen run connect-refused --repeat 64 --jobs 64
  halfopen run my.yaml --control
  halfopen run my/ --report junit=out/junit.xml --report github
  halfopen run keepalive-default --warp
  halfopen run handshake/ --warp --kernel running --kernel 6.1`,
		Annotations:       onlyLinux,
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if f.rerunFailed != "" {
				if f.stored, err = takeOver(cmd, f.rerunFailed, args, cmd.ErrOrStderr()); err != nil {
					return err
				}
				args = f.stored.args
			}
			f.selected = func(seed uint64, shard suite.Shard) []string {
				return selectingFlags(cmd.Flags(), seed, shard)
			}
			if !f.noConfig {
				if f.config, err = configure(cmd, args, cmd.ErrOrStderr()); err != nil {
					return err
				}
			}
			f.seeded = cmd.Flags().Changed("seed")
			f.limits.timed, f.limits.bounded = cmd.Flags().Changed("max-time"), cmd.Flags().Changed("repeat")
			return run(cmd.Context(), args, &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.set, "set", nil,
		"set a parameter of the scenario: `NAME=VALUE`; may be repeated")
	flags.StringArrayVar(&f.cases, "case", nil,
		"run only this case: its `LABEL`, a parameter NAME=VALUE, v4 or v6; may be repeated")
	f.only.flags(cmd)
	flags.IntVar(&f.jobs, "jobs", suite.Jobs(), "do up to `N` runs at once, which mostly wait; fewer while the machine is late")
	flags.IntVar(&f.repeat, "repeat", 1,
		"run each case `N` times; repetitions that fail alike are drawn once, and all are summed up")
	flags.Uint64Var(&f.seed, "seed", 0,
		"`SEED` of everything random (default: a new one, which is printed)")
	flags.StringVar(&f.shard, "shard", "",
		"do one `INDEX/TOTAL` of the runs, such as 2/5; auto takes it from the CI system")
	flags.StringVar(&f.out, "out", "", "store trace, capture, verdict and what programs write of each run below this `DIR`, in place of an older suite; in one file if it ends in .tgz")
	flags.StringVar(&f.rerunFailed, "rerun-failed", "",
		"run what did not pass of the suite stored in this `DIR`: failed, inconclusive, broken off, or never begun")
	flags.StringVar(&f.format, "format", report.Formats[0].Name,
		"write the results in this `FORMAT`: "+report.FormatNames())
	flags.StringArrayVar(&f.reports, "report", nil,
		"also write the results to a file: `FORMAT=PATH`, or github; may be repeated")
	flags.BoolVarP(&f.verbose, "verbose", "v", false,
		"also print the ladder and the verdicts of passed runs, and of every repetition")
	flags.BoolVarP(&f.quiet, "quiet", "q", false,
		"print only failures and the last line (in the format for people)")
	f.limits.flags(cmd)
	flags.BoolVar(&f.noConfig, "no-config", false,
		"take no defaults from halfopen.yaml")
	flags.BoolVar(&f.once, "no-repeat", false,
		"leave inconclusive runs as they are, instead of repeating each alone, at most twice")
	flags.BoolVar(&f.control, "control", false,
		"also run each case without each of its faults, sysctls and socket options")
	flags.BoolVar(&f.long, "long", false, "also run scenarios of 20 s or longer, in real time")
	flags.BoolVar(&f.warp, "warp", false, "run everything in a virtual machine, in warped time")
	flags.StringArrayVar(&f.kernels, "kernel", nil,
		"run in a virtual machine with this kernel, by `VERSION|PATH`; running is this machine; may be repeated")
	flags.BoolVar(&f.logs, "logs", false,
		"write each line that a program of the scenario prints as it comes, after HOST.PROGRAM")
	flags.BoolVar(&f.hold, "hold", false,
		"keep the lab of a run that failed until Enter; one run at a time, in real time")
	flags.BoolVar(&f.noExec, "no-exec", false, "refuse scenarios that run programs")
	flags.StringArrayVar(&f.writable, "writable", nil,
		"let programs of the scenario write to this `DIR` of the machine; may be repeated")
	flags.BoolVar(&f.blind, "no-tracepoints", false,
		"leave the kernel's tracepoints alone: see only what an ordinary user sees")
	register(cmd, map[string]cobra.CompletionFunc{
		"case":   completeCase,
		"set":    completeSet,
		"format": completeFormat,
		"report": completeReport,
	})
	return cmd
}

// check refuses invalid values of flags.
func (f *runFlags) check() error {
	switch {
	case f.jobs < 1:
		return usagef("--jobs %d: want 1 or more", f.jobs)
	case f.repeat < 1:
		return usagef("--repeat %d: want 1 or more", f.repeat)
	case f.hold && !term.IsTerminal(int(os.Stdin.Fd())):
		return usagef("--hold: the standard input is not a terminal, on which somebody could press Enter")
	case f.hold && f.control:
		return usagef("--hold does not apply to --control, whose runs are to fail")
	case f.hold && (f.warp || slices.ContainsFunc(f.kernels, func(k string) bool { return k != suite.Running })):
		return usagef("--hold does not apply to virtual machines: leave out --warp and --kernel")
	case f.quiet && f.verbose:
		return usagef("--quiet and --verbose contradict each other")
	case f.shard != "" && f.limits.untilFail:
		return usagef("--shard does not apply to --until-fail, whose runs are not known in advance")
	case slices.Contains(f.kernels, ""):
		return usagef(`--kernel "": want a version, the path of a bzImage, or running`)
	}
	err := f.limits.check(f)
	if err != nil {
		return err
	}
	f.writable, err = openTo(f.writable)
	return err
}

// writesFromGuest reports whether programs of the run would write to the machine from a guest.
func writesFromGuest(r suite.Run) bool { return r.Place.Virtual() && r.Scenario.RunsPrograms() }

func run(ctx context.Context, args []string, f *runFlags, out, errs io.Writer) error {
	format, err := formatOf(f.format)
	if err != nil {
		return err
	}
	newView := format.New
	if f.control {
		if newView = format.Control; newView == nil {
			return usagef("--format %s: it has no --control; want %s",
				f.format, report.ControlFormatNames())
		}
	}
	reports, err := parseReports(f.reports, f.control)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	store, err := openOut(f.out, f.rerunFailed) // fail now, not after a run of some minutes
	if err != nil {
		return err
	}
	defer store.close()
	if !f.blind && !f.warp && len(f.kernels) == 0 {
		go harness.Prepare() // while the scenarios are read
	}
	set, err := parseSet(f.set)
	if err != nil {
		return err
	}
	sel := selection{args: args, set: set, cases: f.cases, only: f.only, keepGoing: f.limits.keepGoing}
	cases, err := sel.resolve()
	if err != nil {
		return err
	}
	if f.noExec {
		if err := refusePrograms(cases); err != nil {
			return err
		}
	}
	namePrograms(cases, errs)
	shard, err := shardOf(f.shard)
	if err != nil {
		return err
	}
	seed := f.seed
	switch {
	case f.seeded:
	case !shard.IsZero():
		if seed, err = sharedSeed(errs); err != nil {
			return err
		}
	default:
		seed = uint64(rand.Uint32()) // 32 bits, to be short enough to type again
	}
	flags := f.selected(seed, shard)
	d := newDoorman()
	defer d.close()
	var keep func(context.Context, *suite.Result, *harness.Lab)
	if f.hold {
		f.jobs, f.kernels, keep = 1, []string{suite.Running}, d.keep
	}
	var slow onceError
	o := suite.Options{
		Repeat: f.limits.repeat(f.repeat), Seed: seed, Jobs: f.jobs, Shard: shard,
		Warp: f.warp, Kernels: f.kernels, Long: f.long, Named: len(args) > 0, NoTracepoints: f.blind,
		NoRepeat: f.once, Writable: f.writable, Opened: d.opened, Keep: keep,
		Control: f.control, Dir: store.path(), DirName: f.out, Shared: sel.shared, Warn: slow.set,
		NoConfig: f.noConfig || f.config != "",
		FailFast: f.limits.failFast, UntilFail: f.limits.untilFail, NoSkip: f.limits.noSkip,
		MaxTime: f.limits.maxTime,
	}
	s, err := suite.New(cases, o)
	if err != nil {
		return err
	}
	if len(s.Runs) == 0 && len(sel.refused) == 0 {
		return usagef("nothing to run: %s", leftOut(s))
	}
	plan, err := s.Plan()
	if err != nil {
		return err
	}
	var only []string
	if f.stored != nil {
		if s, only, err = f.stored.rest(s, o); err != nil {
			return err
		}
		if s == nil {
			fmt.Fprintf(out, "nothing to run again: every run of %s passed or was skipped\n", say.Printable(f.rerunFailed))
			return nil
		}
		plan, shard = nil, suite.Shard{} // this is a part of the suite that no other part completes
	} else {
		sayShard(errs, shard, s.Count(), plan)
	}
	if len(f.writable) > 0 && slices.ContainsFunc(s.Runs, writesFromGuest) {
		return usagef("--writable: programs in a virtual machine write nothing outside: leave out --warp and --kernel")
	}
	if f.warp && slices.Contains(f.kernels, suite.Running) {
		fmt.Fprintln(errs,
			"halfopen: --warp does not apply to the running kernel; its runs happen in real time")
	}
	if n, most := s.LongHere(); n > 0 && !f.long && !slices.Contains(f.kernels, suite.Running) {
		fmt.Fprintf(errs,
			"halfopen: %s in real time, the longest about %s, not warped: %s\n",
			say.Count(n, "long run"), roughly(most), say.ErrorLines(s.WhyReal))
	}
	index, err := store.find(f.control)
	if err != nil {
		return err
	}
	files, err := openReports(reports, f.inputs(cases, sel.refused), index)
	if err != nil {
		return err
	}
	if err := store.begin(); err != nil {
		discard(files)
		return err
	}
	output := report.Output{
		Out: out, Errs: errs, Verbose: f.verbose, Quiet: f.quiet, NoSkip: f.limits.noSkip,
		Logs: f.logs, Runs: s.Count(),
		Shared: report.SharedNames(cases), Suite: suiteRecord(seed, plan, shard), LeftOut: leftOutRecords(s),
		Refused: refusedRecords(sel.refused),
	}
	output.Suite.Args, output.Suite.Flags, output.Suite.Only = args, flags, only
	suit(&output)
	view := &report.Tee{View: newView(output)}
	for _, file := range files {
		view.Reports = append(view.Reports, file.report(output, f.control))
	}
	if store != nil {
		view.Reports = append(view.Reports, store.report(output))
	}
	d.say = view.Say
	ctx, stop := interruptible(ctx, ending{
		first: func() {
			view.Say("halfopen: interrupted; the runs end now, Ctrl-C again kills them")
		},
		second: func() {
			fmt.Fprintln(errs, "\nhalfopen: killed; runs that had not ended are neither judged nor stored")
		},
	})
	defer stop()
	results, undone := s.Run(ctx, view)
	end := f.limits.end(&results, len(s.LeftOut), len(sel.refused))
	status := statusOfRuns(results.Kept, results.Others, end)
	if f.control {
		status = statusOfControls(results.Kept, results.Others, end)
	}
	stored := f.out
	if undone != nil {
		stored, status = "", max(status, statusFailed)
	}
	if err := view.Close(results.Kept, report.Ending{
		Seed: seed, Exit: status, Others: results.Others, LeftOut: leftOut(s), Dir: stored,
		Stop: results.Stop, Rest: results.Rest, MaxTime: f.limits.maxTime,
		UntilFail: f.limits.untilFail, Repeated: results.Repeated,
	}); err != nil {
		return err
	}
	if p := results.Pace; p.Fewest < p.Most {
		fmt.Fprintf(errs, "halfopen: the machine was up to %s late, so fewer runs went on at once: %d at the fewest, not %d\n",
			say.Duration(p.Late), p.Fewest, p.Most)
	}
	if err := slow.get(); err != nil {
		fmt.Fprintf(errs, "halfopen: virtual machines are slower than necessary: %s\n", say.ErrorLines(err))
	}
	if undone != nil {
		return &statusError{status, undone}
	}
	if status != statusPassed {
		return &statusError{status: status}
	}
	return nil
}

// formatLines lists the output formats, one in each line.
func formatLines() string {
	var b strings.Builder
	for _, f := range report.Formats {
		fmt.Fprintf(&b, "  %-8s %s\n", f.Name, f.For)
	}
	return b.String()
}

// leftOut says which scenarios were not run because they take long, why they are not warped, and how
// to run them; "" if none was left out.
func leftOut(s *suite.Suite) string {
	if len(s.LeftOut) == 0 {
		return ""
	}
	var names []string
	for _, c := range s.LeftOut {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return fmt.Sprintf("left out because they take 20 s or more: %d runs of %s; they are not warped: %s; to run them in real time, name them or pass --long",
		len(s.LeftOut), strings.Join(names, ", "), say.Printable(s.WhyReal.Error()))
}
