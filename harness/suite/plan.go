package suite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"halfopen/harness/suite/result"
	"halfopen/internal/version"
	"halfopen/scenarios/language"
)

// Plan says what all shards of the suite run together. Shards of the same cases and options have the same.
func (s *Suite) Plan() (*result.Plan, error) {
	p := &result.Plan{Version: version.String(), Seed: s.o.Seed, Repeat: max(s.o.Repeat, 1), Kernels: []string{}}
	p.Runs = firstIndex(len(s.Runs), p.Repeat)
	runs := sha256.New()
	known := map[*language.Scenario][]byte{} // a case may be run on several kernels
	for i := range s.Runs {
		r := &s.Runs[i]
		if name := r.Place.KernelName(); !slices.Contains(p.Kernels, name) {
			p.Kernels = append(p.Kernels, name)
		}
		text := known[r.Scenario]
		if text == nil {
			var err error
			if text, err = withoutPath(r.Scenario); err != nil {
				return nil, fmt.Errorf("hashing the plan of %s: %w", r.ID(), err)
			}
			known[r.Scenario] = text
		}
		// The text is JSON without line breaks.
		fmt.Fprintf(runs, "%s\n%s warp=%t\n", text, r.Place.KernelName(), r.Place.Warp)
	}
	p.RunsSHA256 = hex.EncodeToString(runs.Sum(nil))
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("hashing the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	p.SHA256 = hex.EncodeToString(sum[:])
	return p, nil
}

// withoutPath returns a scenario as JSON, without the path of its file: two machines may have the same
// file in different folders.
func withoutPath(s *language.Scenario) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil || s.Pos.File == "" {
		return text, err
	}
	path, err := json.Marshal(s.Pos.File)
	return bytes.ReplaceAll(text, path, []byte(`""`)), err
}
