package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed all:handshake all:established all:teardown all:datagram all:resources all:stories
var library embed.FS

// Folders are the folders of the library, in the order a reader should meet them.
func Folders() []string {
	return []string{"handshake", "established", "teardown", "datagram", "resources", "stories"}
}

// Library returns the scenarios that ship with halfopen, in the order of [Folders], then of names. The files are parsed
// once and must not be changed.
func Library() ([]*File, error) { return loadLibrary() }

var loadLibrary = sync.OnceValues(func() ([]*File, error) {
	var files []*File
	for _, folder := range Folders() {
		entries, err := fs.ReadDir(library, folder)
		if err != nil {
			return nil, fmt.Errorf("reading the library: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() || path.Ext(e.Name()) != ".yaml" {
				continue
			}
			name := path.Join(folder, e.Name())
			src, err := fs.ReadFile(library, name)
			if err != nil {
				return nil, fmt.Errorf("reading the library: %w", err)
			}
			f, err := Parse(name, src)
			if err != nil {
				return nil, err
			}
			f.Folder = folder
			files = append(files, f)
		}
	}
	return files, nil
})

// Builtin returns the library's scenario of that name; FOLDER/NAME will do as well.
func Builtin(name string) (*File, error) {
	files, err := Library()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		if f.Name == strings.TrimSuffix(path.Base(name), ".yaml") && (!strings.Contains(name, "/") || strings.HasPrefix(name, f.Folder+"/")) {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("no scenario %q in the library%s", clip(name), didYouMean(path.Base(name), names))
}
