package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	pages, err := markdownPages(files)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "docs", "scenarios")
	var wanted []string
	for _, d := range pages {
		wanted = append(wanted, d.name)
		got, err := os.ReadFile(filepath.Join(dir, d.name))
		if err != nil {
			t.Errorf("%v; write the pages: make docs", err)
			continue
		}
		if difference := firstDifference(string(got), d.text); difference != "" {
			t.Errorf("docs/scenarios/%s is out of date; renew it: make docs\n%s", d.name, difference)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(wanted, e.Name()) {
			t.Errorf("docs/scenarios/%s is not a page of the library; remove it: make docs", e.Name())
		}
	}
}

// firstDifference describes the first line that differs, or a difference in length; "" if the texts
// are equal.
func firstDifference(got, want string) string {
	have, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(have), len(wanted)) {
		if have[i] != wanted[i] {
			return fmt.Sprintf("line %d: %q, want %q", i+1, have[i], wanted[i])
		}
	}
	if len(have) != len(wanted) {
		return fmt.Sprintf("%d lines, want %d", len(have), len(wanted))
	}
	return ""
}

// storyFile is a scenario that has everything a page shows.
func storyFile(t *testing.T) *language.File {
	t.Helper()
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
	return f
}

func TestMarkdownOfAScenario(t *testing.T) {
	var b strings.Builder
	if err := markdown(&b, []*language.File{storyFile(t)}); err != nil {
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

func TestMarkdownPages(t *testing.T) {
	pages, err := markdownPages([]*language.File{storyFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	const about = "Scenarios of whole production incidents, each with its cure."
	if len(pages) != 2 || pages[0].name != "stories.md" || pages[1].name != "README.md" {
		t.Fatalf("pages: %+v", pages)
	}
	for i, want := range [][]string{
		{
			"# stories\n\n" + about + "\n",
			"\n[All folders](README.md)\n\n- [one](#one): a title of ${n} with a \\* and net.ipv4.tcp\\_retries2\n\n## one\n",
			"\n| file | [stories/one.yaml](../../scenarios/stories/one.yaml) |\n\nWhy it is so: `ss`.\n",
		},
		{
			"# The built-in scenarios\n",
			"\n## [stories](stories.md)\n\n" + about + "\n\n- [one](stories.md#one): a title of ${n} with a \\* and net.ipv4.tcp\\_retries2\n",
		},
	} {
		for _, text := range want {
			if !strings.Contains(pages[i].text, text) {
				t.Errorf("%s lacks %q:\n%s", pages[i].name, text, pages[i].text)
			}
		}
	}
}
