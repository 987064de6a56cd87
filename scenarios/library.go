// Package scenarios is the library: the scenarios that ship with halfopen, in folders, embedded in
// the program. Package language describes what a scenario is.
package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

//go:embed all:handshake all:established all:teardown all:datagram all:resources all:stories all:programs
var library embed.FS

// Folders returns the folders of the library, in the order in which a reader should meet them.
func Folders() []string {
	return []string{"handshake", "established", "teardown", "datagram", "resources", "stories", "programs"}
}

// About returns the introduction to a folder of the library: the text of its README.md.
func About(folder string) (string, error) {
	text, err := fs.ReadFile(library, path.Join(folder, "README.md"))
	if err != nil {
		return "", fmt.Errorf("reading the library: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Library returns the scenarios that ship with halfopen, ordered by [Folders] and name. The files
// are parsed once and must not be changed.
func Library() ([]*language.File, error) {
	all, err := shelf()
	if err != nil {
		return nil, err
	}
	files := make([]*language.File, len(all))
	for i, b := range all {
		if files[i], err = b.parse(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Builtin returns the scenario of the library with that name, or FOLDER/NAME. It parses only that
// one. The error suggests similar names.
func Builtin(name string) (*language.File, error) {
	all, err := shelf()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(all))
	for _, b := range all {
		if b.name == strings.TrimSuffix(path.Base(name), ".yaml") && (!strings.Contains(name, "/") || strings.HasPrefix(name, b.folder+"/")) {
			return b.parse()
		}
		names = append(names, b.name)
	}
	return nil, code.Errorf(code.UnknownScenario,
		"no scenario %q in the library%s", say.Clip(name), suggest(path.Base(name), names))
}

// suggest returns a suggestion for a message: the names that begin with word, or else the name that
// word may be a misspelling of. If more than 6 names begin with word, or it has only one letter, it
// suggests only a misspelling.
func suggest(word string, names []string) spell.Hint {
	const most = 6
	var longer []string
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			longer = append(longer, name)
		}
	}
	switch {
	case len(longer) == 0 || len(longer) > most || len(word) < 2:
		return spell.DidYouMean(word, names)
	case len(longer) == 1:
		return spell.DidYouMean(longer[0], longer)
	}
	return spell.Hint{Text: " (there are " + strings.Join(longer, ", ") + ")"}
}

// builtin is a scenario of the library that is not parsed yet. Its name is that of its file.
type builtin struct {
	folder, name string
	parse        func() (*language.File, error)
}

var shelf = sync.OnceValues(func() ([]builtin, error) {
	var all []builtin
	for _, folder := range Folders() {
		entries, err := fs.ReadDir(library, folder)
		if err != nil {
			return nil, fmt.Errorf("reading the library: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() || path.Ext(e.Name()) != ".yaml" {
				continue
			}
			at := path.Join(folder, e.Name())
			all = append(all, builtin{folder, strings.TrimSuffix(e.Name(), ".yaml"), sync.OnceValues(func() (*language.File, error) {
				src, err := fs.ReadFile(library, at)
				if err != nil {
					return nil, fmt.Errorf("reading the library: %w", err)
				}
				f, err := language.Parse(at, src)
				if err != nil {
					return nil, err
				}
				f.Folder = folder
				return f, nil
			})})
		}
	}
	return all, nil
})
