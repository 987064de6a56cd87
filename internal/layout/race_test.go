package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notRaced are the packages with goroutines that continuous integration does not run under the race
// detector.
var notRaced = map[string]string{
	"internal/vm":    "its tests boot guests, which takes minutes",
	"internal/bench": "it measures, and is for no one else",
	"inject/network": "its goroutine only has a thread of its own, and the other waits for it",
}

// TestGoroutinesAreRaced compares the packages that start goroutines with those that .ci/run tests
// under the race detector.
func TestGoroutinesAreRaced(t *testing.T) {
	root := filepath.Join("..", "..")
	script, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)RACE=1.*?PKGS="(.*?)"`).FindSubmatch(script)
	if list == nil {
		t.Fatal("make test RACE=1 is not in .ci/run, or has no PKGS")
	}
	raced := strings.Fields(strings.ReplaceAll(string(list[1]), "\\\n", " "))
	starting := packagesWithGoroutines(t, root)
	if len(starting) < 10 {
		t.Errorf("only %d packages start goroutines: %v", len(starting), starting)
	}
	for _, pkg := range starting {
		covered := slices.ContainsFunc(raced, func(pattern string) bool { return covers(pattern, pkg) })
		switch why := notRaced[pkg]; {
		case why == "" && !covered:
			t.Errorf("%s starts goroutines: add it to PKGS of make test RACE=1 in .ci/run, or to notRaced", pkg)
		case why != "" && covered:
			t.Errorf("%s is in .ci/run and in notRaced", pkg)
		}
	}
	for pkg := range notRaced {
		if !slices.Contains(starting, pkg) {
			t.Errorf("%s is in notRaced, but starts no goroutine", pkg)
		}
	}
}

// covers reports whether a pattern of the go command takes in a package of the module.
func covers(pattern, pkg string) bool {
	pattern = strings.TrimPrefix(pattern, "./")
	root, below := strings.CutSuffix(pattern, "/...")
	return within(pkg, root, below)
}

func TestPatternsOfPackages(t *testing.T) {
	for name, tt := range map[string]struct {
		pattern, pkg string
		want         bool
	}{
		"the package":               {"./harness", "harness", true},
		"not those below":           {"./harness", "harness/suite", false},
		"all below":                 {"./harness/...", "harness/suite", true},
		"the root of all below":     {"./harness/...", "harness", true},
		"another with such a start": {"./harness/...", "harnesses", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := covers(tt.pattern, tt.pkg); got != tt.want {
				t.Errorf("%s covers %s: %t", tt.pattern, tt.pkg, got)
			}
		})
	}
}

// packagesWithGoroutines returns the packages whose files, except for tests, have a go statement, or
// call Go, as that of a sync.WaitGroup.
func packagesWithGoroutines(t *testing.T, root string) []string {
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(rel))
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				found[pkg] = true
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Go" {
					found[pkg] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}
