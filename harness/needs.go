package harness

import (
	"os/exec"
	"path/filepath"
	"slices"

	"halfopen/inject"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// rootPrograms are where the programs of root are. Programs of a lab have them in their PATH.
var rootPrograms = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// CheckNeeds returns an *inject.MissingError with what a scenario needs (its key needs) and this
// machine does not have. Within a lab, it looks in the root directory of the lab's programs.
func CheckNeeds(s *language.Scenario) error {
	var missing []string
	for _, need := range s.Needs {
		placed := slices.ContainsFunc(s.Files, func(f language.PlacedFile) bool { return f.Path == need })
		if !placed && !installed(need) {
			missing = append(missing, need)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	feature := "the program " + missing[0]
	if len(missing) > 1 {
		feature = "the programs " + say.List(missing)
	}
	return &inject.MissingError{Feature: feature, NeededBy: s.Name, Remedy: "install what is missing"}
}

// installed reports whether a program is in PATH, or whether an absolute path, or pattern, exists.
func installed(need string) bool {
	if filepath.IsAbs(need) {
		found, err := filepath.Glob(need)
		return err == nil && len(found) > 0
	}
	if _, err := exec.LookPath(need); err == nil {
		return true
	}
	for _, dir := range rootPrograms {
		if _, err := exec.LookPath(filepath.Join(dir, need)); err == nil {
			return true
		}
	}
	return false
}
