package language

import (
	"strings"
	"testing"
)

func TestSettingWantsTheKindThatTheFileHas(t *testing.T) {
	text := skeleton + someExpectation + `
params: {n: 1, m: 1, pause: 1s, word: w, flag: true, none: ~, mixed: 1, gaps: [1s, 2s], made: "${n + 1}"}
cases: [{case: a}, {case: b, mixed: 2..5}]
actors:
  client: [sleep: 1s]
`
	for set, want := range map[string]string{
		"n=2":          "",
		"m=>= 2":       "",
		"m=2..5":       "",
		"n=2s":         "test.yaml:7:13: --set n=2s: n is a number here, not the duration 2s; write one such as 1",
		"n=":           "n is a number here, not the text \"\"; write one such as 1",
		"n=two":        "n is a number here, not the text \"two\"",
		"pause=200ms":  "",
		"pause=1s..2s": "",
		"pause=< 5ms":  "",
		"pause=3":      "pause is a duration here, not the number 3; write 3s or 3ms",
		"word=3":       "",
		"flag=maybe":   "flag is true or false here, not the text \"maybe\"; write one such as true",
		"flag=false":   "",
		"none=3":       "",
		"mixed=x":      "",
		"gaps=[1s]":    "",
		"made=x":       "",
	} {
		name, value, _ := strings.Cut(set, "=")
		_, err := expandText(t, text, map[string]string{name: value})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("--set %s: got %v, want %q", set, err, want)
		}
	}
}
