package suite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// A run that finds the disk full is not stored, nor said to be.
func TestAFullDiskStoresNothing(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	disk := t.TempDir()
	testlab.Need(t, "mount(2)", unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"))
	defer func() { _ = unix.Unmount(disk, 0) }()
	text := strings.Repeat("x", 4000)
	for _, c := range []struct {
		name   string
		events int
		full   bool
	}{{"a trace that fits", 1, false}, {"one that does not", 100, true}} {
		t.Run(c.name, func(t *testing.T) {
			tr := &trace.Trace{}
			for range c.events {
				tr.Add(trace.Event{Note: &trace.Note{Text: text}})
			}
			dir := filepath.Join(disk, c.name)
			r := &Result{Run: Run{Scenario: &language.Scenario{Name: "s"}}, Trace: tr}
			err := save(r, dir, dir)
			entries, readErr := os.ReadDir(dir)
			if readErr != nil {
				t.Fatal(readErr)
			}
			switch {
			case !c.full && (err != nil || r.Dir != dir || len(entries) != 3):
				t.Errorf("%v, stored in %q: %v", err, r.Dir, entries)
			case c.full && (!errors.Is(err, unix.ENOSPC) || r.Dir != "" || len(entries) > 0):
				t.Errorf("%v, stored in %q: %v", err, r.Dir, entries)
			}
		})
	}
}
