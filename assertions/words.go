package assertions

import (
	"fmt"
	"math"
	"strings"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// spanText writes a span as the scenario does, and the tolerance it is judged with.
func spanText(s *language.Span) string {
	switch {
	case s.Timer:
		return fmt.Sprintf("%s (%s to %s: a kernel timer is never early and at most 12.5 %% late)",
			s.Source, say.Duration(s.Min), say.Duration(s.Max))
	case s.Min != math.MinInt64 && s.Max != math.MaxInt64 && !strings.Contains(s.Source, ".."):
		return fmt.Sprintf("%s (%s to %s)", s.Source, say.Duration(s.Min), say.Duration(s.Max))
	}
	return s.Source
}
