package language

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loadValid loads and expands a file in testdata/valid.
func loadValid(t *testing.T, name string) []*Scenario {
	t.Helper()
	f, err := Load(filepath.Join("testdata", "valid", name))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestExpandedScenariosSurviveJSON(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("testdata", "valid"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			for _, want := range loadValid(t, e.Name()) {
				data, err := json.Marshal(want)
				if err != nil {
					t.Fatal(err)
				}
				got := &Scenario{}
				if err := json.Unmarshal(data, got); err != nil {
					t.Fatal(err)
				}
				got.Dir, got.Source = want.Dir, want.Source // of this machine
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", want.ID(), diff)
				}
			}
		})
	}
}
