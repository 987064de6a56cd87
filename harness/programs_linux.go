package harness

import (
	"fmt"
	"os/exec"

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
