package suite

// withControls adds to each run its controls: the same run without each of the scenario's settings,
// at the same place. See [language.Scenario.Controls].
func withControls(runs []Run) []Run {
	var all []Run
	for _, r := range runs {
		all = append(all, r)
		for _, c := range r.Scenario.Controls() {
			all = append(all, Run{Scenario: c, Place: r.Place})
		}
	}
	return all
}
