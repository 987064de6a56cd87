package suite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/internal/version"
	"halfopen/internal/wholefile"
)

// store keeps the evidence of each run in a separate directory, see [layout].
type store struct {
	// dirs has the directory of each run, by its index.
	dirs map[int]string
}

// newStore chooses a directory below o.Dir for each run. A run that is repeated has one below it for
// each repetition, named by its number. Only a run that the caller gave twice has a number in its name.
func newStore(o *Options, runs []Run) *store {
	st := &store{dirs: map[int]string{}}
	l := newLayout(o, runs)
	used := map[string]int{}
	for i := range runs {
		r := &runs[i]
		dir := filepath.Join(o.Dir, l.dirOf(r))
		own := numbered(dir, r.N)
		used[own]++
		if n := used[own]; n > 1 {
			dir += "-" + strconv.Itoa(n)
		}
		st.dirs[r.Index] = dir
	}
	return st
}

// checkLinks refuses symbolic links in the directories of runs: a stranger who made one must not get
// files written or removed elsewhere.
func (st *store) checkLinks(root string) error {
	tops := map[string]bool{}
	for _, dir := range st.dirs {
		top := dir
		for filepath.Dir(top) != filepath.Clean(root) {
			top = filepath.Dir(top)
		}
		tops[top] = true
	}
	for _, top := range slices.Sorted(maps.Keys(tops)) {
		err := filepath.WalkDir(top, func(at string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err == nil && d.Type()&fs.ModeSymlink != 0:
				return fmt.Errorf("%s is a symbolic link, through which no run is stored: remove it", at)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dirsOf returns the directory of each of the runs, which are all runs of the store or some of them.
func (st *store) dirsOf(runs []Run) []string {
	var dirs []string
	for i := range runs {
		dirs = append(dirs, st.dirs[runs[i].Index])
	}
	return dirs
}

// save writes scenario, trace, capture and verdict to dir, all of them or none, each whole or not at all, and
// sets r.Dir to named, and r.Logs, which are there already. For a run without a trace it does nothing.
func save(r *Result, dir, named string) (err error) {
	if r.Trace == nil || len(r.Trace.Events) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("storing %s: %w", r.ID(), err)
	}
	r.Dir = named
	if r.Logs, err = result.Logs(dir); err != nil {
		return fmt.Errorf("storing %s: %w", r.ID(), err)
	}
	defer func() {
		if err != nil {
			r.Dir, r.Logs = "", nil
			_ = removeEvidence(dir) // on a full disk, any of it may be missing
		}
	}()
	if len(r.Attempts) == 0 {
		for n := 1; n < mostAttempts; n++ {
			_ = os.RemoveAll(result.AttemptDir(dir, n)) // of an older run; if it cannot be removed, its date shows it
		}
	}
	// The verdict of an older run must not remain next to the trace of this one.
	if err := os.Remove(filepath.Join(dir, result.VerdictFile)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("storing %s: %w", r.ID(), err)
	}
	source := r.Scenario.Source
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{result.ScenarioFile, func(w io.Writer) error { _, err := w.Write(source); return err }},
		{result.TraceFile, func(w io.Writer) error {
			sum := sha256.New()
			err := r.Trace.WriteReferring(io.MultiWriter(w, sum))
			r.Stamp = result.NewStamp(version.String(), r.Trace, sum.Sum(nil))
			return err
		}},
		{result.CaptureFile, func(w io.Writer) error {
			sum := sha256.New()
			err := r.Trace.WriteCapture(io.MultiWriter(w, sum))
			r.Stamp.CaptureSHA256 = hex.EncodeToString(sum.Sum(nil))
			return err
		}},
		{result.VerdictFile, func(w io.Writer) error { return report.WriteVerdict(w, r) }},
	} {
		if f.name == result.ScenarioFile && source == nil {
			continue
		}
		if err := wholefile.Write(filepath.Join(dir, f.name), 0o644, f.write); err != nil {
			return fmt.Errorf("storing %s: %w", r.ID(), kernel.ExplainScarcity(err))
		}
	}
	return nil
}

// named is the name that [Options.DirName] gives to a directory below [Options.Dir].
func (s *Suite) named(dir string) string {
	if rest, ok := strings.CutPrefix(dir, filepath.Clean(s.o.Dir)); ok && s.o.DirName != "" {
		return filepath.Clean(s.o.DirName) + rest
	}
	return dir
}
