package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A file that is replaced by a link after it was looked at is not followed out of its folder.
func TestPlacedFilesAreOpenedWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "in/deep"), 0o755), os.WriteFile(filepath.Join(dir, "in/file"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, "outside"), nil, 0o644), os.Symlink("../outside", filepath.Join(dir, "in/link")),
		os.Symlink("..", filepath.Join(dir, "in/up")), os.Symlink("/proc/self/root/etc", filepath.Join(dir, "in/magic")),
	); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]error{
		"file": nil, "deep": nil, "link": unix.ELOOP, "up/outside": unix.ELOOP, "magic": unix.ELOOP, "../outside": unix.EXDEV,
		"/etc/passwd": unix.EXDEV, "absent": unix.ENOENT,
	} {
		f, err := (&PlacedFile{Dir: filepath.Join(dir, "in"), From: from}).open()
		if !errors.Is(err, want) {
			t.Errorf("opening %s: %v, want %v", from, err, want)
		}
		if err == nil {
			f.Close()
		}
	}
}
