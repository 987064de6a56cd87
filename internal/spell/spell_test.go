package spell

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"connect", "close", "client", "server", "tcp", "udp"}
	for name, test := range map[string]struct{ word, want string }{
		"a letter too few":             {"conect", "connect"},
		"a letter too many":            {"serverr", "server"},
		"two letters changed places":   {"cilent", "client"},
		"in a short word":              {"tpc", "tcp"},
		"upper case":                   {"SERVER", "server"},
		"too far":                      {"listen", ""},
		"a short word is not far":      {"up", "udp"},
		"nothing":                      {"", ""},
		"a word of half a megabyte":    {strings.Repeat("connect", 70_000), ""},
		"every letter would change":    {"a", ""},
		"the first of two equally far": {"cl", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Nearest(test.word, known); got != test.want {
				t.Errorf("Nearest(%.20q) = %q, want %q", test.word, got, test.want)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := DidYouMean("drp", []string{"delay", "drop"}), (Hint{"drop", ` (did you mean "drop"?)`}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := DidYouMean("xyzzy", []string{"delay", "drop"}); got != (Hint{}) {
		t.Errorf("got %q for a word that is near to nothing", got)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"delay", "drop"}
	many := make([]string, 41)
	for i := range many {
		many[i] = strings.Repeat("m", i+20)
	}
	for name, test := range map[string]struct {
		word       string
		candidates []string
		want       string
	}{
		"near":             {"drp", known, ` (did you mean "drop"?)`},
		"far":              {"xyzzy", known, "; known here: delay, drop"},
		"nothing is known": {"xyzzy", nil, ""},
		"too many":         {"xyzzy", many, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Suggest(test.word, test.candidates); got.String() != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
