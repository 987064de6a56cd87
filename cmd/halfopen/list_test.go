package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

func TestListFitsATerminal(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{80, 120} {
		var b strings.Builder
		if err := list(&b, files, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns, wanted at most %d: %s", n, width, line)
			}
		}
		for _, f := range files {
			if got := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(got, strings.Join(strings.Fields(f.Title), " ")) {
				t.Errorf("the title of %s is not whole", f.Name)
			}
		}
	}
}

func TestListIsALineForEachScenarioElsewhere(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := list(&b, files, 0); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.Contains(b.String(), "\n  "+f.Name+" ") || !strings.Contains(b.String(), f.Title+" ["+strings.Join(f.Tags, ", ")+"]") {
			t.Errorf("%s is not on one line", f.Name)
		}
	}
}

func TestSpread(t *testing.T) {
	const s = time.Second
	for want, all := range map[string][]time.Duration{
		"-":         nil,
		"< 1s":      {s / 10, s / 2},
		"3s":        {3 * s, 3 * s},
		"3s-15s":    {15 * s, 3 * s},
		"0-2.5s":    {s / 10, 2500 * time.Millisecond},
		"31s-2h10m": {7800 * s, 31 * s},
	} {
		if got := strings.ReplaceAll(spread(all), "2h10m0s", "2h10m"); got != want {
			t.Errorf("%v: got %q, want %q", all, got, want)
		}
	}
}

func TestFilterKeepsByTagAndText(t *testing.T) {
	parse := func(name, rest string) *language.File {
		f, err := language.Parse(name+".yaml", []byte("name: "+name+"\n"+rest))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	files := []*language.File{
		parse("one", "title: A slow one\ntags: [slow, timeout]"),
		parse("two", "title: Another\nteaches: it is SLOW as well\ntags: [timeout, cure]"),
		parse("three", "title: Nothing of it\ntags: [cure]"),
	}
	for name, test := range map[string]struct {
		filter filter
		want   string
	}{
		"all":                {filter{}, "one two three"},
		"a tag":              {filter{tags: []string{"timeout"}}, "one two"},
		"each of two tags":   {filter{tags: []string{"timeout", "cure"}}, "two"},
		"title or text":      {filter{grep: "slow"}, "one two"},
		"a name":             {filter{grep: "^t"}, "two three"},
		"both":               {filter{tags: []string{"cure"}, grep: "slow"}, "two"},
		"an unknown tag":     {filter{tags: []string{"timout"}}, `--tag timout: no scenario has this tag (did you mean "timeout"?)`},
		"nothing":            {filter{tags: []string{"cure", "slow"}, grep: "x"}, "no scenario is tagged cure and slow and matched by --grep x"},
		"an invalid pattern": {filter{grep: "("}, "--grep: error parsing regexp: missing closing ): `(?i)(`"},
	} {
		kept, err := test.filter.keep(files)
		var names []string
		for _, f := range kept {
			names = append(names, f.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
