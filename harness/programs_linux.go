package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"halfopen/harness/internal/sandbox"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// checkPrograms checks, before anything is built, that this machine has the programs that exec
// steps name. Programs that a shell runs are left to the shell.
func checkPrograms(s *language.Scenario) error {
	var missing error
	for a := range s.Actors {
		language.EachStep(s.Actors[a].Steps, func(st *language.Step) {
			if missing != nil || st.Op.Exec == nil || len(st.Op.Exec.Command) < 2 {
				return
			}
			program := st.Op.Exec.Command[0]
			if _, err := exec.LookPath(program); err != nil {
				missing = &inject.MissingError{
					Feature:  "the program " + program,
					NeededBy: fmt.Sprintf("%s: step %s.%s", st.Pos, s.Actors[a].Name, st.ID),
					Remedy:   "install it, or give its path",
				}
			}
		})
	}
	return missing
}

// rootFor returns the root directory for the programs of a run. The directory of the scenario stays
// visible, and programs that commands name by an absolute path, though they are in /tmp or another
// folder that is private.
func rootFor(j *job) *sandbox.Root {
	root := &sandbox.Root{Writable: j.Writable}
	if j.Dir != "" {
		root.Shown = append(root.Shown, j.Dir)
	}
	for i := range j.Scenario.Actors {
		language.EachStep(j.Scenario.Actors[i].Steps, func(st *language.Step) {
			if st.Op.Exec != nil {
				root.Shown = append(root.Shown, executables(st.Op.Exec.Command)...)
			}
		})
	}
	return root
}

// executables returns the executable files that are named by their absolute path in a command, which
// may be a text for the shell.
func executables(command []string) []string {
	var paths []string
	for _, text := range command {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool {
			return strings.ContainsRune(" \t\n;&|<>()`'\"=$", r)
		}) {
			if !filepath.IsAbs(word) {
				continue
			}
			info, err := os.Stat(word)
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				paths = append(paths, filepath.Clean(word))
			}
		}
	}
	return paths
}
