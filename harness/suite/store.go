package suite

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// The files of a stored run. The verdict is written last: where it is, the others are complete.
const (
	TraceFile   = "trace.ndjson"
	captureFile = "capture.pcapng"
	verdictFile = "verdict.json"
)

// Store keeps the evidence of runs below a directory, one directory a run: SCENARIO/CASE[-v6][/N].
type Store struct {
	dirs map[runKey]string
}

// runKey identifies a task.
type runKey struct {
	scenario *language.Scenario
	n        int
}

// NewStore chooses a directory for each task. Two that would share one, because two files have a scenario of the same
// name, are told apart by a number.
func NewStore(root string, todo []Run) *Store {
	st := &Store{dirs: map[runKey]string{}}
	used := map[string]bool{}
	for _, t := range todo {
		s := t.Scenario
		leaf := s.Case
		switch {
		case leaf == "":
			leaf = string(s.Family)
		case s.Family == language.V6:
			leaf += "-v6"
		}
		name, ending := filepath.Join(fileName(s.Name), fileName(leaf)), ""
		if t.N > 0 {
			ending = strconv.Itoa(t.N)
		}
		dir := filepath.Join(root, name, ending)
		for i := 2; used[dir]; i++ {
			dir = filepath.Join(root, name+"-"+strconv.Itoa(i), ending)
		}
		used[dir] = true
		st.dirs[runKey{s, t.N}] = dir
	}
	return st
}

// dir returns the directory of a task.
func (st *Store) dir(t *Run) string { return st.dirs[runKey{t.Scenario, t.N}] }

// fileName makes a name that needs no quoting in a shell of a label such as "retries=3" or "to: client, both".
func fileName(label string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=.,+_-", r):
			return r
		}
		return '_'
	}, label)
	if strings.Trim(clean, ".") == "" {
		return "_" + clean
	}
	const most = 120
	if len(clean) > most {
		clean = clean[:most]
	}
	return clean
}

// Save writes the trace, the capture and the verdict of an outcome, each whole or not at all, and notes the directory.
func (st *Store) Save(o *Result) error {
	if o.Trace == nil || len(o.Trace.Events) == 0 {
		return nil
	}
	dir := st.dir(&o.Run)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("storing %s: %w", o.Run.ID(), err)
	}
	o.Dir = dir
	// The verdict of an older run must not stand beside this one's trace.
	if err := os.Remove(filepath.Join(dir, verdictFile)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("storing %s: %w", o.Run.ID(), err)
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{TraceFile, o.Trace.Write},
		{captureFile, func(w io.Writer) error { return report.WritePcapng(w, o.Trace) }},
		{verdictFile, o.Report().WriteVerdict},
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.write); err != nil {
			return fmt.Errorf("storing %s: %w", o.Run.ID(), err)
		}
	}
	return nil
}

// writeFile writes a file under another name and renames it: a reader never sees half of it.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// CreateTemp makes files private; evidence is as readable as any other output.
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
