package say

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for name, test := range map[string]struct{ first, rest, text, want string }{
		"a text that fits":              {"", "", "one two", "one two"},
		"nothing":                       {"  - ", "    ", "", "  -"},
		"a text that does not":          {"", "", "one two three four", "one two|three four"},
		"a heading and a margin":        {"a: ", "   ", "one two three", "a: one two|   three"},
		"exactly the width":             {"", "", "12345 7890 b", "12345 7890|b"},
		"a word longer than a line":     {"> ", "  ", "a 123456789012 b", "> a|  123456789012|  b"},
		"a longer word first":           {"> ", "  ", "123456789012 b", "> 123456789012|  b"},
		"several blanks stay":           {"", "", `"a  b"`, `"a  b"`},
		"blanks where a line is broken": {"", "", "12345678   b", "12345678|b"},
		"line breaks and tabs":          {"", "", "a\nb\tc\r\nd", "a b c d"},
		"blanks around":                 {"- ", "", "\n a \n", "- a"},
		"an escape sequence":            {"", "", "a\x1b[2J b", `a\x1b[2J b`},
		"wide characters":               {"", "", "全角 全角 全角", "全角 全角|全角"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(Wrap(test.first, test.rest, test.text, 10), "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
