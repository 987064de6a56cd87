package vm

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// libraryDirs are the directories where the dynamic linker of common distributions looks
// (ld.so(8)). /etc/ld.so.conf is not read.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
	"/usr/lib", "/usr/local/lib",
}

// libraries returns the files that an ELF file needs to run: its interpreter, its libraries, and
// the libraries that these need. A static program or a script needs none.
func libraries(path string) ([]string, error) {
	found := map[string]bool{}
	if err := addLibraries(path, found); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func addLibraries(path string, found map[string]bool) error {
	f, err := elf.Open(path)
	var format *elf.FormatError
	if errors.As(err, &format) || errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	var needed []string
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err != nil {
				return fmt.Errorf("reading the interpreter of %s: %w", path, err)
			}
			needed = append(needed, strings.TrimRight(string(name), "\x00"))
		}
	}
	names, err := f.ImportedLibraries()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("reading the libraries of %s: %w", path, err)
	}
	needed = append(needed, names...)
	dirs := append([]string{filepath.Dir(path)}, libraryDirs...)
	for _, name := range needed {
		at, err := findLibrary(name, dirs)
		if err != nil {
			return fmt.Errorf("%s needs %s: %w", path, name, err)
		}
		if found[at] {
			continue
		}
		found[at] = true
		if err := addLibraries(at, found); err != nil {
			return err
		}
	}
	return nil
}

func findLibrary(name string, dirs []string) (string, error) {
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err != nil {
			return "", err
		}
		return name, nil
	}
	for _, dir := range dirs {
		at := filepath.Join(dir, name)
		if _, err := os.Stat(at); err == nil {
			return at, nil
		}
	}
	return "", fs.ErrNotExist
}
