package main

import (
	"errors"
	"runtime"
	"slices"
	"strings"

	"halfopen/harness"
	"halfopen/inject"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// needed returns what a scenario needs on the machine, in words, with a mark at what is missing here;
// "" if it needs nothing.
func needed(s *language.Scenario) string {
	words := slices.Clone([]string(s.Needs))
	for i, need := range words {
		if missingHere(language.Names{need}) != nil {
			words[i] += " (missing here)"
		}
	}
	return strings.Join(words, ", ")
}

// missingHere returns an *inject.MissingError if this machine does not have all the programs. Only on
// Linux they matter.
func missingHere(needs language.Names) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	return harness.CheckNeeds(&language.Scenario{Needs: needs})
}

// libraryNeeds returns an *inject.MissingError if this machine does not have all programs of the library.
func libraryNeeds() error {
	files, err := scenarios.Library()
	if err != nil {
		return err
	}
	var all language.Names
	for _, f := range files {
		runs, err := f.Expand(nil)
		if err != nil {
			return err
		}
		for _, s := range runs {
			all = append(all, s.Needs...)
		}
	}
	slices.Sort(all)
	err = missingHere(slices.Compact(all))
	if missing := (*inject.MissingError)(nil); errors.As(err, &missing) {
		missing.Remedy = "install what is missing; from a checkout, on Debian: make deps-programs"
	}
	return err
}
