package say

import "strings"

// Wrap breaks a text between words into lines of at most width columns, as far as its words allow.
// first is put before the first line, rest before each other line. Line breaks and tabs count as
// blanks. Several blanks in a row stay, except at the end of a line. What a terminal would not show
// as it is, is escaped as by [Printable].
func Wrap(first, rest, text string, width int) []string {
	var lines []string
	prefix, line, columns := first, first, Width(first)
	for word := range strings.SplitSeq(strings.TrimSpace(blanks.Replace(text)), " ") {
		word = Printable(word)
		taken, begun := Width(word), line != prefix
		switch {
		case begun && columns+1+taken > width:
			lines = append(lines, strings.TrimRight(line, " "))
			prefix, line, columns = rest, rest, Width(rest)
		case begun:
			line, columns = line+" ", columns+1
		}
		line, columns = line+word, columns+taken
	}
	return append(lines, strings.TrimRight(line, " "))
}

var blanks = strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ")
