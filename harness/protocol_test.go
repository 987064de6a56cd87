package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// The parent adds what a process said last only to the error of its death.
func TestADeathIsToldFromOtherFailures(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		died bool
	}{
		{"a death", fmt.Errorf("running the actors: %w", &deathError{"the process of actor client ended (exit status 2)"}), true},
		{"another failure", errors.New("opening sock_diag of server: socket: too many open files"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pipe bytes.Buffer
			if err := codec.NewEncoder(&pipe).Encode(&message{Failure: newFailure(tt.err)}); err != nil {
				t.Fatal(err)
			}
			var got message
			if err := codec.NewDecoder(&pipe).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if err := got.Failure.error(); err.Error() != tt.err.Error() || errors.Is(err, errDied) != tt.died {
				t.Errorf("%v (a death: %v), want %v", err, errors.Is(err, errDied), tt.err)
			}
		})
	}
}
