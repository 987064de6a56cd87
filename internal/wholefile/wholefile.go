// Package wholefile writes files whole or not at all.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// File is a file that gets its name when it is complete. Make it with [Create], and end it with Commit
// or Discard.
type File struct {
	*os.File
	path string
	// temporary is the name that the file has until then; "" if it has none.
	temporary string
	done      bool
}

// Write writes a file, whole or not at all. perm is subject to the umask. A file that has the name is
// replaced.
func Write(path string, perm os.FileMode, write func(io.Writer) error) error {
	f, err := Create(path, perm)
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := write(f); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Commit()
}

// Commit gives the file its name, in place of a file that has it, and closes it. If it fails, the file
// is discarded.
func (f *File) Commit() error {
	if f.temporary == "" {
		err := link(f.File, f.path)
		f.done = true
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		f.Discard()
		return err
	}
	if err := os.Rename(f.temporary, f.path); err != nil {
		f.Discard()
		return err
	}
	f.done = true
	return nil
}

// Discard leaves nothing of a file that was not committed. After Commit it does nothing.
func (f *File) Discard() {
	if f.done {
		return
	}
	f.done = true
	_ = f.Close()
	if f.temporary != "" {
		_ = os.Remove(f.temporary)
	}
}

// temporaryName is the name that a file may have until it gets its own.
func temporaryName(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), rand.Uint64()))
}

// createNamed is [Create] with a temporary name, so that a reader never sees half of a file. A process
// that is killed leaves it.
func createNamed(path string, perm os.FileMode) (*File, error) {
	temporary := temporaryName(path)
	// os.CreateTemp would not ask the umask.
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path, temporary: temporary}, nil
}
