package harness_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/harness"
	"halfopen/internal/testlab"
)

// A run ends although iptables hangs, and no process is left. Its time limit is so long that the
// parent's come first here.
func TestIPTablesHangs(t *testing.T) {
	needLab(t)
	testlab.NeedProgram(t, "iptables")
	const scenario = `
name: hangs
title: A fault by iptables
deadline: 500ms
hosts: {client: {}, server: {}}
faults:
  silence: {match: {tcp: SYN}, do: drop, via: iptables, from: client.sleep}
actors:
  client: [{sleep: 10ms}, {connect: "server:80"}]
expect:
  - {step: client.connect, error: ETIMEDOUT}
`
	for _, tt := range []struct {
		// hangs is a pattern of the shell for the arguments with which iptables hangs, by a command.
		name, hangs, by string
		want            string
	}{
		{
			"when the faults are prepared", "*-N*", "sleep 600",
			"the lab of hangs was killed: it did not answer for 4s while it was being built (preparing the faults); " +
				`its latest program is "SHELL DIR/iptables -t filter -N halfopen-silence --wait"`,
		},
		{
			"when the faults are prepared, stopped by a signal", "*-N*", "kill -STOP $$",
			"the lab of hangs was killed: it did not answer for 4s while it was being built (preparing the faults); " +
				`its latest program, "SHELL DIR/iptables -t filter -N halfopen-silence --wait", is stopped`,
		},
		{
			"when a fault is switched", "*-A*-j?halfopen-silence?--wait", "sleep 600",
			"the lab of hangs was killed: it did not end within 2s after its deadline of 500ms (switching fault silence); " +
				`its latest program is "SHELL DIR/iptables -t filter -A FORWARD -j halfopen-silence --wait"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			shell := fakeIPTables(t, dir, tt.hangs, tt.by)
			before := childrenOf(os.Getpid())
			_, err := harness.RunHurried(t.Context(), only(t, scenario)[0], harness.Options{})
			want := strings.NewReplacer("SHELL", shell, "DIR", dir).Replace(tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("Run returns %v\nwant         %s", err, want)
			}
			if after := childrenOf(os.Getpid()); len(after) > len(before) {
				t.Errorf("children %v, before the run %v", after, before)
			}
		})
	}
}

// fakeIPTables puts a program in place of iptables that hangs by a command if its arguments match, and
// calls the true one if not. It returns the shell that runs it.
func fakeIPTables(t *testing.T, dir, hangs, by string) (shell string) {
	t.Helper()
	real, err := exec.LookPath("iptables")
	if err != nil {
		t.Fatal(err)
	}
	if shell, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	script := "#!" + shell + "\ncase \"$*\" in " + hangs + ") " + by + "; exit;; esac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "iptables"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return shell
}
