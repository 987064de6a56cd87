package assertions

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"halfopen/scenarios/language"
)

// brief writes a duration as a person reads it: three digits behind the point of its unit at most.
func brief(d time.Duration) string {
	switch size := d.Abs(); {
	case size >= time.Second && size < time.Hour:
		// In seconds, as kernel timers are told: 63.1s, not 1m3.1s.
		return strconv.FormatFloat(float64(d.Round(time.Millisecond).Milliseconds())/1000, 'f', -1, 64) + "s"
	case size >= time.Hour:
		return d.Round(time.Millisecond).String()
	case size >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// spanText is how a span was written, and with how much tolerance it is judged.
func spanText(s *language.Span) string {
	switch {
	case s.Timer:
		return fmt.Sprintf("%s (%s to %s: a kernel timer is never early and at most 12.5 %% late)", s.Source, brief(s.Min), brief(s.Max))
	case s.Min != math.MinInt64 && s.Max != math.MaxInt64 && !strings.Contains(s.Source, ".."):
		return fmt.Sprintf("%s (%s to %s)", s.Source, brief(s.Min), brief(s.Max))
	}
	return s.Source
}

// textWant says what a text must be.
func textWant(t *language.Text) string {
	switch {
	case t.Is != nil:
		return strconv.Quote(*t.Is)
	case t.Contains != nil:
		return "something that contains " + strconv.Quote(*t.Contains)
	case t.Matches != nil:
		return "something that matches /" + *t.Matches + "/"
	case t.Number != nil:
		return t.Number.Source
	}
	return "any text"
}

// textHolds reports whether a text is as it must be.
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

// quoted writes a text that was seen, cut where it is long.
func quoted(text string) string {
	const most = 200
	if len(text) > most {
		return fmt.Sprintf("%s and %d more bytes", strconv.Quote(text[:most]), len(text)-most)
	}
	return strconv.Quote(text)
}

// plural writes a number and its noun: "1 packet", "3 packets".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// didYouMean returns ` (did you mean "x"?)` for the candidate nearest to word, or "" if none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", max(2, len(word)/3)+1
	slices.Sort(candidates)
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// all joins words: "a, b and c".
func all(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
