package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/harness/suite/result"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/internal/wholefile"
	"halfopen/scenarios/language"
)

// reportTo is a value of --report: a format and the path of its file, which a format without one has
// from the environment, or "".
type reportTo struct {
	format *report.Format
	path   string
}

func (r *reportTo) String() string {
	if r.format.NoPath {
		return r.format.Name
	}
	return r.format.Name + "=" + r.path
}

// stepSummary is the variable of the environment with the path of the file for the summary of a step of
// GitHub Actions. Other programs of the step write to it, too.
const stepSummary = "GITHUB_STEP_SUMMARY"

// formatOf returns the format that --format names.
func formatOf(name string) (*report.Format, error) {
	format, err := report.FormatNamed(name)
	switch {
	case err != nil:
		return nil, usagef("--format %q: %w", name, err)
	case format.NoPath:
		return nil, usagef("--format %s: this is a format of reports only; write --report %s", name, name)
	}
	return format, nil
}

// parseReports reads the values of --report. With control, the formats must have a view of controls.
func parseReports(values []string, control bool) ([]reportTo, error) {
	var all []reportTo
	for _, value := range values {
		name, path, hasPath := strings.Cut(value, "=")
		format, err := report.FormatNamed(name)
		switch {
		case err != nil:
			return nil, usagef("--report %q: want FORMAT=PATH, with the format %s", value, report.ReportNames())
		case format.NoPath && hasPath:
			return nil, usagef("--report %q: want %s, without a path", value, name)
		case format.NoPath:
			path = os.Getenv(stepSummary)
		case !hasPath || path == "":
			return nil, usagef("--report %q: want %s=PATH", value, name)
		case path == "-":
			return nil, usagef("--report %q: want the path of a file; --format %s writes to the standard output",
				value, name)
		case control && format.Control == nil:
			return nil, usagef("--report %q: this format has no rows for settings, so it does not apply to --control; want %s",
				value, report.ControlFormatNames())
		}
		all = append(all, reportTo{format, path})
	}
	return all, nil
}

// reportFile is an open file of a report.
type reportFile struct {
	reportTo
	// target is the path without symbolic links, info the file that was there; nil if none was.
	target string
	info   os.FileInfo
	// whole is a regular file that gets its name at the end, open any other.
	whole *wholefile.File
	open  *os.File
	// lost is the first error of writing, which some views do not return.
	lost func() error
}

// openReports opens the files of reports, so that one that cannot be written is found before any run. No
// report may replace a file that the command has read: inputs are their paths. A file that is written at the
// end replaces an older one only then. index is the file of --out with the records, nil if there is none. A
// report of records with its path is left out: the index is this report, if it may be.
func openReports(reports []reportTo, inputs []string, index *outIndex) (files []*reportFile, err error) {
	var all []*reportFile
	for _, r := range reports {
		f := &reportFile{reportTo: r}
		if err := f.find(); err != nil {
			return nil, usagef("--report %s: %w", &r, err)
		}
		for _, other := range all {
			if f.format.NoPath && other.format.Name == f.format.Name {
				return nil, usagef("--report %s is given twice", &r)
			}
			if f.sameAs(other.target, other.info) {
				return nil, usagef("--report %s: --report %s writes the same file", &r, &other.reportTo)
			}
		}
		all = append(all, f)
		for _, path := range inputs {
			if info, err := os.Stat(path); err == nil && f.sameAs("", info) {
				return nil, usagef("--report %s: this command reads that file", &r)
			}
		}
		switch out := index.writes(f); {
		case out == "":
			files = append(files, f)
		case !index.isReport || f.format.Name != index.format.Name:
			return nil, usagef("--report %s: --out %s writes the same file", &r, out)
		}
	}
	// Those that are overwritten at once come last: an older report stays if another cannot be written.
	for _, grows := range []bool{false, true} {
		for _, f := range files {
			if f.format.Grows != grows {
				continue
			}
			if err := f.create(); err != nil {
				discard(files)
				return nil, usagef("--report %s: %w", &f.reportTo, err)
			}
		}
	}
	return files, nil
}

// inputs returns the paths of the files that a run depends on.
func (f *runFlags) inputs(cases []*language.Scenario, wrong []wrongFile) []string {
	paths := []string{f.config}
	if f.rerunFailed != "" {
		paths = append(paths, f.rerunFailed, filepath.Join(f.rerunFailed, result.IndexFile))
	}
	for _, c := range cases {
		if c.Dir != "" { // not of the library
			paths = append(paths, c.Pos.File)
		}
	}
	for _, w := range wrong {
		paths = append(paths, w.name)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func discard(files []*reportFile) {
	for _, f := range files {
		if f.whole != nil {
			f.whole.Discard()
		}
		if f.open != nil {
			_ = f.open.Close()
		}
	}
}

// find makes the directory of the file, and looks for what is there.
func (f *reportFile) find() error {
	if f.path == "" {
		return nil // there is no file
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o777); err != nil {
		return err
	}
	info, err := os.Stat(f.path)
	switch {
	case err == nil:
		f.info = info
		switch {
		case info.IsDir():
			return errors.New("this is a directory")
		case !info.Mode().IsRegular():
			f.target = f.path // which may lead to a pipe that has no name
		case isOutput(info):
			return errors.New("the output of this command goes there")
		default:
			f.target, err = filepath.EvalSymlinks(f.path)
		}
	case errors.Is(err, os.ErrNotExist):
		var dir string
		dir, err = filepath.EvalSymlinks(filepath.Dir(f.path))
		f.target = filepath.Join(dir, filepath.Base(f.path))
	}
	if err != nil {
		return err
	}
	f.target, err = filepath.Abs(f.target)
	return err
}

// isOutput reports whether the standard output or the standard error is this file.
func isOutput(info os.FileInfo) bool {
	for _, output := range []*os.File{os.Stdout, os.Stderr} {
		if other, err := output.Stat(); err == nil && os.SameFile(info, other) {
			return true
		}
	}
	return false
}

// sameAs reports whether the file is the one at target, or the file of info.
func (f *reportFile) sameAs(target string, info os.FileInfo) bool {
	return f.target != "" && f.target == target || f.info != nil && info != nil && os.SameFile(f.info, info)
}

// trial is how many bytes must fit into a file before the first run.
const trial = 64 << 10

// create opens the file, and tries whether it can be written.
func (f *reportFile) create() error {
	if f.path == "" {
		return nil
	}
	if f.info != nil && !f.info.Mode().IsRegular() {
		// A pipe or a device, which must not be replaced by a file.
		file, err := os.OpenFile(f.target, os.O_WRONLY, 0)
		if err == nil {
			f.open = file
			_, err = file.Write(nil) // which a full device refuses
		}
		return err
	}
	if f.info != nil {
		// It would be replaced whatever its permissions say.
		old, err := os.OpenFile(f.target, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_ = old.Close()
		if err := pinned(f.target, os.Geteuid()); err != nil && !f.format.Grows && !f.format.NoPath {
			return err
		}
	}
	whole, err := wholefile.Create(f.target, 0o644)
	if err != nil {
		return err
	}
	if _, err := whole.Write(make([]byte, trial)); err != nil {
		whole.Discard()
		return err
	}
	if f.format.NoPath {
		whole.Discard()
		f.open, err = os.OpenFile(f.target, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		return err
	}
	if f.format.Grows {
		whole.Discard()
		f.open, err = createNew(f.target)
		return err
	}
	f.whole = whole
	if err := whole.Truncate(0); err != nil {
		return err
	}
	_, err = whole.Seek(0, io.SeekStart)
	return err
}

// createNew makes a file in place of one that has the name. That one is not written to: another
// halfopen may still write it, and the two would mix.
func createNew(path string) (*os.File, error) {
	for range 10 {
		// An error is seen below: what cannot be removed is there.
		_ = os.Remove(path)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
	return os.Create(path) // one that cannot be removed, such as a mount
}

// checkouts are the variables of the environment that have the directory which readers of reports know
// paths from: those of GitHub, GitLab and Jenkins.
var checkouts = []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"}

// suit sets what an output takes from the environment.
func suit(o *report.Output) {
	for _, name := range checkouts {
		if dir := os.Getenv(name); o.Root == "" && filepath.IsAbs(dir) {
			o.Root = filepath.Clean(dir)
		}
	}
	if os.Getenv("TAP_VERSION") == "14" { // prove sets it to the version that it reads
		o.TAP = 14
	}
}

// report returns the report that writes to the file, and says only there what it has to say.
func (f *reportFile) report(o report.Output, control bool) report.Report {
	newView := f.format.New
	if control {
		newView = f.format.Control
	}
	file := f.open
	if f.whole != nil {
		file = f.whole.File
	}
	out := &output{w: file, unread: func() {}}
	f.lost = out.failed
	switch {
	case !f.format.NoPath:
		o.Out = out
	case file == nil:
		o.Out = commandsTo(o.Errs) // from which they are read, too
	default:
		o.Out, o.Summary, o.SummaryRoom = commandsTo(o.Errs), out, mostSummary
		if info, err := file.Stat(); err == nil {
			o.SummaryRoom -= int(min(info.Size(), mostSummary))
		}
	}
	o.Errs, o.Logs, o.Quiet = io.Discard, false, false
	return report.Report{View: newView(o), Done: f.done}
}

// mostSummary is how many bytes the summary of a step may have; GitHub takes 1 MiB.
const mostSummary = 900_000

// done completes the file of a report whose view returned err.
func (f *reportFile) done(err error) error {
	err = cmp.Or(err, f.lost())
	switch {
	case f.whole == nil && f.open == nil:
	case f.whole == nil:
		err = errors.Join(err, f.open.Close())
	case err == nil:
		err = f.whole.Commit()
	default:
		f.whole.Discard()
	}
	if err != nil {
		return fmt.Errorf("writing --report %s: %w", &f.reportTo, err)
	}
	return nil
}

// completeReport offers the formats, and after one the files.
func completeReport(
	_ *cobra.Command, _ []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	name, path, hasPath := strings.Cut(toComplete, "=")
	if hasPath {
		found, _ := filepath.Glob(globQuoted(path) + "*")
		var all []cobra.Completion
		for _, path := range found[:min(len(found), mostOffered)] {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path += "/"
			}
			if say.Printable(path) == path {
				all = append(all, name+"="+path)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	var all []cobra.Completion
	for _, f := range report.Formats {
		if strings.HasPrefix(f.Name, toComplete) {
			name := f.Name
			if !f.NoPath {
				name += "="
			}
			all = append(all, cobra.CompletionWithDesc(name, f.For))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// mostOffered is how many files are offered.
const mostOffered = 200

// globQuoted returns a pattern that matches the path itself.
func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
