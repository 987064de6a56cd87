package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/plainfile"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

// selecting are the flags of run that say which runs there are, and how they go. A stored suite has their
// values; --rerun-failed takes no others from it.
var selecting = []string{
	"set", "case", "tag", "grep", "repeat", "seed", "shard", "long", "warp", "kernel", "no-repeat", "no-tracepoints",
}

// selectingFlags returns the values of these flags, and of [suite.Alone], as NAME=VALUE, that are not the
// default.
func selectingFlags(flags *pflag.FlagSet, seed uint64, shard suite.Shard) []string {
	var all []string
	for _, name := range slices.Concat(selecting, suite.Alone) {
		f := flags.Lookup(name)
		switch list, isList := f.Value.(pflag.SliceValue); {
		case name == "seed":
			all = append(all, fmt.Sprintf("seed=%d", seed))
		case !f.Changed:
		case name == "shard": // another machine has another environment
			all = append(all, "shard="+shard.String())
		case isList:
			for _, value := range list.GetSlice() {
				all = append(all, name+"="+value)
			}
		default:
			all = append(all, name+"="+f.Value.String())
		}
	}
	return all
}

// storedSuite is a suite that was stored: how it was selected, and what need not be run again.
type storedSuite struct {
	path string
	args []string
	// done are the names of runs that passed or were skipped, only those that are not left out; nil if
	// all were to be done.
	done, only map[string]bool
}

// nameOfRun names a run, wherever it stands in its suite.
func nameOfRun(file, id, family, kernel string, seed uint64) string {
	return fmt.Sprintf("%s %s on %s, seed %d (%s)", id, family, kernel, seed, file)
}

// takeOver reads the suite of --rerun-failed, and sets the flags with which it was run.
func takeOver(cmd *cobra.Command, dir string, args []string, errs io.Writer) (*storedSuite, error) {
	if len(args) > 0 {
		return nil, usagef("--rerun-failed runs the scenarios of %s: leave out the arguments", dir)
	}
	for _, name := range slices.Concat(suite.Alone, selecting) {
		if cmd.Flags().Changed(name) {
			return nil, usagef("--rerun-failed does not go with --%s: it runs what the suite in %s did not pass, as it was run", name, dir)
		}
	}
	opened, err := openStored(cmd.Context(), dir)
	if err != nil {
		return nil, err
	}
	defer opened.close()
	index := filepath.Join(opened.dir, result.IndexFile)
	st := &storedSuite{path: opened.name(index), done: map[string]bool{}}
	var first *report.Suite
	f, err := plainfile.Open(index)
	if err != nil {
		return nil, usagef("--rerun-failed: %w", err)
	}
	defer f.Close()
	err = report.ReadRecords(st.path, f, func(record any) error {
		switch r := record.(type) {
		case *report.Suite:
			first = r
		case *report.Record:
			if r.Status == string(result.Pass) || r.Status == string(result.Skip) {
				st.done[nameOfRun(r.File, r.ID, r.Family, r.Place.KernelName(), r.Seed)] = true
			}
		}
		return nil
	})
	if first == nil {
		return nil, usagef("--rerun-failed: %w", err)
	}
	if err != nil && !errors.Is(err, report.ErrUnfinished) {
		fmt.Fprintf(errs, "halfopen: %s; what comes after it is run again\n", say.ErrorLines(err))
	}
	if first.Flags == nil {
		return nil, usagef("--rerun-failed: %s does not say how the suite was selected: run it again with run, or with rerun --failed", st.path)
	}
	for _, text := range first.Flags {
		name, value, _ := strings.Cut(text, "=")
		if slices.Contains(suite.Alone, name) && value == "true" {
			return nil, usagef("--rerun-failed: the suite in %s was run with --%s: repeat its runs with halfopen rerun --failed",
				dir, name)
		}
		if !slices.Contains(selecting, name) {
			continue // of a later version, or of somebody who would like to write here
		}
		if err := cmd.Flags().Set(name, value); err != nil {
			return nil, usagef("--rerun-failed: %s: the flag --%s: %w", st.path, name, err)
		}
	}
	st.args = first.Args
	if first.Only != nil {
		st.only = map[string]bool{}
	}
	for _, name := range first.Only {
		st.only[name] = true
	}
	return st, nil
}

// rest returns a suite of the runs that did not pass, and their names; nil if all did.
func (st *storedSuite) rest(s *suite.Suite, o suite.Options) (again *suite.Suite, names []string, err error) {
	var left []suite.Run
	for r := range s.All() {
		name := nameOfRun(r.Scenario.Pos.File, r.ID(), string(r.Scenario.Family), r.Place.KernelName(), r.Seed)
		if !st.done[name] && (st.only == nil || st.only[name]) {
			left, names = append(left, r), append(names, name)
		}
	}
	if len(left) == 0 {
		return nil, nil, nil
	}
	if again, err = suite.Again(left, o); err != nil {
		return nil, nil, err
	}
	again.LeftOut, again.WhyReal = s.LeftOut, s.WhyReal
	return again, names, nil
}
