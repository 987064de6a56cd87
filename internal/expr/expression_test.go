package expr

import (
	"errors"
	"strings"
	"testing"
)

// values are the names that the expressions of the tests use.
var values = map[string]Value{
	"retries": ParseValue("5"), "pause": ParseValue("500ms"), "timeout": ParseValue("2s"),
	"gaps": ListOf(ParseValue("1s"), ParseValue("2s"), ParseValue("4s")),
	"word": ParseValue("w"), "ip": ParseValue("v4"), "none": {}, "derived": ParseValue("10"),
	"dashed": ParseValue("1s"), "map": AnyMapping(),
}

var errUnknown = errors.New("unknown name")

func valueNamed(name string) (Value, error) {
	v, ok := values[name]
	if !ok {
		return Value{}, errUnknown
	}
	return v, nil
}

// evaluate reads and computes an expression.
func evaluate(source string) (Value, error) {
	e, err := Parse(source)
	if err != nil {
		return Value{}, err
	}
	v, _, err := e.Evaluate(valueNamed)
	return v, err
}

func TestExpressionsCompute(t *testing.T) {
	for expression, want := range map[string]string{
		"retries + 1":                      "6",
		"retries+1":                        "6",
		" retries ":                        "5",
		"(2 ^ (retries + 1) - 1) * 1s":     "63s",
		"(2 ** (retries + 1) - 1) * pause": "31.5s",
		"2 * timeout":                      "4s",
		"timeout / 4":                      "500ms",
		"timeout / pause":                  "4",
		"timeout - pause":                  "1.5s",
		"1m30s + 30s":                      "120s",
		"1h * 1":                           "3600s",
		"100µs * 2":                        "200µs",
		"1.5s + 0s":                        "1.5s",
		"-3 + retries":                     "2",
		"7 / 2":                            "3.5",
		"0.1 + 0.2":                        "0.3",
		"floor(7 / 2) + ceil(0.5)":         "4",
		"round(2.4)":                       "2",
		"7 % 4":                            "3",
		"-2 ^ 2":                           "-4",
		"2 ^ -1":                           "0.5",
		"2 ^ 3 ^ 2":                        "512",
		"10 - 4 - 3":                       "3",
		"2 + 3 * 2":                        "8",
		"not retries == 4 and true":        "true",
		"retries == 4 ? 1 : word == \"w\" ? 2 : 3": "2",
		"abs(2 - 5)":                   "3",
		"abs(1s - 3s)":                 "2s",
		"min(retries, 3, 4)":           "3",
		"max(pause, timeout, 1ms)":     "2s",
		"len(gaps) + 1":                "4",
		"sum(gaps)":                    "7s",
		"sum([1, 2, 3])":               "6",
		"gaps[1]":                      "2s",
		"[pause, 2 * pause]":           "[500ms, 1s]",
		`ip == "v6" ? 40 : 20`:         "20",
		`word == 'w' and retries > 3`:  "true",
		"not (retries >= 5)":           "false",
		"pause < timeout ? word : nil": "w",
		"none + 1":                     "~",
		"none == nil ? 1 : 2":          "1",
		"derived + 1":                  "11",
		"retries > 5 or retries < 6":   "true",
		"retries > 9 and 1 / 0 > 1":    "false",
		`dashed == "1s" ? 1 : 2`:       "1", // a text that looks like a duration is one
		"1 / 10000000000":              "0",
	} {
		got, err := evaluate(expression)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", expression, got, err, want)
		}
	}
}

func TestExpressionsAreRefusedWithTheReason(t *testing.T) {
	for expression, want := range map[string]string{
		"":                               "it is empty",
		"1 +":                            "it ends too early",
		"(1":                             "it ends too early",
		"1 2":                            `unexpected "2" at character 3`,
		"µ + 1":                          "unexpected 'µ' at character 1",
		`"ä" + ;`:                        "unexpected ';' at character 7",
		"99999999999999999999":           "99999999999999999999 is out of bounds at character 1",
		"9000h * 1":                      "9000h is out of bounds at character 1",
		"1 +" + strings.Repeat(" ", 500): "it is longer than 500 characters",
		"1 / 0":                          "1 / 0 divides by zero",
		"1s / 0s":                        "1s / 0s divides by zero",
		"1 + 1s":                         "+ wants two numbers or two durations, not the number 1 and the duration 1s",
		"8000h + 8000h":                  "28800000s + 28800000s is longer than a year",
		"2 ^ 60":                         "the result is not a number within ±9007199254740992",
		"-word":                          `- wants a number or a duration, not the text "w"`,
		"not 1":                          "not wants true or false, not the number 1",
		"gaps == 1":                      "== compares single values, not a list and the number 1",
		"map < 1":                        "< compares two numbers or two durations, not a mapping and the number 1",
		"1 ? 2 : 3":                      "? wants true or false before it, not the number 1",
		"gaps[3]":                        "item [3] is out of range: the list has length 3, counted from 0",
		"gaps[1.5]":                      "[] wants a whole number inside, not the number 1.5",
		"pause[0]":                       "[] wants a list before it, not the duration 500ms",
		"flor(1)":                        `unknown function flor (did you mean "floor"?); the functions are abs, ceil, floor, len, log2, max, min, round and sum`,
		"len(1)":                         "len wants a list, not the number 1",
		"len(gaps, gaps)":                "len wants one value, not 2",
		"max()":                          "max wants at least one value",
		"max(1, 1s)":                     "max wants numbers or durations, not the number 1 and the duration 1s",
		"sum([true])":                    "sum wants numbers or durations, not true",
		"5.5 % 2":                        "% wants two whole numbers, not the number 5.5 and the number 2",
		"nobody + 1":                     "unknown name",
	} {
		_, err := evaluate(expression)
		if err == nil || err.Error() != want {
			t.Errorf("%.40s: got %v, want %s", expression, err, want)
		}
	}
	if _, err := evaluate("1 + nobody"); !errors.Is(err, errUnknown) {
		t.Errorf("the error of a lookup becomes %v", err)
	}
}

func TestValuesGoByTheFormOfTheirText(t *testing.T) {
	for text, want := range map[string]Kind{
		"3": Number, " -1.5 ": Number, "90071992547409920": Text, "1e3": Text, "0x10": Text, "inf": Text,
		"0s": Duration, "1m30s": Duration, "-1s": Text, "9000h": Text, "3 s": Duration, "1h 30 m": Duration, "3 4s": Text,
		"true": Truth, "yes": Text, "": Text, "~": Text, "[1]": Text,
	} {
		if got := ParseValue(text).Kind(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestListsKnowWhatIsInThem(t *testing.T) {
	v := ListOf(ParseValue("1"), ListOf(AnyMapping(), Value{}))
	if got := v.Size(); got != 5 {
		t.Errorf("the size is %d, want 5", got)
	}
	if !v.Has(Mapping) || !v.Has(Nothing) || v.Has(Duration) {
		t.Errorf("has a mapping %t, ~ %t, a duration %t", v.Has(Mapping), v.Has(Nothing), v.Has(Duration))
	}
	if got, want := v.String(), "[1, [~, ~]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, source := range []string{
		"(2 ^ (retries + 1) - 1) * 1s", "word == \"w\" ? gaps[1] : nil", "not (pause <= 4s) and 7 % 4 != 3",
		"sum([1s, -2s]) / max(pause, 1ms)", "log2(len(gaps)) ** 0.5 || true && !false",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if err != nil {
			return
		}
		v, work, err := e.Evaluate(valueNamed)
		// Each part of the source is computed at most once, and a call reads the items of one list.
		if most := maxExpression * 4; work > most {
			t.Errorf("it took %d steps, more than %d", work, most)
		}
		if err != nil {
			return
		}
		text := v.String()
		if again := ParseValue(text); v.Kind() == Number && (again.Kind() != Number || again.String() != text) {
			t.Errorf("the number %s is read as %s", text, again.Describe())
		}
	})
}
