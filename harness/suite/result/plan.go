package result

import (
	"fmt"
	"slices"
	"strings"
)

// Plan says what all shards of a suite run together. Results of one plan can be joined.
type Plan struct {
	// SHA256 is the hash of all that follows, in hex.
	SHA256 string `json:"sha256"`
	// Version is the version of halfopen.
	Version string `json:"version"`
	Seed    uint64 `json:"seed,string"`
	// Runs is the number of runs of all shards, with each repetition; Repeat is how often each is done.
	Runs   int `json:"runs"`
	Repeat int `json:"repeat"`
	// Kernels are those of the places of runs, in the order of the runs.
	Kernels []string `json:"kernels"`
	// RunsSHA256 is the hash of what is run, in order: scenarios with their parameters set, cases, IP
	// versions and places. It does not depend on where the files of scenarios are.
	RunsSHA256 string `json:"runs_sha256"`
}

// Differences says how another plan differs from p, a phrase each: "seed 8, not 7". There are none if
// the hashes are the same.
func (p *Plan) Differences(other *Plan) []string {
	if other.SHA256 == p.SHA256 {
		return nil
	}
	var all []string
	differ := func(what string, is, not any) {
		if fmt.Sprint(is) != fmt.Sprint(not) {
			all = append(all, fmt.Sprintf("%s %v, not %v", what, is, not))
		}
	}
	differ("halfopen", other.Version, p.Version)
	differ("seed", other.Seed, p.Seed)
	differ("repetitions", other.Repeat, p.Repeat)
	if !slices.Equal(other.Kernels, p.Kernels) {
		differ("kernels", strings.Join(other.Kernels, ", "), strings.Join(p.Kernels, ", "))
	}
	switch {
	case other.Runs != p.Runs && other.Repeat == p.Repeat:
		differ("runs", other.Runs, p.Runs)
	case other.RunsSHA256 != p.RunsSHA256:
		all = append(all, "other scenarios, parameters or places")
	}
	if len(all) == 0 {
		differ("plan", short(other.SHA256), short(p.SHA256))
	}
	return all
}

// short is the beginning of a hash.
func short(sum string) string { return fmt.Sprintf("%.12s", sum) }
