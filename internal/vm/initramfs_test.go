package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"
)

// contents returns the names in an archive, in order, and by name the contents of the files and the
// targets of the links.
func contents(t *testing.T, i *initramfs) (names []string, texts map[string]string) {
	t.Helper()
	archive, err := i.archive()
	if err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	r := cpio.Newc.Reader(bytes.NewReader(archive))
	err = cpio.ForEachRecord(r, func(rec cpio.Record) error {
		names = append(names, rec.Name)
		text := make([]byte, rec.FileSize)
		if _, err := rec.ReadAt(text, 0); err != nil && rec.FileSize > 0 {
			return err
		}
		texts[rec.Name] = string(text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, texts
}

func TestFilesComeBehindTheirDirectoriesAndLinksWithWhatTheyStandFor(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "usr/lib/program"), []byte("x"))
	for link, to := range map[string]string{"lib": "usr/lib", "usr/lib/alias": "program"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	i := newInitramfs()
	for range 2 {
		if err := i.copy(filepath.Join(dir, "lib/alias")); err != nil {
			t.Fatal(err)
		}
	}
	names, texts := contents(t, i)
	in := func(name string) int { return slices.Index(names, strings.TrimPrefix(filepath.Join(dir, name), "/")) }
	if in("usr/lib/program") < in("usr/lib") || in("usr/lib") < 0 || in("lib/alias") < 0 {
		t.Errorf("names: %q", names)
	}
	if slices.ContainsFunc(names, func(n string) bool {
		return slices.Index(names, n) != len(names)-1-slices.Index(reversed(names), n)
	}) {
		t.Errorf("a name occurs twice: %q", names)
	}
	for link, want := range map[string]string{"lib/alias": "usr/lib/alias", "usr/lib/alias": "usr/lib/program"} {
		if got := texts[strings.TrimPrefix(filepath.Join(dir, link), "/")]; got != filepath.Join(dir, want) {
			t.Errorf("%s links to %q, want %s", link, got, want)
		}
	}
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

func TestTheSameFilesMakeTheSameInitramfs(t *testing.T) {
	make := func() (archive []byte, identity string) {
		i := newInitramfs()
		if err := i.copy("/etc/passwd"); err != nil {
			t.Fatal(err)
		}
		archive, err := i.archive()
		if err != nil {
			t.Fatal(err)
		}
		return archive, i.identity()
	}
	archive, identity := make()
	again, identityAgain := make()
	if !bytes.Equal(archive, again) || identity != identityAgain {
		t.Error("the same programs made two different archives")
	}
}

func TestOtherFilesMakeAnotherIdentity(t *testing.T) {
	dir := t.TempDir()
	program, modules := filepath.Join(dir, "program"), filepath.Join(dir, "modules/kernel/veth.ko")
	write(t, program, []byte("x"))
	write(t, modules, []byte("x"))
	seen := map[string]string{}
	note := func(what string, add func(*initramfs)) {
		i := newInitramfs()
		if err := i.copy(program); err != nil {
			t.Fatal(err)
		}
		i.addModules(pathsBelow(t, filepath.Join(dir, "modules")))
		add(i)
		if before, ok := seen[i.identity()]; ok {
			t.Errorf("%s: the same identity as %s", what, before)
		}
		seen[i.identity()] = what
	}
	nothing := func(*initramfs) {}
	note("at first", nothing)
	note("a file more", func(i *initramfs) { i.file("a", []byte("1"), 0o644) })
	note("another text", func(i *initramfs) { i.file("a", []byte("2"), 0o644) })
	note("another mode", func(i *initramfs) { i.file("a", []byte("2"), 0o755) })
	note("a link", func(i *initramfs) { i.link("a", "b") })
	note("a link to something else", func(i *initramfs) { i.link("a", "c") })
	write(t, program, []byte("y"))
	note("a program written again", nothing)
	if err := os.Chtimes(modules, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	note("a module of another time", nothing)
	write(t, modules, []byte("longer"))
	if err := os.Chtimes(modules, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	note("a module of another size", nothing)
	write(t, filepath.Join(dir, "modules/kernel/dummy.ko"), []byte("z"))
	note("a module more", nothing)
}
