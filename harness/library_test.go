package harness_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/inject"
	"halfopen/internal/testlab"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// short is how long a run of the library may take in these tests; longer ones run on demand by the
// command.
const short = 20 * time.Second

// atOnce is how many labs run at a time in tests that do not leave it to a suite, and under the race
// detector, whose processes do more than wait.
var atOnce = 8 * runtime.NumCPU()

// judged is a run and its outcome.
type judged struct {
	scenario *language.Scenario
	verdicts []assertions.Verdict
	err      error
}

// skips reports whether an expectation with that text was skipped.
func (j *judged) skips(text string) bool {
	return slices.ContainsFunc(j.verdicts, func(v assertions.Verdict) bool {
		return v.Status == assertions.Skip && strings.Contains(v.Title, text)
	})
}

// inconclusive returns a line for each verdict that the machine was too late for.
func (j *judged) inconclusive() []string {
	var lines []string
	for _, v := range j.verdicts {
		if v.Status == assertions.Inconclusive {
			lines = append(lines, fmt.Sprintf("%s: %s; inconclusive: %s", v.Pos, v.Title, v.Reason))
		}
	}
	return lines
}

// failures returns a line for each failed verdict, and one for the error of a run that broke off.
func (j *judged) failures() []string {
	var lines []string
	if j.err != nil {
		lines = append(lines, j.err.Error())
	}
	for _, v := range j.verdicts {
		if v.Status == assertions.Fail {
			lines = append(lines, fmt.Sprintf("%s: %s; %s", v.Pos, v.Title, v.Reason))
		}
	}
	return lines
}

// runAll runs scenarios on this machine and judges them, as the command does: some at a time, and
// again alone what was inconclusive.
func runAll(t *testing.T, list []*language.Scenario) []judged {
	t.Helper()
	return runWith(t, list, suite.Options{Long: true})
}

// runWith is runAll with options of the suite: without Long, long runs are in warped time if there
// are virtual machines.
func runWith(t *testing.T, list []*language.Scenario, o suite.Options) []judged {
	t.Helper()
	o.Seed, o.Named = 1, true
	if raceEnabled {
		o.Jobs = atOnce
	}
	s, err := suite.New(list, o)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(results.Kept) != len(list) {
		t.Fatalf("%d of %d runs began", len(results.Kept), len(list))
	}
	out := make([]judged, len(list))
	for i := range results.Kept {
		r := &results.Kept[i]
		out[i] = judged{scenario: r.Scenario, verdicts: r.Verdicts, err: r.Err}
		if len(r.Verdicts) > 0 {
			out[i].err = nil // it says that every expectation was skipped
		}
	}
	return out
}

func TestLibraryPasses(t *testing.T) {
	needLab(t)
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	var list []*language.Scenario
	for _, f := range files {
		runs, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		if raceEnabled {
			runs = runs[:1] // the race detector finds nothing new in the others; .ci/run runs them all without it
		}
		for _, s := range runs {
			if s.Estimate() < short {
				list = append(list, s)
			}
		}
	}
	for _, j := range runAll(t, list) {
		t.Run(strings.ReplaceAll(j.scenario.ID(), " ", "/"), func(t *testing.T) {
			testlab.Supported(t, harness.CheckNeeds(j.scenario))
			for _, line := range append(j.failures(), j.inconclusive()...) {
				t.Error(line)
			}
		})
	}
}

// mutation removes the illness, or the cure, from a scenario, which must then fail.
type mutation struct {
	Scenario string
	// Case is a label, an IP family, or "" for the first run.
	Case string
	// What says in words what the mutation removes.
	What string
	// Replace must occur once in the file; By takes its place.
	Replace, By string
	// Fails must occur in the title or the reason of a failed expectation.
	Fails string
}

func readMutations(t *testing.T) []mutation {
	t.Helper()
	paths, err := filepath.Glob("../scenarios/testdata/mutations/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no mutations: %v", err)
	}
	var all []mutation
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var list []mutation
		dec := yaml.NewDecoder(strings.NewReader(string(src)))
		dec.KnownFields(true)
		if err := dec.Decode(&list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, list...)
	}
	return all
}

// apply returns the mutated scenario's run.
func (m *mutation) apply() (*language.Scenario, error) {
	file, err := scenarios.Builtin(m.Scenario)
	if err != nil {
		return nil, err
	}
	src, err := os.ReadFile(filepath.Join("..", "scenarios", file.Path))
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(src), m.Replace); n != 1 {
		return nil, fmt.Errorf("%q occurs %d times in %s, must occur once", m.Replace, n, file.Path)
	}
	mutated, err := language.Parse(file.Path, []byte(strings.Replace(string(src), m.Replace, m.By, 1)))
	if err != nil {
		return nil, err
	}
	runs, err := mutated.Expand(nil)
	if err != nil {
		return nil, err
	}
	for _, s := range runs {
		if m.Case == "" || m.Case == s.Case || m.Case == string(s.Family) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s has no case %q", m.Scenario, m.Case)
}

// A mutation whose text no longer occurs in its scenario is found without a lab.
func TestMutationsApply(t *testing.T) {
	for _, m := range readMutations(t) {
		if _, err := m.apply(); err != nil {
			t.Errorf("%s: %s: %v", m.Scenario, m.What, err)
		}
	}
}

func TestMutationsFail(t *testing.T) {
	needLab(t)
	mutations := readMutations(t)
	var list []*language.Scenario
	for i := range mutations {
		s, err := mutations[i].apply()
		if err != nil {
			t.Fatalf("%s: %s: %v", mutations[i].Scenario, mutations[i].What, err)
		}
		list = append(list, s)
	}
	for i, j := range runWith(t, list, suite.Options{}) {
		m := mutations[i]
		t.Run(m.Scenario+"/"+m.What, func(t *testing.T) {
			testlab.Supported(t, harness.CheckNeeds(j.scenario))
			if j.err != nil {
				t.Fatal(j.err)
			}
			for attempt := 1; attempt < 3 && !says(j.failures(), m.Fails) && says(j.inconclusive(), m.Fails); attempt++ {
				// Something else failed, so the suite did not repeat it.
				j = runWith(t, list[i:i+1], suite.Options{})[0]
			}
			lines := j.failures()
			if says(lines, m.Fails) {
				return
			}
			for _, v := range j.verdicts {
				if v.Status == assertions.Skip && strings.Contains(v.Title, m.Fails) {
					testlab.Supported(t, &inject.MissingError{Feature: v.Title, Err: errors.New(v.Reason)})
				}
			}
			t.Errorf("no failed expectation says %q; failed:\n%s", m.Fails, strings.Join(append(lines, j.inconclusive()...), "\n"))
		})
	}
}

func says(lines []string, text string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) })
}

func TestEveryScenarioHasAMutation(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, m := range readMutations(t) {
		has[m.Scenario] = true
	}
	for _, f := range files {
		if !has[f.Name] {
			t.Errorf("%s may pass vacuously: no mutation of it is known to fail", f.Path)
		}
	}
}
