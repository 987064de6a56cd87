package say

import (
	"os/exec"
	"testing"
)

// The shell itself takes what ShellWord returns as the one word that was given.
func TestAShellTakesTheWordAsItIs(t *testing.T) {
	for _, word := range []string{
		"plain-1.2/x", "", "two words", "it's", "a\nb", "$(id)", "`id`", "\\", "*", "!", "~", "#", "[a]", "a=b", "é",
	} {
		out, err := exec.Command("sh", "-c", "printf %s "+ShellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q, %v; want %q", out, err, word)
		}
	}
}

func TestShellWordQuotesOnlyWhatNeedsIt(t *testing.T) {
	for word, want := range map[string]string{
		"a/b-c_1.yaml": "a/b-c_1.yaml", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "x;y": "'x;y'",
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", word, got, want)
		}
	}
}

func TestAShellLineIsOneLineThatATerminalShows(t *testing.T) {
	for _, arg := range []string{
		"plain", "", "it's a \"word\"", "a\nb", "ends\n\n", "\x1b[31mred", "%d\\n\t'$x`id`", "\u202eturned", "not UTF-8 \xff\xfe", "\n",
		"\u202e$HOME's\n", "100%\r\n",
	} {
		line := ShellLine("printf", "[%s]", arg, arg+"1")
		if Printable(line) != line {
			t.Errorf("%q: the line %q is not what a terminal shows", arg, line)
		}
		out, err := exec.Command("sh", "-c", line).Output()
		if want := "[" + arg + "][" + arg + "1]"; err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", line, out, err, want)
		}
	}
}
