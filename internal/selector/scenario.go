package selector

import (
	"slices"

	"halfopen/scenarios/language"
)

// AskForPayload reports whether a selector of a fault or an expectation of the scenario needs the
// bytes of payloads.
func AskForPayload(s *language.Scenario) bool {
	return slices.ContainsFunc(s.Selectors(), NeedsPayload)
}
