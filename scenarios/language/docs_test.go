package language

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func languageDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "scenario-language.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shownCode matches everything that the page shows as code.
var shownCode = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")

func TestDocsNameEveryKeyOfTheDecoder(t *testing.T) {
	shown := strings.Join(shownCode.FindAllString(languageDocs(t), -1), "\n")
	for _, key := range allKeys() {
		word := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(key) + `([^\w-]|$)`)
		if !word.MatchString(shown) {
			t.Errorf("docs/scenario-language.md does not show the key %q", key)
		}
	}
}

func TestDocsNameEveryWordOfTheLanguage(t *testing.T) {
	shown := strings.Join(shownCode.FindAllString(languageDocs(t), -1), "\n")
	words := append(ICMPKinds(), CounterGroups()...)
	words = append(words, TCPOptionNames()...)
	words = append(words, SegmentKind("").Words()...)
	words = append(words, State("").Words()...)
	for _, word := range words {
		if !strings.Contains(shown, word) {
			t.Errorf("docs/scenario-language.md does not show the word %q", word)
		}
	}
}

func TestExampleOfTheReadmeIsValid(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("README.md has no example")
	}
	all, err := expandText(t, example, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Name != "my" {
		t.Errorf("the example makes %d runs, want one of the scenario my", len(all))
	}
}

func TestExampleOfTheDocsIsValid(t *testing.T) {
	_, rest, ok := strings.Cut(languageDocs(t), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the page has no example")
	}
	all, err := expandText(t, example, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Errorf("the example makes %d runs, want 2 cases on 2 IP versions", len(all))
	}
}
