package harness

import (
	"fmt"
	"os/exec"

	"halfopen/inject"
	"halfopen/scenarios/language"
)

// checkPrograms says which program that an exec step names is not on this machine, before anything is built for it. What a
// shell is to find is left to the shell.
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
