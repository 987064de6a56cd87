package assertions

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"halfopen/scenarios/language"
)

// seenText is a text that was seen, byte by byte.
type seenText struct {
	text string
	// cut is set if only the beginning was kept, and the end, if it is not "", of bytes in all; of is
	// 0 if that is not known.
	cut bool
	end string
	of  int64
}

// part says how much of a cut text is there: "the first 65536 and the last 16384 of 108899 bytes".
func (s *seenText) part() string {
	kept := fmt.Sprintf("the first %d", len(s.text))
	if s.end != "" {
		kept += fmt.Sprintf(" and the last %d", len(s.end))
	}
	if s.of > 0 {
		kept += fmt.Sprintf(" of %d", s.of)
	}
	return kept + " bytes"
}

// sawText records a text that is as wanted, or not. A text that was cut can contain what is wanted;
// whether it is equal, a number, or matches to its end, nobody knows: it fails.
func (v *draft) sawText(name string, want *language.Text, got seenText) {
	wanted, seen := name+" "+want.String(), name+" "+quoted(got)
	switch {
	case !got.cut:
		v.saw(textHolds(want, got.text), wanted, seen)
	case want.Is != nil && !strings.HasPrefix(strings.TrimSpace(*want.Is), strings.TrimSpace(got.text)):
		v.saw(false, wanted, seen) // whatever comes after it
	case want.Contains == nil:
		v.unseen(wanted, seen, fmt.Sprintf("wanted %s, but only %s were kept, and a part is "+
			"enough for contains alone", wanted, got.part()))
	case textHolds(want, got.text), textHolds(want, got.end):
		v.saw(true, wanted, seen)
	default:
		v.unseen(wanted, seen, fmt.Sprintf("wanted %s, and it is not in %s, which were kept", wanted,
			got.part()))
	}
}

// textHolds reports whether a text is as wanted. White space at both ends of what was seen, such as
// the final newline of a program, does not count.
func textHolds(t *language.Text, got string) bool {
	switch {
	case t.Is != nil:
		return strings.TrimSpace(got) == strings.TrimSpace(*t.Is)
	case t.Contains != nil:
		return strings.Contains(got, *t.Contains)
	case t.Matches != nil:
		re, err := regexp.Compile(*t.Matches)
		got = runes(got)
		return err == nil && (re.MatchString(got) || re.MatchString(strings.TrimSpace(got)))
	case t.Number != nil:
		n, err := strconv.ParseInt(strings.TrimSpace(got), 10, 64)
		return err == nil && t.Number.Contains(n)
	}
	return true
}

// runes makes a text for regular expressions, which take every byte that is not UTF-8 for the
// replacement character: it becomes a character of its own that nobody writes.
func runes(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	const private = 0x10FF00 // of the last private use area
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			r = private + rune(text[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}

// quoted writes a text that was seen, shortened if it is long.
func quoted(got seenText) string {
	const most = 200
	if total := max(got.of, int64(len(got.text))); total > most && len(got.text) > 0 {
		head := got.text[:min(most, len(got.text))]
		return fmt.Sprintf("%s and %d more bytes", strconv.Quote(head), total-int64(len(head)))
	}
	return strconv.Quote(got.text)
}

// printable writes a line with everything escaped that a terminal would not show as a character,
// and shortened if it is long.
func printable(line string) string {
	const most = 200
	more := ""
	if len(line) > most {
		line, more = line[:most], fmt.Sprintf(" and %d more bytes", len(line)-most)
	}
	var b strings.Builder
	for i, r := range line {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, line[i])
		case r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String() + more
}
