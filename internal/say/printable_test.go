package say

import "testing"

func TestPrintable(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain text":                    {`echo "a\b" 'c'`, `echo "a\b" 'c'`},
		"letters of any script":         {"ẞ 全角 naïve ✗", "ẞ 全角 naïve ✗"},
		"nothing":                       {"", ""},
		"line breaks":                   {"true\nfalse\r\n", `true\nfalse\r\n`},
		"a tab":                         {"a\tb", `a\tb`},
		"an escape sequence":            {"a\x1b]0;PWNED\a\x1b[2Jb", `a\x1b]0;PWNED\a\x1b[2Jb`},
		"a control sequence introducer": {"a\u009b2Jb", `a\u009b2Jb`},
		"bytes that are not UTF-8":      {"a\xff\xfeb", `a\xff\xfeb`},
		"the mark of bytes not UTF-8":   {"a\ufffdb", "a\ufffdb"},
		"a turn of direction":           {"a\u202egnp.exe", `a\u202egnp.exe`},
		"a joiner without a width":      {"a\u200db", `a\u200db`},
		"line and paragraph separators": {"a\u2028b\u2029c", `a\u2028b\u2029c`},
		"spaces other than ASCII":       {"a\u00a0b", `a\u00a0b`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Printable(test.text); got != test.want {
				t.Errorf("Printable(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}
