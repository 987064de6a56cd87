package main

import (
	"strings"

	"halfopen/harness/suite"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// selection is the cases and scenarios that the command line asks for.
type selection struct {
	args  []string
	set   map[string]string
	cases []string
	only  filter
	// keepGoing collects wrong files in refused, and selects among the others.
	keepGoing bool
	refused   []wrongFile

	// shared are the names that several of the files have, whichever of them are selected; resolve sets
	// it.
	shared map[string]bool
}

// resolve finds the scenarios, expands them and picks the cases.
func (sel *selection) resolve() ([]*language.Scenario, error) {
	files, err := sel.files()
	if err != nil {
		return nil, err
	}
	sel.shared = sharedNames(files)
	if len(files) > 0 || len(sel.refused) == 0 {
		if files, err = sel.only.keep(files); err != nil {
			return nil, err
		}
	}
	cases, err := sel.expand(files)
	if err != nil {
		return nil, &statusError{statusUsage, err}
	}
	if len(cases) == 0 && len(sel.refused) > 0 {
		return nil, nil
	}
	if cases, err = suite.Pick(cases, sel.cases...); err != nil {
		return nil, &statusError{statusUsage, err}
	}
	return cases, nil
}

// sharedNames returns the names of scenarios that several files have.
func sharedNames(files []*language.File) map[string]bool {
	seen, shared := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		shared[f.Name] = shared[f.Name] || seen[f.Name]
		seen[f.Name] = true
	}
	return shared
}

// files returns the scenario files that the arguments name, each once; without arguments, the whole library.
func (sel *selection) files() ([]*language.File, error) {
	if len(sel.args) == 0 {
		return scenarios.Library()
	}
	if sel.keepGoing {
		var files []*language.File
		files, sel.refused = findEach(sel.args...)
		return files, nil
	}
	files, err := find(sel.args...)
	if err != nil {
		return nil, &statusError{statusUsage, err}
	}
	return files, nil
}

// expand returns the cases of the files.
func (sel *selection) expand(files []*language.File) ([]*language.Scenario, error) {
	if !sel.keepGoing || len(files) == 0 {
		return suite.Expand(files, sel.set)
	}
	cases, wrong, err := suite.ExpandEach(files, sel.set)
	for i, mistakes := range wrong {
		if mistakes != nil {
			sel.refused = append(sel.refused, wrongFile{files[i].Path, mistakes})
		}
	}
	return cases, err
}

// parseSet reads the values of --set.
func parseSet(flags []string) (map[string]string, error) {
	set := map[string]string{}
	for _, text := range flags {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usagef("--set %q: want NAME=VALUE", text)
		}
		if _, twice := set[name]; twice {
			return nil, usagef("--set %s is given twice", name)
		}
		set[name] = value
	}
	return set, nil
}
