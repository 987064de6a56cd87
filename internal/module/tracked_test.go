package main

import (
	"io/fs"
	"slices"
)

// tracked is a tree without the folders that git ignores, and without git's.
type tracked struct{ fs.FS }

// ReadDir leaves out these folders at the root.
func (t tracked) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return name == "." && slices.Contains([]string{".git", "bin", "out", "tmp"}, e.Name())
	}), err
}
