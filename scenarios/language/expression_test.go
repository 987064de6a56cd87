package language

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		`dashed == "1s" ? 1 : 2`:       "1", // texts that look like durations are durations, as parameters' are
	} {
		text := skeleton + someExpectation + `
params: {retries: 5, pause: 500ms, timeout: 2s, gaps: [1s, 2s, 4s], word: w, none: ~, derived: "${2 * retries}", dashed: 1s, out: "${` +
			strings.ReplaceAll(expression, `"`, `\"`) + `}"}
actors:
  client: [sleep: 1s]
`
		s := mustExpand(t, text, nil)[0]
		if got := s.Params["out"]; got != want {
			t.Errorf("${%s}: got %s, want %s", expression, got, want)
		}
	}
}

func TestExpressionsFollowWhatIsSet(t *testing.T) {
	text := skeleton + `
params: {pause: 1s, sleeps: "${n + 1}"}
cases: [{n: 1}, {n: 2}, {case: none, n: ~}]
actors:
  client:
    - {sleep: "${2 * pause}", times: "${sleeps}"}
    - {exec: "echo ${n * 10} of ${sleeps}", id: say}
expect:
  - {step: client.sleep, count: "${n + 1}", took: "${2 * pause} ±10%"}
`
	type seen struct {
		Sleep time.Duration
		Times int
		Says  string
		Count bool
	}
	got := map[string]seen{}
	see := func(set map[string]string) {
		for _, s := range mustExpand(t, text, set) {
			steps := s.Actors[0].Steps
			got[s.ID()] = seen{time.Duration(steps[0].Op.Sleep.For), steps[0].Times, steps[1].Op.Exec.Command[2], s.Expect[0].Step.Count != nil}
		}
	}
	see(nil)
	// A ~ leaves out what it reaches.
	if diff := cmp.Diff(seen{2 * time.Second, 0, "echo ~ of ~", false}, got["skeleton none"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	see(map[string]string{"n": "4", "pause": "250ms"})
	want := map[string]seen{
		"skeleton n=1":  {2 * time.Second, 2, "echo 10 of 2", true},
		"skeleton n=2":  {2 * time.Second, 3, "echo 20 of 3", true},
		"skeleton none": {500 * time.Millisecond, 5, "echo 40 of 5", true},
		"skeleton n=4":  {500 * time.Millisecond, 5, "echo 40 of 5", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

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
		"pause=3":      "pause is a duration here, not the number 3; write 3s, or 3ms",
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

func TestParametersGrowNoFurtherThanAScenarioMay(t *testing.T) {
	chain := "params:\n  p0: 1\n"
	for i := 1; i <= 3; i++ {
		chain += "  l" + strconv.Itoa(i) + ": [" + strings.TrimSuffix(strings.Repeat("\"${l"+strconv.Itoa(i-1)+"}\", ", 60), ", ") + "]\n"
	}
	chain += "  l0: [" + strings.TrimSuffix(strings.Repeat("1, ", 60), ", ") + "]\n"
	long := "params:\n  a0: 1\n"
	for i := 1; i < 300; i++ {
		long += "  a" + strconv.Itoa(i) + ": \"${a" + strconv.Itoa(i-1) + " + 1}\"\n"
	}
	for name, c := range map[string]struct{ params, want string }{
		"lists of lists":     {chain, "more than 100000 YAML nodes"},
		"a chain of 300":     {long + "  z: \"${a299}\"\n", ""},
		"a chain from above": {"params:\n  z: \"${a299}\"\n" + strings.TrimPrefix(long, "params:\n"), "made of one another"},
		"a long expression":  {"params:\n  z: \"${" + strings.Repeat("1 + ", 200) + "1}\"\n", "longer than 500 characters"},
	} {
		began := time.Now()
		_, err := expandText(t, skeleton+someExpectation+c.params+"actors:\n  client: [sleep: 1s]\n", nil)
		if took := time.Since(began); took > soon {
			t.Errorf("%s: took %v", name, took)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %.300v, want %q", name, err, c.want)
		}
	}
}
