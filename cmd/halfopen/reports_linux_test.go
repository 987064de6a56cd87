package main

import (
	"errors"
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
	if _, err := openReports([]reportTo{{json, "/dev/full"}}, nil); !errors.Is(err, unix.ENOSPC) {
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
			_, err := openReports([]reportTo{{whole, other}, {format, path}}, nil)
			if !errors.Is(err, unix.ENOSPC) || statusOf(err) != statusUsage {
				t.Errorf("%v, want %v", err, unix.ENOSPC)
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

// A report for a device or a pipe does not take its place.
func TestAReportLeavesADeviceInPlace(t *testing.T) {
	whole := &report.Format{Name: "whole", New: newWhole}
	files, err := openReports([]reportTo{{whole, "/dev/null"}}, nil)
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
