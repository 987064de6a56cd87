package main

import (
	"time"

	"github.com/spf13/cobra"

	"halfopen/harness/suite"
)

// limits are the flags that say when a suite ends, and what counts as a failure of it.
type limits struct {
	failFast  bool
	untilFail bool
	keepGoing bool
	noSkip    bool
	maxTime   time.Duration
	// timed and bounded are set if --max-time and --repeat are given.
	timed, bounded bool
}

func (l *limits) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&l.failFast, "fail-fast", false,
		"end with the first run that does not pass; the others are canceled or not started")
	flags.BoolVar(&l.untilFail, "until-fail", false,
		"repeat the cases in turn until a run fails, at most --repeat times each if that is given")
	flags.BoolVar(&l.keepGoing, "keep-going", false,
		"run the other scenarios if a file is wrong; the file is a failed entry of the suite")
	flags.BoolVar(&l.noSkip, "no-skip", false,
		"count a skipped run, and a case that is left out, as a failure")
	flags.DurationVar(&l.maxTime, "max-time", 0,
		"end after this `TIME`, such as 10m, and name the runs that had none")
}

// check refuses invalid values, and flags that contradict each other.
func (l *limits) check(f *runFlags) error {
	switch {
	case l.timed && l.maxTime <= 0:
		return usagef("--max-time %s: want more than 0", l.maxTime)
	case l.untilFail && f.control:
		return usagef("--until-fail does not apply to --control, whose runs are to fail")
	}
	return nil
}

// end returns what the exit status depends on next to the results: cases that were left out, and files
// that were refused.
func (l *limits) end(results *suite.Results, leftOut, refused int) suiteEnd {
	return suiteEnd{
		stop: results.Stop, enough: l.untilFail, noSkip: l.noSkip, leftOut: leftOut, refused: refused,
	}
}

// repeat returns how often each case is run at most, by the value of --repeat; 0 means that nothing
// bounds it.
func (l *limits) repeat(n int) int {
	if l.untilFail && !l.bounded {
		return 0
	}
	return n
}
