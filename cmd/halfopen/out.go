package main

import (
	"fmt"
	"os"
	"path/filepath"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/report"
)

// outDir is the directory of --out.
type outDir struct {
	claim *suite.Claim
	// index is the open file of the records of the suite.
	index *reportFile
	// dir is where runs are stored, named what --out calls it: the archive that dir becomes, or dir itself.
	dir, named string
}

// openOut makes the directory of --out, and keeps other suites out of it until it is closed; nil for "".
// reads is the path of stored runs that the command reads, "" for none: they must not be in it.
func openOut(dir, reads string) (*outDir, error) {
	if dir == "" {
		return nil, nil
	}
	o := &outDir{dir: dir, named: dir}
	info, err := os.Stat(dir)
	if suite.IsArchive(dir) && (err != nil || !info.IsDir()) {
		o.dir += ".partial"
		if err := suite.CheckArchive(dir); err != nil {
			return nil, usagef("--out: %w", err)
		}
		if info, err := os.Lstat(o.dir); err == nil && !info.IsDir() {
			return nil, usagef("--out %s: runs are stored in %s until it is complete: remove this file", dir, o.dir)
		}
	}
	for _, at := range []string{o.named, o.dir} {
		if reads != "" && isIn(reads, at) {
			return nil, usagef("--out %s: the runs of %s are stored there: choose another directory", dir, reads)
		}
	}
	if o.claim, err = suite.ClaimDir(o.dir); err != nil {
		return nil, usagef("--out: %w", err)
	}
	return o, nil
}

// isIn reports whether a path is that of a directory or a file, or of something in it.
func isIn(path, dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false // nothing is in it
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // else it may be in an archive
	}
	at, err := filepath.Abs(path)
	for before := ""; err == nil && at != before; before, at = at, filepath.Dir(at) {
		if other, err := os.Stat(at); err == nil && os.SameFile(info, other) {
			return true
		}
	}
	return false
}

// path is where runs are stored; "" if they are not.
func (o *outDir) path() string {
	if o == nil {
		return ""
	}
	return o.dir
}

// close lets other suites in. Nothing is left of an archive if nothing was stored.
func (o *outDir) close() {
	if o == nil {
		return
	}
	if o.dir != o.named {
		_ = os.Remove(o.dir) // unless something is there
	}
	o.claim.Release()
}

// begin removes an older suite and opens the index. No report may write it.
func (o *outDir) begin(reports []*reportFile) error {
	if o == nil {
		return nil
	}
	format, err := report.FormatNamed("json")
	if err != nil {
		return err
	}
	index := &reportFile{reportTo: reportTo{format, filepath.Join(o.dir, result.IndexFile)}}
	if err := index.find(); err != nil {
		return usagef("--out: %w", err)
	}
	archive := &reportFile{reportTo: reportTo{format, o.named}}
	if o.dir != o.named {
		if err := archive.find(); err != nil {
			return usagef("--out: %w", err)
		}
	}
	for _, r := range reports {
		if index.sameAs(r.target, r.info) || archive.sameAs(r.target, r.info) {
			return usagef("--report %s: --out %s writes the same file", &r.reportTo, o.named)
		}
	}
	if err := o.claim.Sweep(); err != nil {
		return usagef("--out: %w", err)
	}
	if err := index.create(); err != nil {
		return usagef("--out: %w", err)
	}
	o.index = index
	return nil
}

// report returns the index as a report. Directories in it are relative to it.
func (o *outDir) report(out report.Output) report.Report {
	out.Base = o.named
	r := o.index.report(out, false)
	done := r.Done
	r.Done = func(err error) error {
		if err = done(err); err != nil {
			return fmt.Errorf("the index of --out %s is not complete: %w", o.named, err)
		}
		if o.dir == o.named {
			return nil
		}
		if err := suite.Pack(o.dir, o.named); err != nil {
			return fmt.Errorf("--out %s: %w; what was stored is in %s", o.named, err, o.dir)
		}
		return o.claim.Remove()
	}
	return r
}
