package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

// Kind is the kind of a value. The form of the text decides it, not the quotes of YAML, because the
// command line has none.
type Kind int

// The kinds of values.
const (
	// Nothing is ~, which leaves out the key that has it as its value.
	Nothing Kind = iota
	Number
	Duration
	Truth
	Text
	List
	// Mapping is a YAML mapping, which expressions cannot use.
	Mapping
)

// MaxDuration bounds every duration, so that sums of them do not overflow.
const MaxDuration = 365 * 24 * time.Hour

// Value is an operand or the result of an expression. The zero Value is ~.
type Value struct {
	kind Kind
	num  float64
	dur  time.Duration
	yes  bool
	text string
	list []Value
	// source is the original text of a number or duration that was not computed; String returns it.
	source string
}

// plainNumber matches a number as people write it: without hexadecimals, exponents and infinities.
var plainNumber = pattern.New(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// maxNumber bounds numbers so that each whole one is exact.
const maxNumber = 1 << 53

// ListOf returns a list of values.
func ListOf(items ...Value) Value { return Value{kind: List, list: items} }

// AnyMapping returns the value that stands for any mapping.
func AnyMapping() Value { return Value{kind: Mapping} }

// ParseValue reads a text: a number, a duration, true or false, or else the text itself.
func ParseValue(text string) Value {
	bare := strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(bare, 64); err == nil && plainNumber.MatchString(bare) &&
		math.Abs(f) <= maxNumber {
		return Value{kind: Number, num: f, source: bare}
	}
	if d, err := ParseDuration(bare); err == nil && 0 <= d && d <= MaxDuration {
		return Value{kind: Duration, dur: d, source: bare}
	}
	if bare == "true" || bare == "false" {
		return Value{kind: Truth, yes: bare == "true"}
	}
	return Value{kind: Text, text: text}
}

// spaced matches durations with blanks beside a unit.
var spaced = pattern.New(`^[+-]?([0-9.]+ *[a-zµ]+ *)+$`)

// ParseDuration is [time.ParseDuration], and takes blanks beside a unit: 2 s, 1h 30m.
func ParseDuration(text string) (time.Duration, error) {
	if spaced.MatchString(text) {
		text = strings.ReplaceAll(text, " ", "")
	}
	return time.ParseDuration(text)
}

// Kind returns the kind of the value.
func (v Value) Kind() Kind { return v.kind }

// Items returns the values of a list; nil for any other value.
func (v Value) Items() []Value { return v.list }

// String returns the value as it is written in YAML. Whole seconds stay seconds, because people
// count timers in seconds: 127s.
func (v Value) String() string {
	switch {
	case v.source != "":
		return v.source
	case v.kind == Number && v.num != math.Trunc(v.num):
		digits := strconv.FormatFloat(v.num, 'f', 9, 64) // 0.3, not 0.30000000000000004
		return strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	case v.kind == Number:
		return strconv.FormatInt(int64(v.num), 10)
	}
	switch v.kind {
	case Duration:
		if v.dur%time.Second == 0 {
			return strconv.FormatInt(int64(v.dur/time.Second), 10) + "s"
		}
		return v.dur.String()
	case Truth:
		return strconv.FormatBool(v.yes)
	case Text:
		return v.text
	case List:
		var items []string
		for _, item := range v.list {
			items = append(items, item.String())
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return "~"
}

// Has reports whether the value, or one in its list, is of the kind.
func (v Value) Has(k Kind) bool {
	return v.kind == k || slices.ContainsFunc(v.list, func(item Value) bool { return item.Has(k) })
}

// Size returns the number of values in the value: one, and those of its list.
func (v Value) Size() int {
	n := 1
	for _, item := range v.list {
		n += item.Size()
	}
	return n
}

// Describe names the value in a message: "the number 3", "a list".
func (v Value) Describe() string {
	switch v.kind {
	case Number:
		return "the number " + v.String()
	case Duration:
		return "the duration " + v.String()
	case Truth:
		return v.String()
	case Text:
		return "the text " + strconv.Quote(say.Clip(v.text))
	case List:
		return "a list"
	case Mapping:
		return "a mapping"
	}
	return "~"
}

// String returns the kind as a noun with its article: "a number".
func (k Kind) String() string {
	return [...]string{
		"~", "a number", "a duration", "true or false", "a text", "a list", "a mapping",
	}[k]
}
