package layout

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mapOfTheCode = "docs/architecture.md"

// cells yields the rows of a page's tables, cell by cell, with their line numbers.
func cells(text string) func(yield func(int, []string) bool) {
	return func(yield func(int, []string) bool) {
		for number, line := range prose(text) {
			if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
				continue
			}
			row := strings.Split(strings.Trim(line, "| "), "|")
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			if !yield(number, row) {
				return
			}
		}
	}
}

// targets returns the files and folders that a cell links to, relative to the root.
func targets(cell string) (all []string) {
	for _, m := range inlineLink.FindAllStringSubmatch(cell, -1) {
		file, _, _ := strings.Cut(m[1], "#")
		all = append(all, path.Join(path.Dir(mapOfTheCode), file))
	}
	return all
}

// spans returns what a cell shows as code.
func spans(cell string) (all []string) {
	for _, text := range codeSpan.FindAllString(cell, -1) {
		all = append(all, strings.Trim(text, "`"))
	}
	return all
}

// mayImport says what the rules allow a package to import: a list of packages, nothing, anything.
func mayImport(pkg string) string {
	text := "anything"
	for _, r := range rules {
		switch {
		case !within(pkg, r.pkg, r.below):
		case r.never != nil && text == "anything":
			text = "anything but " + quoted(r.never)
		case r.never != nil:
		default:
			text = quoted(slices.DeleteFunc(slices.Clone(r.only), func(p string) bool { return p == pkg }))
		}
	}
	return text
}

func quoted(packages []string) string {
	if len(packages) == 0 {
		return "nothing"
	}
	return "`" + strings.Join(packages, "`, `") + "`"
}

// TestTheMapHasEveryRoom compares the table of packages with the tree and with the rules.
func TestTheMapHasEveryRoom(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	text, err := fs.ReadFile(root, mapOfTheCode)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for line, row := range cells(string(text)) {
		for _, target := range targets(row[0]) {
			if info, err := fs.Stat(root, target); err != nil || !info.IsDir() || len(row) != 3 {
				continue
			}
			shown[target] = true
			if diff := cmp.Diff(mayImport(target), row[2]); diff != "" {
				t.Errorf("%s:%d: what %s may import (-rules +page):\n%s", mapOfTheCode, line, target, diff)
			}
		}
	}
	for _, pkg := range packagesBelow(t, root) {
		if !shown[pkg] {
			t.Errorf("%s does not show %s", mapOfTheCode, pkg)
		}
	}
}

// packagesBelow returns the folders that have Go files.
func packagesBelow(t *testing.T, root fs.FS) (all []string) {
	t.Helper()
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case path.Ext(file) == ".go" && !slices.Contains(all, path.Dir(file)):
			all = append(all, path.Dir(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	identifier = regexp.MustCompile(`^\w+$`)
	testName   = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w+$`)
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestTheMapNamesWhatThereIs looks for the names beside a Go file in that file, and for the tests in
// the tree.
func TestTheMapNamesWhatThereIs(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	text, err := fs.ReadFile(root, mapOfTheCode)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line, row := range cells(string(text)) {
		var code strings.Builder
		for _, target := range targets(row[0]) {
			if path.Ext(target) == ".go" {
				file, err := fs.ReadFile(root, target)
				if err != nil {
					t.Errorf("%s:%d: %v", mapOfTheCode, line, err)
				}
				code.Write(file)
			}
		}
		if code.Len() == 0 {
			continue
		}
		for _, name := range spans(strings.Join(row[1:], " ")) {
			if !identifier.MatchString(name) || testName.MatchString(name) {
				continue
			}
			found++
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(code.String()) {
				t.Errorf("%s:%d: no %s in %s", mapOfTheCode, line, name, strings.Join(targets(row[0]), ", "))
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d names were looked for: the test proves little", found)
	}
	tests := map[string]bool{}
	err = fs.WalkDir(root, ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		code, err := fs.ReadFile(root, file)
		for _, m := range testFunc.FindAllStringSubmatch(string(code), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, row := range prose(string(text)) {
		for _, name := range spans(row) {
			if testName.MatchString(name) && !tests[name] {
				t.Errorf("%s:%d: there is no test %s", mapOfTheCode, line, name)
			}
		}
	}
}

// TestTheReadmeAsksForTheGoOfTheModule compares the version of Go that the README names with the one
// that go.mod asks for.
func TestTheReadmeAsksForTheGoOfTheModule(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	asked := regexp.MustCompile(`(?m)^go (\d+\.\d+)(?:\.0)?$`).FindStringSubmatch(read("go.mod"))
	named := regexp.MustCompile(`Go (\d+\.\d+) or later`).FindStringSubmatch(read("README.md"))
	if asked == nil || named == nil || asked[1] != named[1] {
		t.Errorf("go.mod asks for %q, README.md for %q", asked, named)
	}
}
