package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/inject"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/spell"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// selection says which runs of which scenarios are wanted, as given on the command line.
type selection struct {
	args  []string
	set   map[string]string
	cases []string
	only  filter
}

// resolve finds the scenarios, expands them and picks the cases.
func (sel *selection) resolve() ([]*language.Scenario, error) {
	files, err := sel.files()
	if err != nil {
		return nil, err
	}
	if files, err = sel.only.keep(files); err != nil {
		return nil, err
	}
	unused := map[string]bool{}
	for name := range sel.set {
		unused[name] = true
	}
	var all []*language.Scenario
	var errs []error
	for _, f := range files {
		set := map[string]string{}
		for name, value := range sel.set {
			// With several scenarios, a parameter goes to those that have it. A single one complains itself.
			if len(files) == 1 || slices.Contains(f.Params, name) {
				set[name] = value
				delete(unused, name)
			}
		}
		runs, err := f.Expand(set)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := planAll(runs); err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, runs...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &statusError{statusUsage, err}
	}
	for name := range unused {
		var known []string
		for _, f := range files {
			known = append(known, f.Params...)
		}
		return nil, usagef("--set %s: none of the %d scenarios has a parameter of that name%s", name, len(files), spell.DidYouMean(name, known))
	}
	return pick(all, sel.cases)
}

// files returns the scenario files named: all built-in ones where none is.
func (sel *selection) files() ([]*language.File, error) {
	if len(sel.args) == 0 {
		return scenarios.Library()
	}
	var files []*language.File
	var errs []error
	for _, arg := range sel.args {
		found, err := find(arg)
		if err != nil {
			errs = append(errs, err)
		}
		files = append(files, found...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &statusError{statusUsage, err}
	}
	return files, nil
}

// find returns what one argument names, read.
func find(arg string) ([]*language.File, error) {
	list, err := sources(arg)
	if err != nil {
		return nil, err
	}
	var files []*language.File
	var errs []error
	for _, s := range list {
		f, err := s.load()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}

// source is where a scenario can be read: a file, or the library.
type source struct {
	name string
	load func() (*language.File, error)
}

// sources returns what one argument names: a built-in scenario, a folder of the library, a file or a directory. A name
// without a slash is looked up in the library first; ./NAME is always a path.
func sources(arg string) ([]source, error) {
	f, unknown := scenarios.Builtin(arg)
	if unknown == nil && !strings.HasPrefix(arg, ".") && filepath.Ext(arg) == "" {
		return []source{builtinSource(f)}, nil
	}
	folder := strings.TrimSuffix(arg, "/")
	if slices.Contains(scenarios.Folders(), folder) {
		files, err := scenarios.Library()
		if err != nil {
			return nil, err
		}
		var list []source
		for _, f := range files {
			if f.Folder == folder {
				list = append(list, builtinSource(f))
			}
		}
		return list, nil
	}
	if _, err := os.Stat(arg); err != nil && unknown != nil && filepath.Ext(arg) == "" {
		if folder != arg {
			unknown = fmt.Errorf("no folder %q in the library%s", folder, spell.DidYouMean(folder, scenarios.Folders()))
		}
		return nil, fmt.Errorf("%w; it is no file or directory either (halfopen list shows the library)", unknown)
	}
	return fileSources(arg)
}

// fileSources returns the files that a path names.
func fileSources(path string) ([]source, error) {
	paths, err := scenarioPaths([]string{path})
	if err != nil {
		return nil, err
	}
	var list []source
	for _, path := range paths {
		list = append(list, source{path, func() (*language.File, error) { return language.Load(path) }})
	}
	return list, nil
}

func builtinSource(f *language.File) source {
	return source{f.Name, func() (*language.File, error) { return f, nil }}
}

// scenarioPaths returns the files named, and all .yaml and .yml files below the directories named.
func scenarioPaths(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usagef("reading the scenario: %w", err)
		}
		if !info.IsDir() {
			paths = append(paths, arg)
			continue
		}
		before := len(paths)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			// What begins with a dot is hidden, and testdata has what is wrong on purpose, as in Go.
			if d.IsDir() && path != arg && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if ext := filepath.Ext(path); !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
				paths = append(paths, path)
			}
			return nil
		})
		if err != nil {
			return nil, usagef("reading the directory: %w", err)
		}
		if len(paths) == before {
			return nil, usagef("there is no .yaml file in the directory %s", arg)
		}
	}
	return paths, nil
}

// pick keeps the runs that are meant: of a wanted case, if cases are named, and of a wanted IP family, if families are, as
// the key only of a scenario has it.
func pick(runs []*language.Scenario, cases []string) ([]*language.Scenario, error) {
	for _, want := range cases {
		if !slices.ContainsFunc(runs, func(s *language.Scenario) bool { return isFamily(s, want) || isCase(s, want) }) {
			return nil, usagef("no case %q; %s", want, knownCases(runs))
		}
	}
	families, labels := false, false
	for _, want := range cases {
		isLabel := want != string(language.V4) && want != string(language.V6)
		families, labels = families || !isLabel, labels || isLabel
	}
	kept := slices.DeleteFunc(slices.Clone(runs), func(s *language.Scenario) bool {
		return families && !slices.ContainsFunc(cases, func(want string) bool { return isFamily(s, want) }) ||
			labels && !slices.ContainsFunc(cases, func(want string) bool { return isCase(s, want) })
	})
	if len(kept) == 0 && len(runs) > 0 {
		return nil, usagef("no run is of all that --case names: %s", strings.Join(cases, ", "))
	}
	return kept, nil
}

// planOf plans the network and the faults of a run for a kernel that has everything: what the run's own kernel lacks is
// found out in its lab. The error for a mechanism that this version does not have is a *inject.MissingError; any other
// means that the scenario is wrong.
func planOf(s *language.Scenario) (*network.Topology, *fault.Plan, error) {
	topology, err := network.Lay(s)
	if err != nil {
		return nil, nil, err
	}
	plan, err := fault.Compile(s, topology, fault.Features{Netem: true})
	return topology, plan, err
}

// planAll returns what is wrong with the plans of a file's runs, each mistake once.
func planAll(runs []*language.Scenario) error {
	var errs []error
	said := map[string]bool{}
	for _, s := range runs {
		_, _, err := planOf(s)
		var lacking *inject.MissingError
		if err != nil && !errors.As(err, &lacking) && !said[err.Error()] {
			said[err.Error()] = true
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func isFamily(s *language.Scenario, want string) bool { return want == string(s.Family) }

// isCase reports whether want names the run's case: its label, or one of its parameters as name=value.
func isCase(s *language.Scenario, want string) bool {
	if want == s.Case && want != "" {
		return true
	}
	name, value, ok := strings.Cut(want, "=")
	if !ok {
		return false
	}
	has, ok := s.Params[name]
	return ok && has == value
}

// knownCases says which cases there are to choose from.
func knownCases(runs []*language.Scenario) string {
	var labels []string
	for _, s := range runs {
		if s.Case != "" && !slices.Contains(labels, s.Case) {
			labels = append(labels, s.Case)
		}
	}
	switch {
	case len(labels) == 0:
		return "the scenario has no cases"
	case len(labels) > 20:
		return fmt.Sprintf("there are %d, halfopen show NAME lists them", len(labels))
	}
	return "there are " + strings.Join(labels, ", ")
}
