package iptables

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fake puts a script in place of iptables.
func fake(t *testing.T, script string) *Tables {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "iptables"), []byte("#!"+sh+"\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	tables, err := New(false)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func TestCalls(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script string
		call   func(*Tables) error
		// calls are the arguments of each run of the program, with ; after each.
		calls string
	}{
		{
			"a rule is added", "",
			func(t *Tables) error { return t.Append("filter", "INPUT", "-j", "DROP") },
			"--wait -t filter -A INPUT -j DROP;",
		},
		{
			"a rule is removed that is there", "",
			func(t *Tables) error { return t.DeleteIfExists("filter", "INPUT", "-j", "DROP") },
			"--wait -t filter -C INPUT -j DROP;--wait -t filter -D INPUT -j DROP;",
		},
		{
			"a rule is not removed that is not there", "exit 1",
			func(t *Tables) error { return t.DeleteIfExists("filter", "INPUT", "-j", "DROP") },
			"--wait -t filter -C INPUT -j DROP;",
		},
		{
			"a chain is removed that is there", "",
			func(t *Tables) error { return t.ClearAndDeleteChain("filter", "mine") },
			"--wait -t filter -S mine 1;--wait -t filter -F mine;--wait -t filter -X mine;",
		},
		{
			"a chain is not removed that is not there", "exit 1",
			func(t *Tables) error { return t.ClearAndDeleteChain("filter", "mine") },
			"--wait -t filter -S mine 1;",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "calls")
			tables := fake(t, `printf '%s;' "$*" >>`+log+"\n"+tt.script)
			if err := tt.call(tables); err != nil {
				t.Fatal(err)
			}
			calls, err := os.ReadFile(log)
			if err != nil || string(calls) != tt.calls {
				t.Errorf("iptables was called with %s, %v\nwant %s", calls, err, tt.calls)
			}
		})
	}
}

func TestRulesAreListed(t *testing.T) {
	tables := fake(t, "echo '-N mine'; echo '-A mine -c 3 180 -j DROP'")
	rules, err := tables.ListWithCounters("filter", "mine")
	if got, want := strings.Join(rules, "|"), "-N mine|-A mine -c 3 180 -j DROP"; got != want || err != nil {
		t.Errorf("the rules are %s, %v, want %s", got, err, want)
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		// err ends the error; reason is the one that Failed returns, "" if it is not a failure.
		err, reason string
	}{
		{
			"it fails with several lines", "echo 'iptables: No chain by that name.' >&2; echo 'Try more.' >&2; exit 2",
			"--wait -t filter -A INPUT: exit status 2: iptables: No chain by that name.",
			"iptables: No chain by that name.",
		},
		{"it fails without a word", "exit 4", "--wait -t filter -A INPUT: exit status 4", "exit status 4"},
		{"it hangs", "sleep 60; :", "--wait -t filter -A INPUT did not end within 300ms and was killed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tables := fake(t, tt.script)
			if tt.reason == "" {
				tables.limit = 300 * time.Millisecond
			}
			err := tables.Append("filter", "INPUT")
			if err == nil || !strings.HasSuffix(err.Error(), tt.err) {
				t.Errorf("the error is %v\nwant        %s", err, tt.err)
			}
			if hangs := Hangs(err); hangs != (tt.reason == "") {
				t.Errorf("Hangs returns %t", hangs)
			}
			reason, ok := Failed(err)
			if ok != (tt.reason != "") || ok && reason.Error() != tt.reason {
				t.Errorf("the reason is %v, %t, want %q", reason, ok, tt.reason)
			}
		})
	}
}

func TestTheProgramIsNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(true); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("the error is %v, want %v", err, exec.ErrNotFound)
	}
}
