package harness_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// measured matches the parts of a message that differ from run to run: times and ephemeral ports.
var measured = regexp.MustCompile(`-?\b[0-9.]+(µs|ms|s)\b|:[0-9]{5}\b`)

// TestWhatFailsSaysWhy runs a scenario that must fail for each kind of expectation, and for each
// requirement that every run must meet.
func TestWhatFailsSaysWhy(t *testing.T) {
	needLab(t)
	var b strings.Builder
	for _, j := range runAll(t, casesOf(t, "testdata/fail/*.yaml")) {
		if j.err != nil {
			t.Errorf("%s: %v", j.scenario.Name, j.err)
		}
		for _, v := range j.verdicts {
			if v.Status == assertions.Fail {
				fmt.Fprintf(&b, "%s\n  %s\n  wanted  %s\n  saw     %s\n", j.scenario.Name, v.Title, v.Want, mask(v.Got))
			}
		}
	}
	testlab.Golden(t, "testdata/fail/verdicts.golden", b.String())
}

// casesOf returns all cases of the scenarios in the files that a pattern matches.
func casesOf(t *testing.T, pattern string) []*language.Scenario {
	t.Helper()
	paths, err := filepath.Glob(pattern)
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
	return list
}

// mask hides measured values.
func mask(s string) string {
	return measured.ReplaceAllStringFunc(s, func(m string) string {
		if m[0] == ':' {
			return ":PORT"
		}
		return "TIME"
	})
}
