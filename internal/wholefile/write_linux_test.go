package wholefile

import (
	"io"
	"os"
	"path/filepath"
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
