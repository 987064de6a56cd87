package language

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/internal/testlab"
)

// loadError returns the message of an invalid file.
func loadError(t *testing.T, path string) string {
	t.Helper()
	return invalid(t, path).Error() + "\n"
}

// invalid loads and expands an invalid file and returns the error, with the file name as path.
func invalid(t *testing.T, path string) error {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(filepath.Base(path), src)
	if err == nil {
		_, err = f.Expand(nil)
	}
	if err == nil {
		t.Fatalf("%s was accepted", path)
	}
	return err
}

func TestInvalidFilesAreRefusedWithTheirMessage(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "invalid", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 40 {
		t.Fatalf("only %d invalid files", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := loadError(t, path)
			testlab.Golden(t, strings.TrimSuffix(path, ".yaml")+".err", got)
		})
	}
}
