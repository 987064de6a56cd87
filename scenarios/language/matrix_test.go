package language

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const matrixFile = `
name: matrix
title: Faults times timeouts
hosts: {client: {}, server: {}}
params: {twice: "${timeout * 2}"}
matrix:
  fault: [none, dead, [slow, lossy]]
  timeout: [1s, 5s]
faults:
  dead: {match: {to: server, tcp: SYN}, do: drop}
  slow: {match: {to: server, tcp: any}, do: {delay: 1ms}}
  lossy: {match: {from: server, tcp: any}, do: drop}
  always: {match: {from: server, udp: any}, do: drop}
actors:
  client:
    - {connect: "server:80"}
    - {sleep: "${timeout}", only: timeout=5s}
expect:
  - {step: client.connect, error: ETIMEDOUT, took: "${timeout}", only: fault=dead}
  - {step: client.connect, error: ECONNREFUSED, took: "${twice}", only: [fault=none, v4]}
  - {fault: slow, hits: 2, only: fault=slow+lossy}
  - {fault: always, hits: 0}
`

// summaryOfCase is a case in a line: its label, its faults, its steps and what it expects.
func summaryOfCase(s *Scenario) string {
	var faults, expect []string
	for i := range s.Faults {
		faults = append(faults, s.Faults[i].Name)
	}
	for i := range s.Expect {
		expect = append(expect, s.Expect[i].String())
	}
	steps := 0
	for i := range s.Actors {
		steps += len(s.Actors[i].Steps)
	}
	return s.Case + " | " + strings.Join(faults, " ") + " | " + strings.Repeat("s", steps) + " | " + strings.Join(expect, "; ")
}

func TestMatrix(t *testing.T) {
	f, err := Parse("matrix.yaml", []byte(matrixFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  map[string]string
		want []string
	}{
		{"as it is", nil, []string{
			"fault=none timeout=1s | always | s | client.connect: ECONNREFUSED after 2s; fault always: 0 hits",
			"fault=none timeout=5s | always | ss | client.connect: ECONNREFUSED after 10s; fault always: 0 hits",
			"fault=dead timeout=1s | dead always | s | client.connect: ETIMEDOUT after 1s; fault always: 0 hits",
			"fault=dead timeout=5s | dead always | ss | client.connect: ETIMEDOUT after 5s; fault always: 0 hits",
			"fault=slow+lossy timeout=1s | slow lossy always | s | fault slow: 2 hits; fault always: 0 hits",
			"fault=slow+lossy timeout=5s | slow lossy always | ss | fault slow: 2 hits; fault always: 0 hits",
		}},
		{"with a fault for all cases", map[string]string{"fault": "dead"}, []string{
			"fault=dead timeout=1s | dead always | s | client.connect: ETIMEDOUT after 1s; fault always: 0 hits",
			"fault=dead timeout=5s | dead always | ss | client.connect: ETIMEDOUT after 5s; fault always: 0 hits",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cases, err := f.Expand(c.set)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range cases {
				got = append(got, summaryOfCase(s))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff([]string{"fault", "timeout"}, f.Knobs()); diff != "" {
		t.Errorf("knobs (-want +got):\n%s", diff)
	}
	for _, n := range f.Notes() {
		t.Errorf("note: %s", n.Msg)
	}
}
