package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// old is the module's path in these texts, where it is OLD: written out, it would be renamed with
// the rest of the tree.
const old = "half" + "open"

func TestImportsAndNames(t *testing.T) {
	for name, test := range map[string]struct{ file, before, after string }{
		"go.mod": {"go.mod", "module OLD\n\ngo 1.26\n", "module example.com/you/halfopen\n\ngo 1.26\n"},
		"an example that requires the module": {
			"harness/go.mod",
			"module example.org/x\n\nrequire (\n\tOLD v0.0.0\n\tOLDer.org/x v1.0.0\n)\n\nreplace OLD => ../\n",
			"module example.org/x\n\nrequire (\n\texample.com/you/halfopen v0.0.0\n\tOLDer.org/x v1.0.0\n)\n\nreplace example.com/you/halfopen => ../\n",
		},
		"imports": {
			"harness/a.go",
			"package harness\n\nimport (\n\t\"fmt\"\n\n\t\"OLD/harness/trace\"\n\tx \"OLD/inject\"\n)\n\nvar s = \"OLD/lab\"\n",
			"package harness\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/you/halfopen/harness/trace\"\n\tx \"example.com/you/halfopen/inject\"\n)\n\nvar s = \"OLD/lab\"\n",
		},
		"another module with a like name": {
			"harness/b.go", "package harness\n\nimport _ \"halfopener/x\"\n", "package harness\n\nimport _ \"halfopener/x\"\n",
		},
		"documents name packages": {
			"README.md",
			"`go doc OLD/harness`; cmd/halfopen/run.go; OLD/internal/x.y=1; halfopen run harness/\n",
			"`go doc example.com/you/halfopen/harness`; cmd/halfopen/run.go; example.com/you/halfopen/internal/x.y=1; halfopen run harness/\n",
		},
		"test data stays": {"harness/testdata/c.md", "OLD/harness\n", "OLD/harness\n"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := strings.ReplaceAll(test.before, "OLD", old), strings.ReplaceAll(test.after, "OLD", old)
			dir := t.TempDir()
			for _, folder := range []string{"harness/testdata", "internal", "inject"} {
				if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "go.mod"), "module "+old+"\n\ngo 1.26\n")
			write(t, filepath.Join(dir, test.file), before)
			if _, err := rename(dir, "example.com/you/halfopen"); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, test.file))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != after {
				t.Errorf("got\n%s\nwant\n%s", got, after)
			}
		})
	}
}

func TestPathsThatNobodyCanFetch(t *testing.T) {
	for _, path := range []string{"", "halfopen", "github.com", "https://github.com/you/halfopen", "github.com/you/half open", "github.com/../x/"} {
		if _, err := rename(t.TempDir(), path); err == nil || !strings.Contains(err.Error(), "invalid module path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// The whole tree, copied and renamed, builds and vets.
func TestTheRenamedTreeBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles everything once more")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, tracked{os.DirFS(root)}); err != nil {
		t.Fatal(err)
	}
	const path = "example.com/you/halfopen"
	if _, err := rename(dir, path); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"build", "./..."}, {"vet", "./..."}, {"mod", "tidy", "-diff"}, {"test", "./internal/layout"}, {"test", "-short", "./internal/module"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	out, err := exec.Command("grep", "-rnE", "--include=*.go", `^\s*([a-z]+ )?"halfopen/`, dir).Output()
	if len(out) > 0 {
		t.Errorf("imports of the old module are left (%v):\n%s", err, out)
	}
	if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !bytes.Contains(mod, []byte("module "+path)) {
		t.Errorf("go.mod: %v\n%s", err, mod)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
