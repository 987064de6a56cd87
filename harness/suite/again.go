package suite

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"

	"halfopen/harness/suite/result"
	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/internal/plainfile"
	"halfopen/internal/vm"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// Again returns a suite that does runs again as they were: each with its seed, its number and its place,
// whatever else this machine could do with it. Of the options, those that say which runs there are, and
// where, do not apply; Kernels and Warp only say that directories name the kernel. The error is a
// *inject.MissingError: a kernel is missing, or what [New] needs. Any other is about symbolic links below
// [Options.Dir].
func Again(runs []Run, o Options) (*Suite, error) {
	asked := o.Warp || len(o.Kernels) > 0
	o.Repeat, o.Shard, o.Control, o.Warp, o.UntilFail = 1, Shard{}, false, false, false
	if o.Kernels = nil; asked {
		o.Kernels = []string{Running} // their directories name the place of each
	}
	s, err := New(nil, o)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		at := &runs[i].Place
		if at.Virtual() {
			k, err := vm.FindKernel(cmp.Or(at.Image, at.Kernel))
			if err == nil && k.Version != at.Kernel {
				err = &inject.MissingError{
					Feature: "the kernel " + at.Kernel, NeededBy: runs[i].ID(), Remedy: "halfopen kernel get " + at.Kernel,
				}
			}
			if err != nil {
				return nil, err
			}
		}
		runs[i].Index = i
	}
	s.Runs, s.placed = runs, len(runs)
	if o.Dir != "" {
		s.store = newStore(&o, s.Runs)
		if err := s.store.checkLinks(o.Dir); err != nil {
			return nil, err
		}
	}
	return s, kernel.CheckRoom()
}

// All makes the runs of this machine, with all repetitions, in the order of the suite.
func (s *Suite) All() iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for i, r := range s.Runs {
			for r := range s.repetitions(r, s.mine.of(i)) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// Stored returns the run that a stored result is of, so that it can be done again: its scenario is read
// and checked as any file is. The trace alone is not enough: its scenario may be from anybody.
func Stored(r *result.Result) (Run, error) {
	var errs []error
	for _, read := range []func(*result.Result) (*language.File, error){storedFile, libraryFile} {
		file, err := read(r)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			var s *language.Scenario
			if s, err = caseOf(file, r.Scenario); err == nil && !result.IsOf(r.Trace.Run(), s) {
				err = fmt.Errorf("%s: this is not the scenario that was run, or another version of halfopen reads it in another way",
					file.Path)
			}
			if err == nil {
				again := r.Run
				again.Scenario = s
				return again, nil
			}
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		errs = append(errs, fmt.Errorf("there is no %s, because an earlier version stored the run, and the scenario is not of the library",
			result.ScenarioFile))
	}
	return Run{}, fmt.Errorf("repeating the run stored in %s: %w", r.Dir, errors.Join(errs...))
}

// storedFile reads the file of the scenario from the evidence. Its mistakes are reported at the path
// that it had.
func storedFile(r *result.Result) (*language.File, error) {
	f, err := plainfile.Open(filepath.Join(r.Dir, result.ScenarioFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, language.MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	file, err := language.Parse(r.Scenario.Pos.File, text)
	if err == nil {
		file.Dir = r.Scenario.Dir
	}
	return file, err
}

// libraryFile finds the scenario in the library.
func libraryFile(r *result.Result) (*language.File, error) {
	file, err := scenarios.Builtin(r.Scenario.Name)
	if err != nil || r.Scenario.Dir != "" || file.Path != r.Scenario.Pos.File {
		return nil, fs.ErrNotExist
	}
	return file, nil
}

// caseOf returns the case of a file that a run was of, with its parameters, and without what a control
// leaves out.
func caseOf(file *language.File, was *language.Scenario) (*language.Scenario, error) {
	cases, err := Expand([]*language.File{file}, was.Set)
	if err != nil {
		return nil, err
	}
	for _, s := range cases {
		if s.Case != was.Case || s.Family != was.Family {
			continue
		}
		if was.Without == nil {
			return s, nil
		}
		for _, c := range s.Controls() {
			if *c.Without == *was.Without {
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: it has no case %s", file.Path, was.ID())
}
