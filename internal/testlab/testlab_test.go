package testlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"halfopen/inject"

	"github.com/google/go-cmp/cmp"
)

// recorder is a testing.TB that records how the test ended.
type recorder struct {
	testing.TB
	outcome, text string
}

// ended is the value that Skip and Fatal panic with, because they must not return.
type ended struct{}

func (r *recorder) end(outcome, text string) {
	r.outcome, r.text = outcome, text
	panic(ended{})
}

func (r *recorder) Helper()                     {}
func (r *recorder) Skip(args ...any)            { r.end("skip", fmt.Sprint(args...)) }
func (r *recorder) Skipf(f string, args ...any) { r.end("skip", fmt.Sprintf(f, args...)) }
func (r *recorder) Fatalf(f string, args ...any) {
	r.end("fail", fmt.Sprintf(f, args...))
}

func (r *recorder) Errorf(f string, args ...any) {
	r.outcome, r.text = "fail", fmt.Sprintf(f, args...)
}

func (r *recorder) Fatal(args ...any) { r.end("fail", fmt.Sprint(args...)) }

// record calls f with a recorder.
func record(f func(testing.TB)) (outcome, text string) {
	r := &recorder{outcome: "go on"}
	defer func() {
		if p := recover(); p != nil && p != any(ended{}) {
			panic(p)
		}
		outcome, text = r.outcome, r.text
	}()
	f(r)
	return
}

func TestNeed(t *testing.T) {
	missing := &inject.MissingError{Feature: "nfqueue", Remedy: "load it"}
	for _, tt := range []struct {
		name string
		err  error
		want string
		inCI string
		text string
	}{
		{"nothing is missing", nil, "go on", "go on", ""},
		{"a feature of the kernel", fmt.Errorf("opening: %w", missing), "skip", "fail", "nfqueue"},
		{"a refusal", fmt.Errorf("making a namespace: %w", syscall.EPERM), "skip", "fail", "a lab is not available here: making a namespace: operation not permitted"},
		{"no access", &os.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "skip", "fail", "a lab is not available here"},
		{"no room for more namespaces", syscall.ENOSPC, "skip", "fail", "a lab is not available here"},
		{"a program that is not installed", &exec.Error{Name: "ip", Err: exec.ErrNotFound}, "skip", "fail", "a lab is not available here"},
		{"a mistake", errors.New("index out of range"), "fail", "fail", "index out of range"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for ci, want := range map[string]string{"": tt.want, "0": tt.want, "1": tt.inCI} {
				t.Setenv("HALFOPEN_CI", ci)
				outcome, text := record(func(tb testing.TB) { Need(tb, "a lab", tt.err) })
				if outcome != want {
					t.Errorf("HALFOPEN_CI=%s: the outcome is %s (%s), want %s", ci, outcome, text, want)
				}
				if ci == "" && !strings.Contains(text, tt.text) {
					t.Errorf("it says %q, want %q", text, tt.text)
				}
			}
		})
	}
}

func TestSupported(t *testing.T) {
	missing := &inject.MissingError{Feature: "nfqueue"}
	for _, tt := range []struct {
		name       string
		err        error
		want, inCI string
	}{
		{"nothing is missing", nil, "go on", "go on"},
		{"a feature of the kernel is missing", fmt.Errorf("opening: %w", missing), "skip", "fail"},
		{"an unexplained refusal is a mistake", syscall.EPERM, "fail", "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for ci, want := range map[string]string{"": tt.want, "1": tt.inCI} {
				t.Setenv("HALFOPEN_CI", ci)
				if outcome, text := record(func(tb testing.TB) { Supported(tb, tt.err) }); outcome != want {
					t.Errorf("HALFOPEN_CI=%s: the outcome is %s (%s), want %s", ci, outcome, text, want)
				}
			}
		})
	}
}

func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "file.golden")
	compare := func(got string) (outcome, text string) {
		return record(func(tb testing.TB) { Golden(tb, path, got) })
	}
	if outcome, text := compare("one\n"); outcome != "fail" || !strings.Contains(text, path) {
		t.Errorf("without a file: %s, %s", outcome, text)
	}
	was := *update
	*update = true
	outcome, text := compare("one\n")
	*update = was
	if outcome != "go on" {
		t.Errorf("-update: %s, %s", outcome, text)
	}
	if outcome, text := compare("one\n"); outcome != "go on" {
		t.Errorf("the same: %s, %s", outcome, text)
	}
	outcome, text = compare("two\n")
	if outcome != "fail" || !strings.HasPrefix(text, path+" (-want +got):\n") {
		t.Errorf("another: %s, %s", outcome, text)
	}
	if b, err := os.ReadFile(path); err != nil || cmp.Diff("one\n", string(b)) != "" {
		t.Errorf("the file has %q, %v", b, err)
	}
}
