package say

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ShellWord quotes an argument for a POSIX shell if it needs that: the shell takes it as one word,
// whatever it has.
func ShellWord(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_./:=,@%+^", r)
	}
	if arg != "" && strings.TrimFunc(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// ShellLine returns a command as one line for a POSIX shell, which a terminal shows as it is: what
// Printable would change comes from printf(1).
func ShellLine(args ...string) string {
	var before, line strings.Builder
	for i, arg := range args {
		if i > 0 {
			line.WriteByte(' ')
		}
		switch {
		case Printable(arg) == arg:
			line.WriteString(ShellWord(arg))
		case strings.HasSuffix(arg, "\n"):
			// $(...) drops the line breaks at the end.
			fmt.Fprintf(&before, "a%d=$(printf '%s.'); ", i, printfFormat(arg))
			fmt.Fprintf(&line, `"${a%d%%.}"`, i)
		default:
			fmt.Fprintf(&line, `"$(printf '%s')"`, printfFormat(arg))
		}
	}
	return before.String() + line.String()
}

// printfFormat returns the format with which printf(1) prints a text, for single quotes.
func printfFormat(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\\' || r == '%':
			b.WriteString(strings.Repeat(string(r), 2))
		case r == '\'':
			b.WriteString(`'\''`)
		case strconv.IsPrint(r) && (r != utf8.RuneError || n > 1):
			b.WriteRune(r)
		default:
			for _, c := range []byte(rest[:n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		rest = rest[n:]
	}
	return b.String()
}
