package harness_test

import "testing"

// TestThesePass runs scenarios that are no lessons for the library, but were once judged wrong:
// each of their cases must pass.
func TestThesePass(t *testing.T) {
	needLab(t)
	for _, j := range runAll(t, casesOf(t, "testdata/pass/*.yaml")) {
		for _, line := range j.failures() {
			t.Errorf("%s %s %s: %s", j.scenario.Name, j.scenario.Case, j.scenario.Family, line)
		}
	}
}
