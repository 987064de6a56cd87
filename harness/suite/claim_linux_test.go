package suite

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
)

// The beginnings of an index.
const (
	indexHead  = `{"schema":1,"record":"suite","version":"1","began":"2026-01-01T00:00:00Z","seed":"1","runs":2}` + "\n"
	indexBegun = `{"schema":1,"record":"begun","index":0,"scenario":"mine","case":"","family":"v4","id":"mine","place":{"warp":false},"seed":"1"}` + "\n"
)

// filesBelow lists the files below a directory, and the directories that are empty.
func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if entries, _ := os.ReadDir(filepath.Join(dir, path)); d.IsDir() && len(entries) == 0 {
			all = append(all, path+"/")
		} else if !d.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if err == nil {
			err = os.WriteFile(path, []byte("x\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyTheRunsOfAnOlderSuiteAreRemoved(t *testing.T) {
	all := []string{
		"mine/v4/trace.ndjson", "mine/v4/capture.pcapng", "mine/v4/verdict.json", "mine/v4/server.web.stdout",
		"mine/v4/attempt-1/trace.ndjson", "mine/v4/3/verdict.json", "mine/n=1/v6/6.1.0/without_fault_x/trace.ndjson",
		"mine@a_mine-01234567/v4/trace.ndjson",
	}
	foreign := []string{
		"mine/notes.txt", "mine/v4/notes.txt", "mine/v4/stdout", "mine/v4/empty/", "mine/trace.ndjson", "mine/a/b/v4/trace.ndjson",
		"other/v4/trace.ndjson", "minex/v4/trace.ndjson", "trace.ndjson",
	}
	for _, tt := range []struct {
		name, index string
		want        []string // files that stay
	}{
		{"a suite that ended", indexHead + indexBegun, foreign},
		{"one that was killed in the middle of a line", indexHead + indexBegun + `{"schema":1,"rec`, foreign},
		{"one that was killed before its first run", indexHead, append(all, foreign...)},
		{"one that was killed before its first record", " ", append(all, foreign...)},
		{"no suite", "", append(all, foreign...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := t.TempDir(), t.TempDir()
			write(t, dir, append(all, foreign...)...)
			write(t, want, tt.want...)
			outside := t.TempDir()
			write(t, outside, "v4/trace.ndjson")
			for _, into := range []string{dir, want} {
				if err := os.Symlink(outside, filepath.Join(into, "mine@link")); err != nil {
					t.Fatal(err)
				}
				if tt.index != "" {
					if err := os.WriteFile(filepath.Join(into, result.IndexFile), []byte(strings.TrimPrefix(tt.index, " ")), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			c, err := ClaimDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Release()
			if err := c.Sweep(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(filesBelow(t, want), filesBelow(t, dir)); d != "" {
				t.Errorf("what stays (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]string{"v4/trace.ndjson"}, filesBelow(t, outside)); d != "" {
				t.Errorf("outside (-want +got):\n%s", d)
			}
		})
	}
}

func TestADirectoryThatCannotBeClaimed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"an index of somebody else", func(t *testing.T, dir string) {
			write(t, dir, result.IndexFile)
		}, "this is not a record"},
		{"an index of a later version", func(t *testing.T, dir string) {
			text := strings.Replace(indexHead, `"schema":1`, `"schema":2`, 1)
			if err := os.WriteFile(filepath.Join(dir, result.IndexFile), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "schema 2"},
		{"an index that leads elsewhere", func(t *testing.T, dir string) {
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, result.IndexFile)); err != nil {
				t.Fatal(err)
			}
		}, "is not a file"},
		{"an index that is a directory", func(t *testing.T, dir string) { write(t, dir, result.IndexFile+"/") }, "is not a file"},
		{"another suite that runs", func(t *testing.T, dir string) {
			c, err := ClaimDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Release)
		}, "another process stores its runs in "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.prepare(t, dir)
			if _, err := ClaimDir(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}
