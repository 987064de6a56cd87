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
	// index is the file of the records of the suite, open after begin.
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

// outIndex is the file with the records of a suite that --out stores.
type outIndex struct {
	*reportFile
	// isReport is set if it has what a report of records has.
	isReport bool
	// archive is the file that it moves into; without a path if there is none.
	archive *reportFile
}

// indexOf looks for the index of a suite that is stored in a directory, and for the archive that this
// moves into. Either may be "".
func indexOf(dir, archive string) (*outIndex, error) {
	format, err := report.FormatNamed("json")
	if err != nil {
		return nil, err
	}
	if dir != "" {
		dir = filepath.Join(dir, result.IndexFile)
	}
	index := &outIndex{
		&reportFile{reportTo: reportTo{format, dir}}, archive == "", &reportFile{reportTo: reportTo{format, archive}},
	}
	for _, f := range []*reportFile{index.reportFile, index.archive} {
		if err := f.find(); err != nil {
			return nil, usagef("--out: %w", err)
		}
	}
	return index, nil
}

// writes returns what --out is called if it writes the file of a report; "" if it does not.
func (x *outIndex) writes(f *reportFile) string {
	switch {
	case x == nil:
	case f.sameAs(x.target, x.info):
		return filepath.Dir(x.path)
	case f.sameAs(x.archive.target, x.archive.info):
		return x.archive.path
	}
	return ""
}

// find looks for the index, before reports are opened. With control, a report has other records.
func (o *outDir) find(control bool) (*outIndex, error) {
	if o == nil {
		return nil, nil
	}
	archive := ""
	if o.dir != o.named {
		archive = o.named
	}
	index, err := indexOf(o.dir, archive)
	if err != nil {
		return nil, err
	}
	index.isReport = index.isReport && !control
	o.index = index.reportFile
	return index, nil
}

// begin removes an older suite and opens the index.
func (o *outDir) begin() error {
	if o == nil {
		return nil
	}
	if err := o.claim.Sweep(); err != nil {
		return usagef("--out: %w", err)
	}
	if err := o.index.create(); err != nil {
		return usagef("--out: %w", err)
	}
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
