package say

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable returns text as one line that a terminal shows as it is: line breaks, control characters,
// invisible characters, such as those that turn the direction of writing, and bytes that are not
// UTF-8 become escapes as in Go: \n, \x1b, \u202e. Everything that came from a file, a packet or a
// program passes through it on its way to a terminal.
func Printable(text string) string {
	clean := strings.IndexFunc(text, func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError })
	if clean < 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text[:clean])
	for rest := text[clean:]; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		if strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteRune(r)
		} else {
			quoted := strconv.Quote(rest[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		rest = rest[n:]
	}
	return b.String()
}
