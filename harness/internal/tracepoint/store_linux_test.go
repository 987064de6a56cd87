//go:build amd64 || arm64

package tracepoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

// ownFit returns a fit of no kernel.
func ownFit() *fitted {
	return &fitted{
		Maps: map[string]fittedMap{".rodata": {
			Type: 2, KeySize: 4, ValueSize: 3, MaxEntries: 1,
			Contents: []byte{0, 255, 7},
		}},
		Programs: []fittedProgram{{
			Point: 2, Name: "p", License: "MIT", Code: []byte{0x18, 0, 1},
			Uses: []mapUse{{4, ".rodata"}}, Target: 77,
		}},
		Missing:     []fittedGap{{Tracepoint: "tcp:x", Kind: KindReset, Err: "why"}},
		DropReasons: map[uint32]string{2: "NO_SOCKET"}, ResetReasons: map[uint32]string{},
	}
}

func TestAKeptFitIsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "programs", "kernel")
	try(t, saveFit(path, ownFit()))
	got, err := sockets.loadFit(path)
	try(t, err)
	if diff := cmp.Diff(ownFit(), got); diff != "" {
		t.Errorf("the fit changed in the cache (-saved +loaded):\n%s", diff)
	}
}

// The programs that this kernel gets from the cache are those that fit works out for it.
func TestTheFitOfThisKernelIsKept(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	want, err := sockets.fitFast()
	testlab.Supported(t, err)
	path, err := sockets.fitPath(notesPath, typesPath)
	try(t, err)
	kept, err := sockets.loadFit(path)
	try(t, err)
	if diff := cmp.Diff(want, kept); diff != "" || len(kept.Programs) == 0 {
		t.Errorf("the cache has %d programs (-worked out +kept):\n%s", len(kept.Programs), diff)
	}
	// A fit is taken from the cache, not worked out again.
	kept.Programs = nil
	try(t, saveFit(path, kept))
	again, err := sockets.fitFast()
	try(t, err)
	if len(again.Programs) > 0 {
		t.Error("the programs were worked out again")
	}
}

func TestFitsThatAreNotTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, path string) error
		reason error
	}{
		{
			"one byte differs",
			func(_ *testing.T, path string) error {
				data, err := os.ReadFile(path)
				data[len(data)/2] ^= 1
				return errors.Join(err, os.WriteFile(path, data, 0o600))
			},
			errDamaged,
		},
		{
			"it ends early",
			func(_ *testing.T, path string) error { return os.Truncate(path, 100) },
			errDamaged,
		},
		{
			"it is empty",
			func(_ *testing.T, path string) error { return os.Truncate(path, 0) },
			errDamaged,
		},
		{
			"it is for a tracepoint that is not known",
			func(_ *testing.T, path string) error {
				f := ownFit()
				f.Programs[0].Point = len(sockets.points)
				return saveFit(path, f)
			},
			errDamaged,
		},
		{
			"others can write the file",
			func(_ *testing.T, path string) error { return os.Chmod(path, 0o606) },
			errUntrusted,
		},
		{
			"others can write the directory",
			func(_ *testing.T, path string) error { return os.Chmod(filepath.Dir(path), 0o770) },
			errUntrusted,
		},
		{
			"the file belongs to somebody else",
			func(t *testing.T, path string) error {
				if os.Geteuid() != 0 {
					t.Skip("only root can give a file away")
				}
				return os.Chown(path, 1000, 1000)
			},
			errUntrusted,
		},
		{
			"it is a symbolic link",
			func(_ *testing.T, path string) error {
				return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path))
			},
			unix.ELOOP,
		},
		{
			"it is not there",
			func(_ *testing.T, path string) error { return os.Remove(path) },
			fs.ErrNotExist,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "programs", "kernel")
			try(t, saveFit(path, ownFit()))
			try(t, tt.spoil(t, path))
			if f, err := sockets.loadFit(path); !errors.Is(err, tt.reason) || f != nil {
				t.Errorf("loading it: %v, %v, want %v", f, err, tt.reason)
			}
		})
	}
}

func TestFitsOfOtherKernelsHaveOtherNames(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		try(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	one, two, long := file("one", "id 1"), file("two", "id 2"), file("long", "id of types")
	names := map[string]string{}
	for _, kernel := range []struct{ name, notes, types string }{
		{"a kernel", one, one}, {"another build", two, one}, {"with other types", one, long},
	} {
		path, err := sockets.fitPath(kernel.notes, kernel.types)
		try(t, err)
		if other, taken := names[path]; taken {
			t.Errorf("%s and %s have the same name", kernel.name, other)
		}
		names[path] = kernel.name
	}
	if _, err := sockets.fitPath(filepath.Join(dir, "none"), one); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a kernel without notes: %v", err)
	}
}

func TestOldFitsAreRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "programs")
	for i := range keptFits + 2 {
		path := filepath.Join(dir, string(rune('a'+i)))
		try(t, saveFit(path, ownFit()))
		age := time.Now().Add(time.Duration(i-100) * time.Hour)
		try(t, os.Chtimes(path, age, age))
	}
	newest := filepath.Join(dir, "z")
	try(t, saveFit(newest, ownFit()))
	entries, err := os.ReadDir(dir)
	try(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"d", "e", "f", "g", "h", "i", "j", "z"}, names); diff != "" {
		t.Errorf("the cache (-want +got):\n%s", diff)
	}
}
