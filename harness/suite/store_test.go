package suite

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestStoreDirs(t *testing.T) {
	both := []language.Family{language.V4, language.V6}
	a := &language.Scenario{Name: "plain", Family: language.V4}
	b := &language.Scenario{Name: "cased", Case: "retries=3", Family: language.V4, IP: both}
	c := &language.Scenario{Name: "cased", Case: "retries=3", Family: language.V6, IP: both}
	d := &language.Scenario{Name: "plain", Family: language.V4}
	e := &language.Scenario{Name: "odd", Case: "../a b/[1, 2]", Family: language.V4}
	f := &language.Scenario{Name: "odd", Case: "..", Family: language.V4}
	for _, tt := range []struct {
		name string
		run  Run
		want string
	}{
		{"without cases", Run{Scenario: a}, "out/plain/v4"},
		{"a case", Run{Scenario: b}, "out/cased/retries=3"},
		{"a case on IPv6", Run{Scenario: c}, "out/cased/retries=3-v6"},
		{"a repetition", Run{Scenario: b, N: 2}, "out/cased/retries=3/2"},
		{"another scenario of the same name", Run{Scenario: d}, "out/plain/v4-2"},
		{"the same case on another kernel", Run{Scenario: a, Place: Place{Kernel: "6.1"}}, "out/plain/v4-3"},
		{"a label that needs quoting", Run{Scenario: e}, "out/odd/.._a_b__1,_2_"},
		{"a label that leads upwards", Run{Scenario: f}, "out/odd/_.."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStore("out", []Run{{Scenario: a}, {Scenario: b}, {Scenario: c}, {Scenario: b, N: 2}, {Scenario: d}, {Scenario: e}, {Scenario: f}, {Scenario: a, Place: Place{Kernel: "6.1"}}})
			if got := st.dirsOf([]Run{tt.run})[0]; got != tt.want {
				t.Errorf("directory %q, want %q", got, tt.want)
			}
		})
	}
}

// A case may be given twice, and the caller may remove runs before the suite runs.
func TestEqualRunsHaveDirectoriesOfTheirOwn(t *testing.T) {
	a := &language.Scenario{Name: "a", Family: language.V4}
	b := &language.Scenario{Name: "b", Family: language.V4}
	st := newStore("out", []Run{{Scenario: a}, {Scenario: b}, {Scenario: a}})
	for _, tt := range []struct {
		name string
		runs []Run
		want []string
	}{
		{"all runs", []Run{{Scenario: a}, {Scenario: b}, {Scenario: a}}, []string{"out/a/v4", "out/b/v4", "out/a/v4-2"}},
		{"some runs", []Run{{Scenario: b}, {Scenario: a}}, []string{"out/b/v4", "out/a/v4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, st.dirsOf(tt.runs)); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

// The verdict of an older run must not pass for that of a run which could not be stored in full.
func TestAnOldVerdictDoesNotOutliveItsTrace(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, result.VerdictFile)
	if err := os.WriteFile(old, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A directory in place of the trace makes the write fail.
	if err := os.MkdirAll(filepath.Join(dir, result.TraceFile, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := &Result{
		Run:   Run{Scenario: &language.Scenario{Name: "a"}},
		Trace: &trace.Trace{Events: []trace.Event{{End: &trace.End{Reason: trace.EndDone}}}},
	}
	if err := save(r, dir); err == nil {
		t.Fatal("a trace was written over a directory")
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the old verdict is still there: %v", err)
	}
}

func TestWriteFileIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "verdict.json")
	if err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk full")
	err := writeFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of the n")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "old" {
		t.Errorf("the file has %q, %v after a failed write, want the old content", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v, want the one file", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file has mode %v, %v, want 0644", info.Mode(), err)
	}
}

func TestFileNameIsBounded(t *testing.T) {
	if got := fileName(strings.Repeat("x", 1000)); len(got) > 200 {
		t.Errorf("a file name of %d bytes", len(got))
	}
}
