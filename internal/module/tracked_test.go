package main

import (
	"io/fs"
	"slices"
)

// tracked is a tree without what git does not keep, and without git's own.
type tracked struct{ fs.FS }

// ReadDir leaves out those folders of the root.
func (t tracked) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return name == "." && slices.Contains([]string{".git", "bin", "out", "tmp"}, e.Name())
	}), err
}
