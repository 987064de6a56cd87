package harness_test

import (
	"path/filepath"
	"testing"

	"halfopen/scenarios/language"
)

// TestThesePass runs scenarios that are no lessons for the library, but were once judged wrong:
// each of their cases must pass.
func TestThesePass(t *testing.T) {
	needLab(t)
	paths, err := filepath.Glob("testdata/pass/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var list []*language.Scenario
	for _, path := range paths {
		f, err := language.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, runs...)
	}
	for _, j := range runAll(t.Context(), list) {
		for _, line := range j.failures() {
			t.Errorf("%s %s %s: %s", j.scenario.Name, j.scenario.Case, j.scenario.Family, line)
		}
	}
}
