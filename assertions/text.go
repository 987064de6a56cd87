package assertions

import (
	"fmt"
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
		v.saw(WrongText, want.Holds(got.text), wanted, seen)
	case want.Is != nil && !strings.HasPrefix(strings.TrimSpace(*want.Is), strings.TrimSpace(got.text)):
		v.saw(WrongText, false, wanted, seen) // whatever comes after it
	case want.Contains == nil:
		v.unseen(wanted, seen, fmt.Sprintf("wanted %s, but only %s were kept, and a part is "+
			"enough for contains alone", wanted, got.part()))
	case want.Holds(got.text), want.Holds(got.end):
		v.saw(WrongText, true, wanted, seen)
	default:
		v.unseen(wanted, seen, fmt.Sprintf("wanted %s, and it is not in %s, which were kept", wanted,
			got.part()))
	}
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
