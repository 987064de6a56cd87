package result

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A stranger's directory may have a pipe in place of a trace. It is looked at without waiting for
// somebody to write into it.
func TestLoadRefusesAPipe(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, TraceFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.HasSuffix(err.Error(), "trace.ndjson is a pipe, not a file") {
		t.Errorf("%v", err)
	}
}
