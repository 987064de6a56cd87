package language

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatOnlyLeavesOutIsNotJudged(t *testing.T) {
	for name, text := range map[string]string{
		"a fault whose action is a null parameter": `
params: {answer: ~}
cases: [{case: a, answer: icmp-net-unreachable}, {case: b}]
faults:
  f: {match: {tcp: SYN}, do: {reject: "${answer}"}, only: a}
actors: {client: [sleep: 1s]}
expect: [{never: {host: client}}]
`,
		"a fault whose name of a case is a parameter": `
cases: [{case: a, which: a, n: 1}, {case: b, which: a}]
faults:
  f: {do: drop, first: "${n}", only: "${which}"}
actors: {client: [sleep: 1s]}
expect: [{never: {host: client}}]
`,
		"steps whose operation is a null parameter, which still count": `
params: {pause: ~}
cases: [{case: a, pause: 2s}, {case: b}]
actors:
  client:
    - {sleep: "${pause}", only: a}
    - {sleep: "${pause}", id: long, only: a}
    - sleep: 1s
expect:
  - {step: client.sleep3}
  - {step: client.long, only: a}
`,
		"a nested step with a parameter of another case": `
cases: [{case: a, pause: 2s}, {case: b}]
actors:
  client: [{repeat: {times: 2, steps: [{sleep: "${pause}", only: a}, {sleep: 1s}]}}]
expect: [{step: client.sleep2}]
`,
		"an actor with a parameter of another case": `
cases: [{case: a, pause: 2s}, {case: b}]
actors:
  client: {only: a, steps: [{sleep: "${pause}"}]}
  server: [sleep: 1s]
expect: [{step: server.sleep}]
`,
		"an expectation with a parameter of another case": `
cases: [{case: a, took: < 1s}, {case: b}]
actors: {client: [sleep: 1s]}
expect:
  - {step: client.sleep}
  - {step: client.sleep, took: "${took}", only: a}
`,
		"an expectation whose kind is a null parameter": `
cases: [{case: a, step: client.sleep}, {case: b, step: ~}]
actors: {client: [sleep: 1s]}
expect:
  - {step: client.sleep}
  - {step: "${step}", only: a}
`,
		"an expression of the wrong type in another case": `
cases: [{case: a, n: 1}, {case: b, n: text}]
actors: {client: [{sleep: 1s, times: "${n + 1}", only: a}, {sleep: 1s}]}
expect: [{step: client.sleep2}]
`,
		"a parameter computed from one of another case": `
params: {twice: "${2 * pause}"}
cases: [{case: a, pause: 1s}, {case: b}]
actors: {client: [{sleep: "${twice}", only: a}, {sleep: 1s}]}
expect: [{step: client.sleep2}]
`,
		"a step of the other IP version": `
ip: [v4, v6]
cases: [{case: a, to: "server:80"}, {case: b, to: none}]
actors: {client: [{connect: "${to}", only: [a, v6]}, {sleep: 1s}]}
expect: [{step: client.sleep}]
`,
	} {
		t.Run(name, func(t *testing.T) { mustExpand(t, skeleton+text, nil) })
	}
}

func TestWhatOnlyKeepsIsJudgedEverywhereElse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a broken parameter, used first in a step that is left out": {
			`
cases: [{case: a, n: 1, twice: "${2 * n}"}, {case: b, n: x, twice: "${2 * n}"}]
actors:
  client: [{sleep: 1s, times: "${twice}", only: a}, {sleep: 1s, times: "${twice}"}]
expect: [{step: client.sleep2}]
`,
			`test.yaml:5:68: in case b: cannot compute ${2 * n}: * wants two numbers, or a number and a duration, not the number 2 and the text "x"`,
		},
		"a mistake in the case that keeps the step": {
			`
cases: [{case: a}, {case: b, pause: 1s}]
actors:
  client: [{sleep: "${pause}", only: a}, {sleep: 1s}]
expect: [{step: client.sleep2}]
`,
			"test.yaml:7:20: in case a: parameter ${pause} has no value; give it one there, or under params",
		},
		"a key that is a parameter without a value": {
			`
cases: [{case: a}, {case: b, op: sleep}]
actors:
  client: [{"${op}": 1s}]
expect: [{never: {host: client}}]
`,
			"test.yaml:7:13: in case a: parameter ${op} has no value; give it one there, or under params",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := expandText(t, skeleton+c.text, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
