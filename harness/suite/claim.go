package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/internal/plainfile"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// Claim is a directory in which one suite stores its runs, and no other one meanwhile.
type Claim struct {
	dir  string
	lock *os.File
	// older are the scenarios of an older suite that is stored there; nil if there is none.
	older []string
}

// ClaimDir makes a directory for the runs of a suite, if it is not there. The error says why it cannot
// be used: another process stores a suite there, or it has a file [result.IndexFile] of somebody else.
func ClaimDir(dir string) (*Claim, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	c := &Claim{dir: dir, lock: lock}
	if c.older, err = storedScenarios(filepath.Join(dir, result.IndexFile)); err != nil {
		c.Release()
		return nil, err
	}
	return c, nil
}

// Release lets others store their runs there.
func (c *Claim) Release() { _ = c.lock.Close() }

// storedScenarios returns the names of the scenarios in an index; nil if it is not there. A suite that
// was killed leaves an index without its end.
func storedScenarios(index string) ([]string, error) {
	info, err := os.Lstat(index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file: remove it, or choose another directory", index)
	}
	if err != nil || info.Size() == 0 { // a suite that was killed at its begin
		return nil, err
	}
	f, err := plainfile.Open(index)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names := []string{}
	ours := false
	err = report.ReadRecords(index, f, func(record any) error {
		ours = true
		name := ""
		switch r := record.(type) {
		case *report.Begun:
			name = r.Scenario
		case *report.Record:
			name = r.Scenario
		case *report.Canceled:
			name = r.Scenario
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil && !ours {
		return nil, fmt.Errorf("%w; remove the file, or choose another directory", err)
	}
	return names, nil
}

// Sweep removes what an older suite stored in the directory: the files of runs, where [layout] has them,
// of the scenarios in the index, and directories that are empty then. Every other file stays. The index
// stays, too: if the process is killed, it still says what is left.
func (c *Claim) Sweep() error {
	if c.older == nil {
		return nil
	}
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	tops, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, top := range tops {
		if !top.IsDir() || !slices.ContainsFunc(c.older, func(name string) bool { return isOf(top.Name(), name) }) {
			continue
		}
		if err := sweep(root, top.Name()); err != nil {
			return fmt.Errorf("removing the runs of an older suite: %w", err)
		}
	}
	return nil
}

// Remove removes the suite that is stored in the directory, its index, and the directory if it is empty
// then.
func (c *Claim) Remove() (err error) {
	index := filepath.Join(c.dir, result.IndexFile)
	if c.older, err = storedScenarios(index); err != nil {
		return err
	}
	if err := c.Sweep(); err != nil {
		return err
	}
	err = os.Remove(index)
	_ = os.Remove(c.dir) // unless something else is there
	return err
}

// isOf reports whether a directory is that of a scenario, or of one of several files of that name.
func isOf(dir, scenario string) bool {
	clean, _ := cleaned(scenario)
	return dir == fileName(scenario) || strings.HasPrefix(dir, clean+"@")
}

// sweep removes the files of runs below a directory.
func sweep(root *os.Root, top string) error {
	var emptied []string
	err := fs.WalkDir(root.FS(), top, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !ofRun(path.Dir(at)) || !isEvidence(d.Name()) {
			return err
		}
		if err := root.Remove(filepath.FromSlash(at)); err != nil {
			return err
		}
		for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
			emptied = append(emptied, dir)
		}
		return nil
	})
	slices.Sort(emptied)
	for _, dir := range slices.Backward(slices.Compact(emptied)) {
		_ = root.Remove(filepath.FromSlash(dir)) // unless something else is there
	}
	return err
}

// ofRun reports whether a path below the directory of a suite is that of a run: an IP version follows
// the scenario, or the scenario and the case.
func ofRun(dir string) bool {
	parts := strings.Split(dir, "/")
	for i := 1; i < min(len(parts), 3); i++ {
		if parts[i] == string(language.V4) || parts[i] == string(language.V6) {
			return true
		}
	}
	return false
}

// isEvidence reports whether a file in the directory of a run is one that the suite stores there.
func isEvidence(name string) bool {
	switch name {
	case result.TraceFile, result.CaptureFile, result.VerdictFile, result.ScenarioFile:
		return true
	}
	return result.IsLog(name) && strings.Count(name, ".") >= 2 // HOST.PROGRAM.stdout
}
