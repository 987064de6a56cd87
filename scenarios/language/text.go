package language

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Text matches a string: equal to it, containing it, or matching a regular expression. A plain text
// in YAML means equal. Exactly one field is set.
type Text struct {
	Is       *string `json:"is,omitempty" jsonschema_description:"Equal to this; white space at both ends does not count."`
	Contains *string `json:"contains,omitempty" jsonschema_description:"Contains this."`
	Matches  *string `json:"matches,omitempty" jsonschema_description:"Contains a match of this regular expression (RE2); white space at both ends does not count."`
	// Number is set if the YAML is a range of integers such as ">= 3" or 2..5: the string must be
	// an integer in that range.
	Number *Count `json:"number,omitempty" yaml:"-"`
}

// text reads a text to match. A scalar is the text to be equal to, or a range of integers if it has
// a comparator or dots.
func (d *decoder) text(n *yaml.Node, t *Text) {
	if !decode.IsScalar(n) {
		before := len(d.Mistakes())
		d.Plain(n, reflect.ValueOf(t).Elem())
		if set := oneOfCount(t.Is, t.Contains, t.Matches); set != 1 && len(d.Mistakes()) == before {
			d.Errorf(code.ConflictingKeys, n, "want exactly one of is, contains and matches")
		}
		return
	}
	if isRange(n.Value) {
		t.Number = &Count{}
		if t.Number.Set(n.Value) == nil {
			return
		}
		t.Number = nil
	}
	t.Is = &n.Value
}

// String says how the text must be: "hello", containing "hello", matching /hel+o/, >= 3.
func (t *Text) String() string {
	switch {
	case t.Is != nil:
		return strconv.Quote(*t.Is)
	case t.Contains != nil:
		return "containing " + strconv.Quote(*t.Contains)
	case t.Matches != nil:
		return "matching /" + *t.Matches + "/"
	case t.Number != nil:
		return t.Number.String()
	}
	return "of any kind"
}

func (v *validation) text(t *Text, pos Pos) {
	if t.Contains != nil && *t.Contains == "" {
		v.errorf(code.NoEffect, t.Contains, pos,
			"contains: every text contains nothing; want some text, or is: \"\"")
	}
	if t.Matches == nil {
		return
	}
	if _, err := regexp.Compile(*t.Matches); err != nil {
		v.errorf(code.InvalidPattern, t.Matches, pos,
			"matches: want a regular expression (RE2): %v", err)
	}
}

// Holds reports whether a string is as wanted, see [Text.Matcher].
func (t *Text) Holds(got string) bool { return t.Matcher()(got) }

// Matcher returns a function that reports whether a string is as wanted. White space at both ends of
// the string, such as the final newline of a program, does not count.
func (t *Text) Matcher() func(got string) bool {
	switch {
	case t.Is != nil:
		want := strings.TrimSpace(*t.Is)
		return func(got string) bool { return strings.TrimSpace(got) == want }
	case t.Contains != nil:
		return func(got string) bool { return strings.Contains(got, *t.Contains) }
	case t.Matches != nil:
		re, err := regexp.Compile(*t.Matches)
		return func(got string) bool {
			got = runes(got)
			return err == nil && (re.MatchString(got) || re.MatchString(strings.TrimSpace(got)))
		}
	case t.Number != nil:
		return func(got string) bool {
			n, err := strconv.ParseInt(strings.TrimSpace(got), 10, 64)
			return err == nil && t.Number.Contains(n)
		}
	}
	return func(string) bool { return true }
}

// runes makes a text for regular expressions, which take every byte that is not UTF-8 for the
// replacement character: it becomes a character of its own that nobody writes.
func runes(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	const private = 0x10FF00 // of the last private use area
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			r = private + rune(text[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}
