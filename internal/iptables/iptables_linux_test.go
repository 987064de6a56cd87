package iptables

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// fake puts a script in place of iptables, which says its version first.
func fake(t *testing.T, script string) *Tables {
	t.Helper()
	fakePath(t, "case $1 in --version) echo 'iptables v1.8.9 (nf_tables)'; exit;; esac\n"+script)
	tables, err := New(false)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// fakePath puts a script in place of iptables and returns its path.
func fakePath(t *testing.T, script string) string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	path := filepath.Join(t.TempDir(), "iptables")
	if err := os.WriteFile(path, []byte("#!"+sh+"\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"))
	return path
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct{ name, script, reason string }{
		{
			"it fails with several lines",
			"echo 'iptables: No chain by that name.' >&2; echo 'Try more.' >&2; exit 2",
			"iptables: No chain by that name.",
		},
		{"it fails without a word", "exit 4", "exit status 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tables := fake(t, tt.script)
			reason, ok := Failed(Within(false, func() error { return tables.Append("filter", "INPUT") }))
			if !ok || reason.Error() != tt.reason {
				t.Errorf("the reason is %v, %t, want %q", reason, ok, tt.reason)
			}
		})
	}
	for _, err := range []error{nil, exec.ErrNotFound, &hangError{}} {
		if reason, ok := Failed(err); ok {
			t.Errorf("%v is a failure: %v", err, reason)
		}
	}
}

func TestHangingCalls(t *testing.T) {
	empty := t.TempDir()
	dir := filepath.Dir(fakePath(t, "exit 1"))
	for _, tt := range []struct{ name, path, program string }{
		{"of a program in PATH", dir, dir + "/iptables"},
		{"of a program that has gone since", empty, "iptables"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PATH", tt.path)
			synctest.Test(t, func(t *testing.T) {
				began, end := time.Now(), make(chan struct{})
				err := Within(false, func() error { <-end; return nil })
				want := tt.program + " did not end within 20s; run it by hand to see why, or take it out of PATH"
				if !Hangs(err) || err.Error() != want || time.Since(began) != Limit {
					t.Errorf("after %v: %v\nwant %s", time.Since(began), err, want)
				}
				close(end)
				late := errors.New("late")
				err = Within(false, func() error { time.Sleep(Limit - 1); return late })
				if err != late || Hangs(err) {
					t.Errorf("a call that ends in time returns %v", err)
				}
			})
		})
	}
}

func TestTheProgramHasNoVersion(t *testing.T) {
	path := fakePath(t, "exit 3")
	want := path + ": could not get iptables version: exit status 3"
	if _, err := New(false); err == nil || err.Error() != want || Missing(err) {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestTheProgramIsNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(true); !Missing(err) {
		t.Errorf("the error is %v", err)
	}
}
