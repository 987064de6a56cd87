package plainfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOpenReturnsRegularFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	link := path + ".link"
	for _, err := range []error{os.WriteFile(path, []byte("text"), 0o600), os.Symlink(path, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{path, link} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if _, err := Open(path + ".none"); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestKindsAreNamed(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o600:                             "",
		fs.ModeDir | 0o700:                "a directory",
		fs.ModeNamedPipe | 0o600:          "a pipe",
		fs.ModeSocket | 0o600:             "a socket",
		fs.ModeDevice | 0o600:             "a device",
		fs.ModeDevice | fs.ModeCharDevice: "a device",
		fs.ModeIrregular:                  "a special file",
	} {
		if got := kindOf(mode); got != want {
			t.Errorf("%v: %q, want %q", mode, got, want)
		}
	}
}
