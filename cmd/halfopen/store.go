package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// The files of a stored run. The verdict is written last: where it is, the others are complete.
const (
	traceFile   = "trace.ndjson"
	captureFile = "capture.pcapng"
	verdictFile = "verdict.json"
)

// store keeps the evidence of runs below a directory, one directory a run: SCENARIO/CASE[-v6][/N].
type store struct {
	dirs map[runKey]string
}

// runKey identifies a task.
type runKey struct {
	scenario *language.Scenario
	n        int
}

// newStore chooses a directory for each task. Two that would share one, because two files have a scenario of the same
// name, are told apart by a number.
func newStore(root string, todo []task) *store {
	st := &store{dirs: map[runKey]string{}}
	used := map[string]bool{}
	for _, t := range todo {
		s := t.scenario
		leaf := s.Case
		switch {
		case leaf == "":
			leaf = string(s.Family)
		case s.Family == language.V6:
			leaf += "-v6"
		}
		name, ending := filepath.Join(fileName(s.Name), fileName(leaf)), ""
		if t.n > 0 {
			ending = strconv.Itoa(t.n)
		}
		dir := filepath.Join(root, name, ending)
		for i := 2; used[dir]; i++ {
			dir = filepath.Join(root, name+"-"+strconv.Itoa(i), ending)
		}
		used[dir] = true
		st.dirs[runKey{s, t.n}] = dir
	}
	return st
}

// dir returns the directory of a task.
func (st *store) dir(t *task) string { return st.dirs[runKey{t.scenario, t.n}] }

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

// save writes the trace, the capture and the verdict of an outcome, each whole or not at all, and notes the directory.
func (st *store) save(o *outcome) error {
	if o.trace == nil || len(o.trace.Events) == 0 {
		return nil
	}
	dir := st.dir(&o.task)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("storing %s: %w", o.task.id(), err)
	}
	o.dir = dir
	// The verdict of an older run must not stand beside this one's trace.
	if err := os.Remove(filepath.Join(dir, verdictFile)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("storing %s: %w", o.task.id(), err)
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{traceFile, o.trace.Write},
		{captureFile, func(w io.Writer) error { return report.WritePcapng(w, o.trace) }},
		{verdictFile, o.report().WriteVerdict},
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.write); err != nil {
			return fmt.Errorf("storing %s: %w", o.task.id(), err)
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

// saveErrors collects what went wrong while runs were stored, by several goroutines.
type saveErrors struct {
	mu   sync.Mutex
	errs []error
}

func (s *saveErrors) add(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}

func (s *saveErrors) join() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}
