package language

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"halfopen/internal/code"
	"halfopen/internal/pattern"
	"halfopen/internal/say"
)

var (
	yamlLine  = pattern.New(`^(?:yaml: )?(?:line ([0-9]+): )?`)
	tabIndent = pattern.New(`^ *\t`)
	// bareParam matches an unquoted ${ within braces or brackets, where YAML takes its { for the
	// beginning of a mapping.
	bareParam = pattern.New(`^[^"'#]*[{[][^"'#]*\$\{`)
	// bareBound matches an unquoted range such as >= 2: to YAML, > begins a text of several lines.
	bareBound = pattern.New(`^[^"'#]*[:,[]\s*(>=?\s*[0-9][0-9a-zµ.]*)`)
	// bareQuestion matches an unquoted text with a ? within braces or brackets, where YAML takes the
	// ? for the beginning of a key.
	bareQuestion = pattern.New(`^(?:[^"'#{[]|` + quoted + `)*[{[](?:[^"'#]|` + quoted + `)*?` +
		`([^\s"'#,:{}\[\]]` + bareText + `*\?` + bareText + `*)`)
)

const (
	quoted = `"[^"]*"|'[^']*'`
	// bareText matches a character of an unquoted text within braces or brackets.
	bareText = `(?:[^"'#,:{}\[\]\n]|:[^\s,\]}])`
)

// yamlProblem returns the place of a YAML error, as far as it is known, and the problem. The parser
// names the line where the broken list or mapping begins, or none for the first line; from there on,
// yamlProblem looks for common causes.
func yamlProblem(err error, src []byte) (Pos, Problem) {
	wrong := func(format string, args ...any) Problem {
		return code.Errorf(code.InvalidYAML, "YAML: "+format, args...)
	}
	m := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1]) // absent means 0: no line
	problem := err.Error()[len(m[0]):]
	notExpected := strings.HasPrefix(problem, "did not find expected")
	inValue := strings.HasPrefix(problem, "mapping values are not allowed")
	if notExpected || line == 0 && inValue {
		line++ // these count from 0
	}
	n := 0
	for text := range bytes.Lines(src) {
		n++
		switch {
		case n < line-1:
		case tabIndent.Match(text):
			return Pos{Line: n, Col: 1}, wrong("the line is indented by a tab; want spaces")
		case bareParam.Match(text):
			return Pos{Line: n, Col: 1}, wrong(`%s; quote a ${...} within braces or brackets: "${name}"`, problem)
		default:
			if m := bareBound.FindSubmatchIndex(text); m != nil {
				return Pos{Line: n, Col: 1}, wrong("%s; quote a range: %q", problem, text[m[2]:m[3]])
			}
			if !inValue && !notExpected || inValue && n != line ||
				notExpected && !bytes.ContainsAny(text, "{[") {
				continue
			}
			if value, at := colonInValue(string(text)); value != "" {
				return Pos{Line: n, Col: at}, wrong(
					`%s; quote a text with ": " in it: %q`, problem, say.Clip(value))
			}
			if m := bareQuestion.FindSubmatchIndex(text); m != nil && notExpected {
				return Pos{Line: n, Col: utf8.RuneCount(text[:m[2]]) + 1}, wrong(
					"%s; quote a text with ? in it: %q", problem,
					say.Clip(string(bytes.TrimSpace(text[m[2]:m[3]]))))
			}
		}
	}
	pos := Pos{}
	if line > 0 {
		pos = Pos{Line: line, Col: 1}
	}
	return pos, wrong("%s", problem)
}

// colonInValue finds the first unquoted value of a line that has a colon and a blank in it, which
// begin a value in YAML. It returns the value, and the column of the colon.
func colonInValue(line string) (value string, col int) {
	line = strings.TrimRight(line, "\r\n")
	start, colon := -1, -1 // of the value; start is -1 before the first colon
	quote := byte(0)
	fresh := true // a quote may begin here
	for i := 0; i <= len(line); i++ {
		c := byte('\n')
		if i < len(line) {
			c = line[i]
		}
		switch {
		case c == '\n' || quote == 0 && strings.IndexByte(",[]{}", c) >= 0,
			quote == 0 && c == '#' && i > 0 && line[i-1] == ' ':
			if colon >= 0 {
				return strings.TrimSpace(line[start:i]), utf8.RuneCountInString(line[:colon]) + 1
			}
			if c == '#' {
				return "", 0
			}
			start, fresh, quote = -1, true, 0
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case fresh && (c == '"' || c == '\''):
			quote, fresh = c, false
		case c == ':' && (i+1 == len(line) || line[i+1] == ' '):
			switch {
			case start < 0:
				start, fresh = i+1, true
			case colon < 0:
				colon = i
			}
		case c != ' ' && c != '-':
			fresh = false
		}
	}
	return "", 0
}
