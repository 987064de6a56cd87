package layout

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestLinks follows each relative link in the Markdown files, and checks that the heading it names
// exists.
func TestLinks(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	var pages []string
	for _, top := range []string{".github", "docs", "scenarios", "README.md", "CHANGELOG.md"} {
		err := fs.WalkDir(root, top, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && path.Ext(file) == ".md" {
				pages = append(pages, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	broken, followed, err := brokenLinks(root, pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range broken {
		t.Error(text)
	}
	if followed == 0 {
		t.Errorf("%d pages have no link: the test proves nothing", len(pages))
	}
}

// brokenLinks returns the broken links of pages, and the number of links followed. Links to other
// sites are not followed.
func brokenLinks(root fs.FS, pages []string) (broken []string, followed int, err error) {
	for _, page := range pages {
		text, err := fs.ReadFile(root, page)
		if err != nil {
			return nil, 0, err
		}
		for _, l := range links(string(text)) {
			u, err := url.Parse(l.target)
			if err != nil {
				broken = append(broken, fmt.Sprintf("%s:%d: %v", page, l.line, err))
				continue
			}
			if u.IsAbs() {
				continue
			}
			followed++
			if problem := follow(root, page, u); problem != "" {
				broken = append(broken, fmt.Sprintf("%s:%d: %s: %s", page, l.line, l.target, problem))
			}
		}
	}
	return broken, followed, nil
}

// follow returns the problem of a link of a page, or "".
func follow(root fs.FS, page string, to *url.URL) string {
	file := page
	if to.Path != "" {
		file = path.Join(path.Dir(page), to.Path)
	}
	if _, err := fs.Stat(root, file); err != nil {
		return "no such file"
	}
	if to.Fragment == "" {
		return ""
	}
	text, err := fs.ReadFile(root, file)
	if err != nil || path.Ext(file) != ".md" {
		return "only a Markdown page has headings"
	}
	if !slices.Contains(anchors(string(text)), to.Fragment) {
		return "no such heading"
	}
	return ""
}

// link is the target of a link, and the line that it is on.
type link struct {
	line   int
	target string
}

var (
	inlineLink = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	linkName   = regexp.MustCompile(`^\[[^\]]+\]: +(\S+)`)
	codeSpan   = regexp.MustCompile("`[^`]*`")
)

func links(text string) (all []link) {
	for number, line := range prose(text) {
		line = codeSpan.ReplaceAllString(line, "")
		for _, pattern := range []*regexp.Regexp{inlineLink, linkName} {
			for _, m := range pattern.FindAllStringSubmatch(line, -1) {
				all = append(all, link{number, m[1]})
			}
		}
	}
	return all
}

// anchors returns the names by which GitHub links to the headings of a page.
func anchors(text string) (all []string) {
	times := map[string]int{}
	for _, line := range prose(text) {
		title := strings.TrimLeft(line, "#")
		if level := len(line) - len(title); level == 0 || level > 6 || !strings.HasPrefix(title, " ") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(title))
		n := times[name]
		times[name]++
		if n > 0 {
			name += "-" + strconv.Itoa(n)
		}
		all = append(all, name)
	}
	return all
}

// prose yields the lines of a page outside fenced code, with their numbers.
func prose(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		number, fenced := 0, false
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimRight(line, "\r\n")
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			} else if !fenced && !yield(number, line) {
				return
			}
		}
	}
}

func TestBrokenLinks(t *testing.T) {
	root := fstest.MapFS{
		"README.md": {Data: []byte("# One `tool`, two\n\n[a](docs/a.md) [b](docs/b.md) [dir](docs/)\n" +
			"```\n[in code](nowhere.md)\n```\nand `[here](nowhere.md)`\n" +
			"[up](../above.md) [site](https://example.test/x.md)\n")},
		"docs/a.md": {Data: []byte("## Same\n## Same\n#tag\n```\n# not a heading\n```\n" +
			"[1](#same) [2](#same-1) [3](#same-2) [4](../README.md#one-tool-two)\n[5](#tag) [6](#not-a-heading)\n" +
			"[ref]: ../README.md#One\n[7](x.yaml#same) [8](x.yaml \"a title\")\n")},
		"docs/x.yaml": {Data: []byte("# same\n")},
	}
	got, followed, err := brokenLinks(root, []string{"README.md", "docs/a.md"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md:3: docs/b.md: no such file",
		"README.md:8: ../above.md: no such file",
		"docs/a.md:7: #same-2: no such heading",
		"docs/a.md:8: #tag: no such heading",
		"docs/a.md:8: #not-a-heading: no such heading",
		"docs/a.md:9: ../README.md#One: no such heading",
		"docs/a.md:10: x.yaml#same: only a Markdown page has headings",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("broken links (-want +got):\n%s", diff)
	}
	if followed != 13 {
		t.Errorf("%d links were followed, want 13", followed)
	}
}
