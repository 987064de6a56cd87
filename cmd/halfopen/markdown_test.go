package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

func TestDocsListTheLibraryAsItIs(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := markdown(&want, files); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "scenarios.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == want.String() {
		return
	}
	line := 1
	for wanted := range strings.Lines(want.String()) {
		have, rest, _ := strings.Cut(string(got), "\n")
		if have+"\n" != wanted {
			t.Fatalf("docs/scenarios.md is out of date; renew it: make docs\nline %d: %q, want %q", line, have, wanted)
		}
		got = []byte(rest)
		line++
	}
	t.Fatal("docs/scenarios.md is out of date; renew it: make docs\nit has more than there is")
}

func TestMarkdownOfAScenario(t *testing.T) {
	f, err := language.Parse("stories/one.yaml", []byte(`
name: one
title: 'a title of ${n} with a * and net.ipv4.tcp_retries2'
teaches: |
  Why it is so: `+"`ss`"+`.

  | a | b |
  |---|---|
  | 1 | ${n} |
tags: [story]
params: {n: 1, pause: 1s, made: "${n + 1}", none: ~}
cases: [{case: short}, {case: long, pause: 30s}]
hosts: {client: , server: }
actors: {client: [sleep: "${pause}"]}
expect: [{never: {host: client}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	f.Folder = "stories"
	var b strings.Builder
	if err := markdown(&b, []*language.File{f}); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "\n- ")
	want := "[stories](#stories)\n  - [one](#one): a title of ${n} with a \\* and net.ipv4.tcp\\_retries2\n" + `
## stories

### one

**a title of 1 with a \* and net.ipv4.tcp\_retries2**

| | |
|---|---|
| run it | ` + "`halfopen run one`" + ` |
| cases | ` + "`short`, `long`" + ` |
| parameters | ` + "`n=1`, `pause=1s`, `none`" + ` |
| IP | v4 |
| native | 1s |
| warped | 30s |
| tags | story |
| file | [stories/one.yaml](../scenarios/stories/one.yaml) |

Why it is so: ` + "`ss`" + `.

| a | b |
|---|---|
| 1 | 1 |
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
