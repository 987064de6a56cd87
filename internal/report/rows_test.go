package report

import (
	"regexp"
	"strings"
	"testing"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A command is shortened, and its result stays.
func TestRowsFitTheirColumns(t *testing.T) {
	long := row{text: "exec(sh -c sleep 1; echo some more words)", end: " = exit 3 after 1.002s"}
	for name, test := range map[string]struct {
		row   row
		width int
		want  string
	}{
		"there is room for all":             {long, 80, "exec(sh -c sleep 1; echo some more words) = exit 3 after 1.002s"},
		"the call is shortened":             {long, 46, "exec(sh -c sleep 1; ec…) = exit 3 after 1.002s"},
		"only the name of the call stays":   {long, 29, "exec(…) = exit 3 after 1.002s"},
		"the start of a step":               {row{text: long.text, end: " ..."}, 20, "exec(sh -c sle…) ..."},
		"a long result, and its duration":   {row{text: long.text, end: " = not possible: starting it: no such file or directory after 2ms"}, 40, "exec(…) = not possible: start… after 2ms"},
		"an execution other than the first": {row{text: "send(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\") #12", end: " = EPIPE"}, 30, "send(\"aaaaaaaaaa…) #12 = EPIPE"},
		"several lines":                     {row{text: "exec(sh -c true\ntrue)", end: " = exit 0"}, 60, `exec(sh -c true\ntrue) = exit 0`},
		"escape sequences":                  {row{text: "exec(\x1b[2J)", end: " = \x1b]0;x\a"}, 60, `exec(\x1b[2J) = \x1b]0;x\a`},
		"wide characters":                   {row{text: "exec(echo 全角全角全角)", end: " = exit 0"}, 24, "exec(echo 全…) = exit 0"},
		"a text without a result":           {row{text: "note: something that is long"}, 10, "note: som…"},
		"no room at all":                    {long, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.row.fit(test.width, "…")
			if got != test.want {
				t.Errorf("in %d columns: %q, want %q", test.width, got, test.want)
			}
			if n := widthOf(got); n > test.width {
				t.Errorf("%q has %d columns, want at most %d", got, n, test.width)
			}
		})
	}
}

// A step has one row, with its result, whatever its arguments are.
func TestStepsOfAnyTextHaveOneRow(t *testing.T) {
	for name, command := range map[string]string{
		"of two lines":             "true\ntrue",
		"longer than the ladder":   strings.Repeat("true; ", 100),
		"of a terminal's commands": "printf '\x1b[2J\x1b]0;PWNED\a\u202e\r'",
		"in wide characters":       "echo " + strings.Repeat("全角", 60),
		"that is not UTF-8":        "echo \xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			step := language.Step{ID: "exec", Op: language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", command}}}}}
			s := &language.Scenario{
				Hosts:  []language.Host{{Name: "client"}, {Name: "server"}},
				Actors: []language.Actor{{Name: "client", Host: "client", Steps: []language.Step{step}}, {Name: "server", Host: "server", Steps: []language.Step{step}}},
			}
			l := newLab(t, false)
			l.step(0, 5*ms, trace.Step{Actor: "client", Op: "exec", Exit: 3})
			l.step(6*ms, 9*ms, trace.Step{Actor: "server", Op: "exec", Exit: 4})
			tr := l.end(10 * ms)
			for _, width := range []int{60, 80, 120} {
				got := Ladder(s, tr, LadderOptions{Width: width})
				lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
				if len(lines) != 5 || !strings.Contains(lines[2], " = exit 3 after 5ms") || !strings.Contains(lines[4], " = exit 4 after 3ms") {
					t.Errorf("want a heading and 4 rows with both results, got\n%s", got)
				}
				for _, line := range lines {
					if n := widthOf(line); n > width || strings.ContainsAny(line, "\x1b\a\r\u202e") {
						t.Errorf("%d columns of %d: %q", n, width, line)
					}
				}
			}
		})
	}
}

func TestWideCharactersTakeTwoCells(t *testing.T) {
	for name, test := range map[string]struct {
		draw func(*line)
		want string
	}{
		"side by side":                 {func(l *line) { l.put(1, "全角", plainText); l.put(7, "|", plainText) }, " 全角  |"},
		"cut at the edge":              {func(l *line) { l.put(5, "全角", plainText) }, "     全"},
		"their first half drawn over":  {func(l *line) { l.put(2, "全", plainText); l.put(2, "x", plainText) }, "  x"},
		"their second half drawn over": {func(l *line) { l.put(2, "全", plainText); l.put(3, "x", plainText) }, "   x"},
		"accents":                      {func(l *line) { l.put(0, "e\u0301x", plainText) }, "e\u0301x"},
		"an accent at the beginning":   {func(l *line) { l.put(0, "\u0301x", plainText) }, "x"},
		"control characters":           {func(l *line) { l.put(0, "\a\x1b", plainText) }, `\a\x1b`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(8)
			test.draw(l)
			if got := l.render(false); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Every line of a result for people fits its columns, however long the titles are.
func TestTextsOfARunFitTheirColumns(t *testing.T) {
	r := failing(t)
	long := strings.Repeat("many words of a title, ", 8)
	r.Scenario.Title = long
	for i := range r.Verdicts {
		r.Verdicts[i].Title += " " + long
	}
	for _, width := range []int{80, 100, 120} {
		for _, color := range []bool{false, true} {
			k := Look{Width: width, Color: color, Verbose: true}
			texts := map[string]string{"details": Details(r, k)}
			if width > 80 { // the table of states is wider
				texts["inspect"] = Inspect(r, k)
			}
			for name, text := range texts {
				for line := range strings.Lines(styling.ReplaceAllString(text, "")) {
					if n := widthOf(strings.TrimSuffix(line, "\n")); n > width {
						t.Errorf("%s in %d columns has a line of %d: %s", name, width, n, line)
					}
				}
			}
		}
	}
}

var styling = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Blanks in texts are evidence, too.
func TestWrappedTextsKeepTheirBlanks(t *testing.T) {
	r := failing(t)
	r.Verdicts[0].Want, r.Verdicts[0].Got = `text "a  b"`, `text "a b"`
	got := Details(r, Look{})
	for _, want := range []string{"       wanted  text \"a  b\"\n", "       saw     text \"a b\"\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
