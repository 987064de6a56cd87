package iptables

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fake puts a script in place of iptables, which says its version first.
func fake(t *testing.T, script string) *Tables {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	dir := t.TempDir()
	script = "#!" + sh + "\ncase $1 in --version) echo 'iptables v1.8.9 (nf_tables)'; exit;; esac\n" +
		script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "iptables"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	tables, err := New(false)
	if err != nil {
		t.Fatal(err)
	}
	return tables
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
			reason, ok := Failed(Within(func() error { return tables.Append("filter", "INPUT") }))
			if !ok || reason.Error() != tt.reason {
				t.Errorf("the reason is %v, %t, want %q", reason, ok, tt.reason)
			}
		})
	}
	for _, err := range []error{nil, exec.ErrNotFound, errHangs} {
		if reason, ok := Failed(err); ok {
			t.Errorf("%v is a failure: %v", err, reason)
		}
	}
}

func TestHangingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, end := time.Now(), make(chan struct{})
		err := Within(func() error { <-end; return nil })
		if !Hangs(err) || !strings.HasSuffix(err.Error(), ": 20s") || time.Since(began) != Limit {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(end)
		late := errors.New("late")
		err = Within(func() error { time.Sleep(Limit - 1); return late })
		if err != late || Hangs(err) {
			t.Errorf("a call that ends in time returns %v", err)
		}
	})
}

func TestTheProgramIsNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(true); !Missing(err) {
		t.Errorf("the error is %v", err)
	}
}
