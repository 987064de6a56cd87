package wholefile

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A file that is being written has no name, so that a process killed meanwhile leaves nothing.
func TestAnUnfinishedFileHasNoName(t *testing.T) {
	dir := t.TempDir()
	err := Write(filepath.Join(dir, "file"), 0o600, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		entries, err := os.ReadDir(dir)
		if len(entries) > 0 {
			t.Errorf("the directory has %v", entries)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "half" {
		t.Errorf("%q, %v", text, err)
	}
}

// A file is replaced at once: a reader always finds it, and of several writers none fails.
func TestAFileThatIsReplacedIsAlwaysThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	put := func(text string) error {
		return Write(path, 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	if err := put("one"); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, text := range []string{"one", "two"} {
		writers.Go(func() {
			for range 500 {
				if err := put(text); err != nil {
					t.Errorf("writing %s: %v", text, err)
					return
				}
			}
		})
	}
	for range 2000 {
		if text, err := os.ReadFile(path); err != nil || string(text) != "one" && string(text) != "two" {
			t.Errorf("%q, %v", text, err)
			break
		}
	}
	writers.Wait()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

// What cannot be replaced stays, and nothing else does.
func TestADirectoryIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, 0o600, func(io.Writer) error { return nil }); err == nil {
		t.Error("no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}
