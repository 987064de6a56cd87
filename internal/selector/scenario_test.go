package selector

import (
	"testing"

	"halfopen/scenarios/language"
)

func TestScenariosThatAskForPayload(t *testing.T) {
	for _, tt := range []struct {
		name, faults, expect string
		want                 bool
	}{
		{"none does", "f: {match: {tcp: SYN}, do: drop}", "- {packets: {tcp: SYN}, count: 1}", false},
		{"by its length and place", "f: {match: {tcp: DATA, payload: {length: 3, offset: 0}}, do: drop}", "- {packets: {tcp: SYN}, none: true}", false},
		{"a fault does", "f: {match: {payload: {contains: end}}, do: drop}", "- {packets: {tcp: SYN}, none: true}", true},
		{"an expectation does", "f: {match: {tcp: SYN}, do: drop}", `- {packets: {payload: {hex: "ff"}}, none: true}`, true},
		{"a packet of a sequence does", "f: {match: {tcp: SYN}, do: drop}", "- {packets: {tcp: any}, sequence: [{tcp: SYN}, {payload: {contains: a}}]}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := language.Parse("a.yaml", []byte("name: a\ntitle: t\nhosts: {client: {}, server: {}}\nfaults: {"+tt.faults+
				"}\nactors: {client: [{connect: \"server:80\"}]}\nexpect:\n"+tt.expect+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			cases, err := f.Expand(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := AskForPayload(cases[0]); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}
