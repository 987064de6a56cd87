package harness

import (
	"fmt"

	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// checkPorts checks that the lab may bind the ports that steps name: a container runtime may withhold
// from root what every other lab has. The error is an *inject.MissingError.
func checkPorts(s *language.Scenario) error {
	a, st := s.LowPort()
	if st == nil {
		return nil
	}
	return neededBy(kernel.CheckPortCapabilities(),
		fmt.Sprintf("%s: the port below 1024 of step %s.%s", st.Pos, a.Name, st.ID))
}
