package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/code"
	"halfopen/internal/plainfile"
	"halfopen/internal/spell"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// wrongFile is a file, or an argument, that names no valid scenario.
type wrongFile struct {
	name string
	err  error
}

// find loads the scenarios that the arguments name, each once.
func find(args ...string) ([]*language.File, error) {
	files, wrong := findEach(args...)
	var errs []error
	for _, w := range wrong {
		errs = append(errs, w.err)
	}
	return files, errors.Join(errs...)
}

// findEach is find where a wrong file does not matter to the others.
func findEach(args ...string) (files []*language.File, wrong []wrongFile) {
	var list []source
	for _, arg := range args {
		named, err := sources(arg)
		if err != nil {
			named = []source{missing(arg, err)}
		}
		list = append(list, named...)
	}
	for _, s := range distinct(list) {
		f, err := s.load()
		if err != nil {
			wrong = append(wrong, wrongFile{s.name, err})
			continue
		}
		if !slices.ContainsFunc(files, func(g *language.File) bool { return sameBuiltin(f, g) }) {
			files = append(files, f)
		}
	}
	return files, wrong
}

// sameBuiltin reports whether one of two files is a built-in scenario, and the other the file that it was
// made from: a checkout of the library has them by both names.
func sameBuiltin(f, g *language.File) bool {
	return f.Name == g.Name && (f.Folder == "") != (g.Folder == "") && bytes.Equal(f.Source, g.Source)
}

// source is a scenario that can be loaded, from a file or from the library.
type source struct {
	name string
	// file is the file that the name is a path of; nil if the name is no path.
	file os.FileInfo
	// defaults is set for a file of defaults. Loading it returns an error.
	defaults bool
	load     func() (*language.File, error)
}

// missing returns the source for an argument that names none. Loading it returns the error, in order
// with the errors of the other arguments.
func missing(arg string, err error) source {
	return source{name: arg, load: func() (*language.File, error) { return nil, err }}
}

// distinct keeps the first of several sources that are the same built-in scenario, or the same file,
// by whatever path.
func distinct(list []source) []source {
	var kept []source
	names := map[string]bool{}
	files := map[time.Time][]os.FileInfo{} // by the time of the last change, which finds most of them
	for _, s := range list {
		if s.file == nil {
			if !names[s.name] {
				kept = append(kept, s)
			}
			names[s.name] = true
			continue
		}
		changed := s.file.ModTime()
		same := func(f os.FileInfo) bool { return os.SameFile(f, s.file) }
		if !slices.ContainsFunc(files[changed], same) {
			kept = append(kept, s)
			files[changed] = append(files[changed], s.file)
		}
	}
	return kept
}

// sources returns the scenarios that one argument names: a built-in scenario, a folder of the
// library, a file or a directory, or by - the standard input. The library is searched first; ./NAME
// is always a path.
func sources(arg string) ([]source, error) {
	if arg == standardInput {
		return []source{{name: arg, load: readInput}}, nil
	}
	f, unknown := scenarios.Builtin(arg)
	if unknown == nil && !strings.HasPrefix(arg, ".") && filepath.Ext(arg) == "" {
		return []source{builtinSource(f)}, nil
	}
	folder := strings.TrimSuffix(arg, "/")
	if slices.Contains(scenarios.Folders(), folder) {
		files, err := scenarios.Library()
		if err != nil {
			return nil, err
		}
		var list []source
		for _, f := range files {
			if f.Folder == folder {
				list = append(list, builtinSource(f))
			}
		}
		return list, nil
	}
	if _, err := os.Stat(arg); err != nil && unknown != nil && filepath.Ext(arg) == "" {
		if folder != arg {
			unknown = code.Errorf(code.UnknownScenario, "no folder %q in the library%s",
				folder, spell.DidYouMean(folder, scenarios.Folders()))
		}
		return nil, code.Errorf(code.UnknownScenario, "%v, and no such file or directory; see halfopen list", unknown)
	}
	return fileSources(arg)
}

// fileSources returns the scenarios of a file or of a directory.
func fileSources(path string) ([]source, error) {
	paths, err := scenarioPaths([]string{path})
	if err != nil {
		return nil, err
	}
	var list []source
	for _, path := range paths {
		if isConfig(path) {
			list = append(list, configSource(path))
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			info = nil // Load says why
		}
		list = append(list, source{name: path, file: info, load: func() (*language.File, error) {
			f, err := language.Load(path)
			if errors.Is(err, plainfile.ErrNotAFile) {
				err = fmt.Errorf("%w; for the standard input, write %s", err, standardInput)
			}
			return f, err
		}})
	}
	return list, nil
}

// standardInput is the argument that stands for the standard input.
const standardInput = "-"

// input is the text of the standard input, which can be read once. It is cut a byte after the limit
// of a file.
var input = sync.OnceValues(func() ([]byte, error) {
	return io.ReadAll(io.LimitReader(os.Stdin, language.MaxFileSize+1))
})

func readInput() (*language.File, error) {
	text, err := input()
	if err != nil {
		return nil, fmt.Errorf("reading the scenario from the standard input: %w", err)
	}
	f, err := language.Parse(standardInput, text)
	if err != nil {
		return nil, err
	}
	f.Dir, err = os.Getwd()
	return f, err
}

func builtinSource(f *language.File) source {
	return source{name: f.Name, load: func() (*language.File, error) { return f, nil }}
}

// scenarioPaths returns the files in args, and all .yaml and .yml files below the directories in
// args.
func scenarioPaths(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usagef("looking for scenarios: %w", err)
		}
		if !info.IsDir() {
			paths = append(paths, arg)
			continue
		}
		before := len(paths)
		err = walkYAML(arg, func(path string) {
			if !isConfig(path) {
				paths = append(paths, path)
			}
		})
		if err != nil {
			return nil, usagef("looking for scenarios: %w", err)
		}
		if len(paths) == before {
			return nil, usagef("%w", code.Errorf(code.UnknownScenario, "no .yaml file in the directory %s", arg))
		}
	}
	return paths, nil
}

// isStored reports whether a file is the scenario of a run that --out stored.
func isStored(path string) bool {
	if filepath.Base(path) != result.ScenarioFile {
		return false
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(path), result.TraceFile))
	return err == nil
}

// walkYAML calls found with each .yaml and .yml file below a directory, but not with scenarios of stored
// runs. As in Go, names that begin with a
// dot are hidden, and testdata has files that are wrong on purpose.
func walkYAML(root string, found func(path string)) error {
	if info, err := os.Lstat(root); err == nil && info.Mode()&os.ModeSymlink != 0 {
		root += string(filepath.Separator) // WalkDir follows no link, not even the first
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if ext := filepath.Ext(path); !d.IsDir() && (ext == ".yaml" || ext == ".yml") && !isStored(path) {
			found(path)
		}
		return nil
	})
}
