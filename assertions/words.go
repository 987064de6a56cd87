package assertions

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
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

// textHolds reports whether a text is as wanted.
func textHolds(t *language.Text, got string) bool {
	switch {
	case t.Is != nil:
		return strings.TrimSpace(got) == strings.TrimSpace(*t.Is)
	case t.Contains != nil:
		return strings.Contains(got, *t.Contains)
	case t.Matches != nil:
		re, err := regexp.Compile(*t.Matches)
		return err == nil && re.MatchString(got)
	case t.Number != nil:
		n, err := strconv.ParseInt(strings.TrimSpace(got), 10, 64)
		return err == nil && t.Number.Contains(n)
	}
	return true
}

// quoted writes a text that was seen, cut if it is long.
func quoted(text string) string {
	const most = 200
	if len(text) > most {
		return fmt.Sprintf("%s and %d more bytes", strconv.Quote(text[:most]), len(text)-most)
	}
	return strconv.Quote(text)
}
