package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A file system without O_TMPFILE gets files with the same permissions, and no others stay.
func TestFilesThatAreRenamedAskTheUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, "whole")
		return err
	}
	full := errors.New("the disk is full")
	renamed := func(path string, perm os.FileMode, write func(io.Writer) error) error {
		f, err := createNamed(path, perm)
		if err != nil {
			return err
		}
		defer f.Discard()
		if err := write(f); err != nil {
			return err
		}
		return f.Commit()
	}
	for name, put := range map[string]func(string, os.FileMode, func(io.Writer) error) error{
		"without a name until it is complete": Write, "renamed": renamed,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := put(path, 0o644, write); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("%v, %v, want the mode 0600", info.Mode(), err)
			}
			if err := put(path, 0o644, func(io.Writer) error { return full }); !errors.Is(err, full) {
				t.Errorf("%v, want %v", err, full)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != "whole" {
				t.Errorf("the file has %q, %v", text, err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("the directory has %v, %v", entries, err)
			}
		})
	}
}
