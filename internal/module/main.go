// Command module changes the path of this Go module, for whoever publishes it: in go.mod, in
// imports, and in the package names in documents and build files.
//
//	go run ./internal/module github.com/you/halfopen
//
// It changes files only in the working directory, which must be the root of the module.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/module MODULE")
		os.Exit(2)
	}
	changed, err := rename(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "module:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files changed; run go mod tidy and gofumpt -w next\n", changed)
}

var (
	// modulePath matches the paths that go get can fetch: a host with a dot, then at least one more
	// element (go.dev/ref/mod, module paths).
	modulePath = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)+$`)
	moduleLine = regexp.MustCompile(`(?m)^module (\S+)$`)
)

// rename changes the path of the module at root and returns the number of files that it changed.
func rename(root, path string) (changed int, err error) {
	if !modulePath.MatchString(path) {
		return 0, fmt.Errorf("invalid module path %q: want one such as github.com/you/halfopen", path)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return 0, fmt.Errorf("reading go.mod: %w", err)
	}
	m := moduleLine.FindSubmatch(mod)
	if m == nil {
		return 0, errors.New("go.mod has no module line")
	}
	old := string(m[1])
	packages, err := folders(root)
	if err != nil {
		return 0, err
	}
	// In documents, the name of a package is the path of the module and a folder of the module:
	// halfopen/harness, but not cmd/halfopen/run.go.
	named := regexp.MustCompile(`(^|[^\w./-])` + regexp.QuoteMeta(old) + `/(` + strings.Join(packages, "|") + `)\b`)
	required := regexp.MustCompile(`(?m)^((?:module |require |replace )?[ \t]*)` + regexp.QuoteMeta(old) + `( |$)`)
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && slices.Contains([]string{".git", "bin", "out", "testdata"}, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var after []byte
		switch {
		case name == "go.mod":
			// A module of its own, such as an example, requires this one in place of being it.
			after = required.ReplaceAll(src, []byte("${1}"+path+"${2}"))
		case filepath.Ext(name) == ".go":
			if after, err = imports(src, old, path); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			after = named.ReplaceAll(after, []byte("${1}"+path+"/${2}"))
		case slices.Contains([]string{".md", ".yml", ".yaml", ".json"}, filepath.Ext(name)), name == "Makefile", name == "run":
			after = named.ReplaceAll(src, []byte("${1}"+path+"/${2}"))
		default:
			return nil
		}
		if bytes.Equal(src, after) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		changed++
		return os.WriteFile(file, after, info.Mode())
	})
	return changed, err
}

// folders returns the folders at the top of the module, as patterns: they contain the packages.
func folders(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, regexp.QuoteMeta(e.Name()))
		}
	}
	return names, nil
}

// imports replaces the path of the module in the import declarations of a file.
func imports(src []byte, old, path string) ([]byte, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "", src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	after := slices.Clone(src)
	for _, spec := range slices.Backward(parsed.Imports) {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		rest, ok := strings.CutPrefix(imported, old)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		from, to := files.Position(spec.Path.Pos()).Offset, files.Position(spec.Path.End()).Offset
		after = slices.Concat(after[:from], []byte(strconv.Quote(path+rest)), after[to:])
	}
	return after, nil
}
