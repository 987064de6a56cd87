package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"halfopen/harness/suite/result"
	"halfopen/internal/report"
)

func TestReportsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		values  []string
		control bool
		want    string
	}{
		{"an unknown format", []string{"xml=a"}, false, `--report "xml=a": want FORMAT=PATH, with the format pretty`},
		{"no format", []string{"=a"}, false, `--report "=a": want FORMAT=PATH, with the format pretty`},
		{"no path", []string{"json"}, false, `--report "json": want json=PATH`},
		{"an empty path", []string{"json="}, false, `--report "json=": want json=PATH`},
		{"the standard output", []string{"json=-"}, false, `--report "json=-": want the path of a file; --format json writes to the standard output`},
		{"a path that is not asked for", []string{"github=x"}, false, `--report "github=x": want github, without a path$`},
		{"the same again", []string{"github", "github"}, false, "--report github is given twice$"},
		{"one without rows for settings", []string{"junit=x"}, true, `--report "junit=x": this format has no rows for settings, so it does not apply to --control; want pretty or json$`},
		{"a directory", []string{"json=."}, false, "--report json=.: this is a directory"},
		{"a directory to come", []string{"json=new/"}, false, "--report json=new/: this is a directory"},
		{"a path below a file", []string{"json=file/x"}, false, "--report json=file/x: mkdir file: not a directory"},
		{"a loop of links", []string{"json=loop"}, false, "--report json=loop: .*too many levels of symbolic links"},
		{"a path twice", []string{"json=a", "pretty=a"}, false, "--report pretty=a: --report json=a writes the same file"},
		{"a path twice, once with a detour", []string{"json=a", "pretty=./new/../a"}, false, "--report pretty=./new/../a: --report json=a writes"},
		{"a path and a link to it", []string{"json=file", "pretty=link"}, false, "--report pretty=link: --report json=file writes"},
		{"two names of a file", []string{"json=file", "pretty=hard"}, false, "--report pretty=hard: --report json=file writes"},
		{"a path through a linked directory", []string{"json=dir/a", "pretty=there/a"}, false, "--report pretty=there/a: --report json=dir/a writes"},
		{"the file of the scenario", []string{"json=s.yaml"}, false, "--report json=s.yaml: this command reads that file$"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv(stepSummary, "")
			for _, name := range []string{"file", "s.yaml"} {
				if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, err := range []error{
				os.Mkdir("dir", 0o700), os.Symlink("dir", "there"), os.Symlink("file", "link"),
				os.Link("file", "hard"), os.Symlink("loop", "loop"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			reports, err := parseReports(tt.values, tt.control)
			if err == nil {
				_, err = openReports(reports, []string{"", "gone.yaml", "s.yaml"}, nil)
			}
			if err == nil || !regexp.MustCompile("^"+tt.want).MatchString(err.Error()) || statusOf(err) != statusUsage {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if text, err := os.ReadFile("file"); err != nil || string(text) != "old" {
				t.Errorf("a file that was there has %q, %v", text, err)
			}
		})
	}
}

// The index of --out is a report of records with its path. What else has that path is refused, and the
// index of an older suite stays.
func TestAReportMayBeTheIndex(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, err := range []error{os.Mkdir("d", 0o700), os.Symlink("d", "link"), os.WriteFile("d/results.ndjson", nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, out string
		archive   bool
		control   bool
		values    []string
		want      int
		err       string
	}{
		{"its path", "d", false, false, []string{"json=d/results.ndjson"}, 0, ""},
		{"by a link, with another report", "link", false, false, []string{"tap=d/tap.t", "json=./d/results.ndjson"}, 1, ""},
		{"in a directory to come", "new", false, false, []string{"json=new/results.ndjson"}, 0, ""},
		{"other records, elsewhere", "d", false, false, []string{"json=r.ndjson"}, 1, ""},
		{"twice", "d", false, false, []string{"json=d/results.ndjson", "json=d/../d/results.ndjson"}, 0, "--report json=d/results.ndjson writes the same file"},
		{"another format", "d", false, false, []string{"pretty=d/results.ndjson"}, 0, "--out d writes the same file"},
		{"with controls", "d", false, true, []string{"json=d/results.ndjson"}, 0, "--out d writes the same file"},
		{"of an archive", "d", true, false, []string{"json=d/results.ndjson"}, 0, "--out d writes the same file"},
		{"the archive itself", "d", true, false, []string{"junit=d/../d.tgz"}, 0, "--out d.tgz writes the same file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reports, err := parseReports(tt.values, tt.control)
			if err != nil {
				t.Fatal(err)
			}
			o := &outDir{dir: tt.out, named: tt.out}
			if tt.archive {
				o.named += ".tgz"
			}
			index, err := o.find(tt.control)
			if err != nil {
				t.Fatal(err)
			}
			files, err := openReports(reports, nil, index)
			discard(files)
			if len(files) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.HasSuffix(err.Error(), tt.err) {
				t.Errorf("%d files, %v, want %d, %q", len(files), err, tt.want, tt.err)
			}
			if _, err := os.Stat("d/results.ndjson"); err != nil {
				t.Errorf("an older index: %v", err)
			}
		})
	}
}

// Reports replace older files, those that are written at the end only then.
func TestReportsReplaceOlderFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	target := filepath.Join("old", "target")
	if err := os.Mkdir("old", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, "link"); err != nil {
		t.Fatal(err)
	}
	whole := report.Format{Name: "whole", New: newWhole}
	files, err := openReports([]reportTo{{&whole, "link"}, {&whole, "a/b/new"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tee := &report.Tee{View: newWhole(report.Output{Out: &strings.Builder{}})}
	for _, f := range files {
		tee.Reports = append(tee.Reports, f.report(report.Output{}, false))
	}
	if text, err := os.ReadFile("link"); err != nil || string(text) != "old" {
		t.Errorf("before the end: %q, %v", text, err)
	}
	if err := tee.Close(nil, report.Ending{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{target, "a/b/new"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != "whole" {
			t.Errorf("%s at the end: %q, %v", path, text, err)
		}
	}
	if info, err := os.Lstat("link"); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is replaced: %v, %v", info, err)
	}
}

// Two runs that write one report at once leave that of the one which began last, not a mixture.
func TestAReportThatAnotherRunWritesIsNotMixed(t *testing.T) {
	t.Chdir(t.TempDir())
	json, err := report.FormatNamed("json")
	if err != nil {
		t.Fatal(err)
	}
	var tees []*report.Tee
	for _, version := range []string{"first, which is longer", "second"} {
		files, err := openReports([]reportTo{{json, "r.ndjson"}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		view := newWhole(report.Output{Out: &strings.Builder{}})
		tees = append(tees, &report.Tee{View: view, Reports: []report.Report{
			files[0].report(report.Output{Suite: report.Suite{Version: version}}, false),
		}})
	}
	for _, tee := range tees {
		if err := tee.Close(nil, report.Ending{}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open("r.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := report.ReadRecords("r.ndjson", f, func(r any) error {
		if s, ok := r.(*report.Suite); ok && s.Version != "second" {
			t.Errorf("the suite is the %s", s.Version)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// wholeView writes a word at the end.
type wholeView struct {
	report.View
	o report.Output
}

func newWhole(o report.Output) report.View { return &wholeView{o: o} }

func (v *wholeView) Close([]result.Result, report.Ending) error {
	_, err := v.o.Out.Write([]byte("whole"))
	return err
}
