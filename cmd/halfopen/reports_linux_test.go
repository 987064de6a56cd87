package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/internal/report"
	"halfopen/internal/testlab"
)

// A full disk is found before any run, and an older report stays.
func TestReportsOnAFullDiskAreRefused(t *testing.T) {
	json, err := report.FormatNamed("json")
	if err != nil {
		t.Fatal(err)
	}
	whole := &report.Format{Name: "whole", New: newWhole}
	if _, err := openReports([]reportTo{{json, "/dev/full"}}, nil, nil); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("/dev/full: %v, want %v", err, unix.ENOSPC)
	}
	if !testlab.InLab(t) {
		return
	}
	disk, other := t.TempDir(), filepath.Join(t.TempDir(), "older")
	testlab.Need(t, "mount(2)", unix.Mount("tmpfs", disk, "tmpfs", 0, "size=32k"))
	defer func() { _ = unix.Unmount(disk, 0) }()
	if err := os.WriteFile(other, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []*report.Format{json, whole} {
		t.Run(format.Name, func(t *testing.T) {
			path := filepath.Join(disk, "report")
			open := openFiles(t)
			_, err := openReports([]reportTo{{whole, other}, {format, path}}, nil, nil)
			if !errors.Is(err, unix.ENOSPC) || statusOf(err) != statusUsage {
				t.Errorf("%v, want %v", err, unix.ENOSPC)
			}
			if now := openFiles(t); now != open {
				t.Errorf("%d files are open, %d were", now, open)
			}
			if entries, err := os.ReadDir(disk); err != nil || len(entries) > 0 {
				t.Errorf("the disk has %v, %v", entries, err)
			}
			if text, err := os.ReadFile(other); err != nil || string(text) != "old" {
				t.Errorf("an older report has %q, %v", text, err)
			}
		})
	}
}

// A file that cannot be replaced is found before any run.
func TestAReportThatCannotBeReplacedIsRefused(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	dir := t.TempDir()
	file, other := filepath.Join(dir, "report"), filepath.Join(dir, "other")
	for _, path := range []string{file, other} {
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testlab.Need(t, "mount(2)", unix.Mount(other, file, "", unix.MS_BIND, ""))
	defer func() { _ = unix.Unmount(file, 0) }()
	json, err := report.FormatNamed("json")
	if err != nil {
		t.Fatal(err)
	}
	whole := &report.Format{Name: "whole", New: newWhole}
	const want = "--report whole=%s: no other file can take the place of one that is mounted: mount its directory"
	if _, err := openReports([]reportTo{{whole, file}}, nil, nil); err == nil || err.Error() != fmt.Sprintf(want, file) {
		t.Errorf("%v, want %s", err, want)
	}
	for _, r := range []reportTo{{json, file}, {whole, other}} {
		files, err := openReports([]reportTo{r}, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", &r, err)
		}
		discard(files)
	}
}

func TestFilesOfOthersInAStickyDirectoryStay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self := os.Geteuid()
	for _, tt := range []struct {
		name string
		mode os.FileMode
		uid  int
		want bool
	}{
		{"of another user, sticky", 0o777 | os.ModeSticky, self + 1, true},
		{"of this user, sticky", 0o777 | os.ModeSticky, self, false},
		{"for root", 0o777 | os.ModeSticky, 0, false},
		{"of another user", 0o777, self + 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Chmod(dir, tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := pinned(path, tt.uid); (err != nil) != tt.want {
				t.Errorf("%v, want an error: %t", err, tt.want)
			}
		})
	}
}

// openFiles returns the number of open files of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A report for a device or a pipe does not take its place.
func TestAReportLeavesADeviceInPlace(t *testing.T) {
	whole := &report.Format{Name: "whole", New: newWhole}
	files, err := openReports([]reportTo{{whole, "/dev/null"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := files[0].report(report.Output{}, false)
	if err := r.Done(r.Close(nil, report.Ending{})); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().Type()&os.ModeDevice == 0 {
		t.Errorf("/dev/null is %v, %v", info, err)
	}
}

// What a view cannot write is the error of its report, even if the view does not return it.
func TestAReportThatIsCutIsAnError(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	f := &reportFile{reportTo: reportTo{&report.Format{Name: "whole", New: newWhole}, "pipe"}, open: write}
	r := f.report(report.Output{}, false)
	_ = r.Close(nil, report.Ending{})
	if err := r.Done(nil); !errors.Is(err, unix.EPIPE) {
		t.Errorf("%v, want %v", err, unix.EPIPE)
	}
}
