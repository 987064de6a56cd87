package harness

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/codec"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// The lab gets every scenario as a stored trace has it.
func TestJobsComeAsTheyAreStored(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	jobs := 0
	for _, f := range files {
		cases, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range cases {
			jobs++
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var want language.Scenario
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			var pipe bytes.Buffer
			if err := codec.NewEncoder(&pipe).Encode(&order{Job: &job{Scenario: s, Seed: 7}}); err != nil {
				t.Fatalf("%s: %v", s.ID(), err)
			}
			var got order
			if err := codec.NewDecoder(&pipe).Decode(&got); err != nil {
				t.Fatalf("%s: %v", s.ID(), err)
			}
			again, err := json.Marshal(got.Job.Scenario)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(text), string(again)); diff != "" || got.Job.Seed != 7 {
				t.Errorf("%s, seed %d (-sent +got):\n%s", s.ID(), got.Job.Seed, diff)
			}
			if wantEstimate := want.Estimate(); got.Job.Scenario.Estimate() != wantEstimate {
				t.Errorf("%s: estimate %v, from JSON %v", s.ID(), got.Job.Scenario.Estimate(), wantEstimate)
			}
		}
	}
	if jobs == 0 {
		t.Error("the library has no cases: the test proves nothing")
	}
}
