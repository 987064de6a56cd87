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
	paths, err := filepath.Glob("testdata/fail/*.yaml")
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
	var b strings.Builder
	for _, j := range runAll(t.Context(), list) {
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

// mask hides measured values.
func mask(s string) string {
	return measured.ReplaceAllStringFunc(s, func(m string) string {
		if m[0] == ':' {
			return ":PORT"
		}
		return "TIME"
	})
}
