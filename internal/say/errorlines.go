package say

import "strings"

// ErrorLines returns the message of an error for a terminal: one line, or a line for each of the
// errors that [errors.Join] joined. Every other line break is escaped as by [Printable]: it is part
// of a file name or of another text from outside, and must not begin a line.
func ErrorLines(err error) string {
	var parts []error
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		parts = e.Unwrap()
	case interface{ Unwrap() error }:
		parts = []error{e.Unwrap()}
	}
	var b strings.Builder
	rest := err.Error()
	for i, part := range parts {
		if part == nil {
			continue
		}
		before, after, found := strings.Cut(rest, part.Error())
		if !found {
			return Printable(err.Error())
		}
		if i > 0 && before == "\n" {
			b.WriteString(before)
		} else {
			b.WriteString(Printable(before))
		}
		b.WriteString(ErrorLines(part))
		rest = after
	}
	b.WriteString(Printable(rest))
	return b.String()
}
