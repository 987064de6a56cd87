package language

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelectorsOfAScenario(t *testing.T) {
	f, err := Parse("a.yaml", []byte(`
name: a
title: t
hosts: {client: {}, server: {}}
faults:
  loss: {match: {tcp: SYN}, do: drop}
  all: {do: {delay: 1ms}}
actors: {client: [{connect: "server:80"}]}
expect:
  - {packets: {tcp: RST}, none: true}
  - {packets: {tcp: any}, sequence: [{tcp: FIN}, {payload: {contains: end}}]}
  - {drops: {host: server, tcp: ACK}, none: true}
  - {step: client.connect}
`))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range cases[0].Selectors() {
		got = append(got, m.String())
	}
	want := []string{
		"SYN", "any packet", "RST", "TCP", "FIN", `any packet containing "end"`, "ACK",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
