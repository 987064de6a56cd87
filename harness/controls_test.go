package harness_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/testlab"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// quick is how long each case of a scenario may take for its controls to be run here. The controls
// of all scenarios are run on demand: make test-control.
const quick = 2 * time.Second

func TestControlsProveTheLibrary(t *testing.T) {
	needLab(t)
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	var list []*language.Scenario
	for _, f := range files {
		cases, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(cases, func(s *language.Scenario) bool { return s.Estimate() > quick }) {
			continue
		}
		if err := harness.CheckNeeds(cases[0]); err != nil {
			t.Run(f.Name, func(t *testing.T) { testlab.Supported(t, err) })
			continue
		}
		for _, s := range cases {
			// The other IP version shows the same.
			if s.Family == s.IP[0] {
				list = append(list, s)
			}
		}
	}
	s, err := suite.New(list, suite.Options{Seed: 1, Control: true})
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results.Kept {
		r := &results.Kept[i]
		if r.Scenario.Without == nil && r.Status != suite.Pass {
			j := judged{scenario: r.Scenario, verdicts: r.Verdicts, err: r.Err}
			t.Errorf("%s: %s:\n%s", r.ID(), r.Status, strings.Join(j.failures(), "\n"))
		}
	}
	for _, c := range result.Controls(results.Kept) {
		t.Run(c.Scenario+"/"+c.Setting.String(), func(t *testing.T) {
			if c.Proof == result.Proven || c.Proof == result.Exempt {
				return
			}
			for i := range c.Runs {
				t.Errorf("%s: %s: %s", c.Setting.Pos, c.Runs[i].ID(), c.Runs[i].Why)
			}
		})
	}
}
