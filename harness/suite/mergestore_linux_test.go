package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
)

// A part may be a stranger's.
func TestMergedEvidenceHasNothingElse(t *testing.T) {
	parts := shardsOf(t, 1)
	dirs, err := result.Find(parts[0].Dir)
	if err != nil {
		t.Fatal(err)
	}
	dir := dirs[0]
	write(t, dir, "notes.txt", "client.exec.stdout")
	outside := t.TempDir()
	write(t, outside, "client.exec.stdout", "trace.ndjson")
	for _, name := range []string{"attempt-2", "server.exec.stdout"} {
		to := filepath.Join(outside, "client.exec.stdout")
		if name == "attempt-2" {
			to = outside
		}
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "merged")
	if err := m.Store(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(parts[0].Dir, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{result.CaptureFile, "client.exec.stdout", result.ScenarioFile, result.TraceFile, result.VerdictFile}
	if d := cmp.Diff(want, filesBelow(t, filepath.Join(out, rel))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	// A directory that leads elsewhere is not copied at all.
	if err := os.Rename(dir, filepath.Join(outside, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "run"), dir); err != nil {
		t.Fatal(err)
	}
	if err := m.Store(t.Context(), out+"-2"); err == nil || !strings.Contains(err.Error(), "escapes from parent") {
		t.Errorf("error %v", err)
	}
}
