package harness_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/testlab"
)

// otherUsers has a program of each form of user, with a user database of its own.
const otherUsers = `
name: others
title: Programs of other users
hosts: {client: {}}
network: {shape: loopback}
files:
  /etc/passwd: "root:x:0:0::/:/bin/sh\nhelper:x:4321:4322::/:/bin/sh\n"
  /etc/group: "mine:x:4322:\nmore:x:4323:helper\n"
actors:
  client:
    - start: {command: [sleep, "60"], user: helper, as: beside}
    - exec:
        command: |
          id -u; id -G; id -un; pwd; echo $HOME $USER $LOGNAME; grep CapEff /proc/self/status
          echo out >/dev/stdout; cat /dev/stdin; echo more >$HOME/x; cat $HOME/x; : >/tmp/x
          [ -w /run/home ] || echo not the other home
          kill -0 1 2>/dev/null || echo not its lab
        user: helper
        stdin: "in\n"
    - {exec: {command: "id -u; id -g; echo $USER; echo $HOME", user: 77}, id: number}
    - {exec: {command: "id -u; id -G", user: "77:mine", dir: /tmp}, id: group}
    - {exec: {command: "id -u; grep -c ^nosuch /proc/self/status; cat /run/home-77/x", user: root}, id: again}
    - {exec: {command: ":", user: helper, dir: /run/home}, id: closed}
    - {exec: {command: ":", user: helper, dir: /run/gone}, id: gone}
    - {exec: {command: ":", dir: gone}, id: gone2}
expect:
  - {process: client.exec, exit: 0}
`

// forOthers returns the scenario in a directory that only its owner may enter.
func forOthers(t *testing.T, text string) (tr *trace.Trace, dir string, err error) {
	t.Helper()
	s := only(t, text)[0]
	s.Dir = filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	tr, err = harness.Run(t.Context(), s, harness.Options{})
	return tr, s.Dir, err
}

// A program of another user has no capabilities, a home directory and pipes of its own, and gets the
// signals of the lab. As an ordinary user, with the IDs that /etc/subuid gives.
func TestProgramsOfOtherUsers(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			testlab.NeedProgram(t, "newuidmap")
			withSubordinate(t, "nobody:100000:5000\n", "TestProgramsOfOtherUsers")
		})
	}
	tr, dir, err := forOthers(t, otherUsers)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i := range tr.Events {
		e := &tr.Events[i]
		if e.Step != nil && e.Step.Op == "exec" {
			got[e.Step.ID] = string(e.Step.Stdout) + strings.ReplaceAll(e.Step.Problem, dir, "DIR")
		}
		if p := e.Program; p != nil && p.What == trace.ProgramEnded && p.Beside {
			got[p.Step] = "killed by " + p.Killed
		}
	}
	want := map[string]string{
		"beside": "killed by TERM",
		"exec": "4321\n4322 4323\nhelper\n/run/home-4321\n/run/home-4321 helper helper\nCapEff:\t0000000000000000\n" +
			"out\nin\nmore\nnot the other home\nnot its lab\n",
		"number": "77\n77\n77\n/run/home-77\n",
		"group":  "77\n4322\n",
		"again":  "0\n0\n",
		"closed": "starting sh: user helper may not enter its working directory /run/home: permission denied",
		"gone":   "starting sh: its working directory /run/gone: no such file or directory",
		"gone2":  "starting sh: its working directory DIR/gone: no such file or directory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

func TestUsersThatAreMissing(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			testlab.NeedProgram(t, "newuidmap")
			withSubordinate(t, "nobody:100000:5000\n", "TestUsersThatAreMissing")
		})
		t.Run("as an ordinary user without other IDs", func(t *testing.T) {
			testlab.NeedProgram(t, "newuidmap")
			withSubordinate(t, "", "TestUsersThatAreMissing")
		})
	}
	const unknown = `the user nosuch is not available here (needed by test.yaml:7:7: user nosuch of step client.exec): unable to find user nosuch: no matching entries in passwd file; add it (adduser), place an /etc/passwd by files, or write a number from 1 to 2147483647`
	for user, want := range map[string]string{
		"nosuch": unknown,
		"4999":   "",
		"5001":   `the user ID 5001 is not one of the lab (needed by test.yaml:7:7: user 5001 of step client.exec); give your user more IDs in /etc/subuid, or run as root`,
	} {
		t.Run(user, func(t *testing.T) {
			if text, err := os.ReadFile("/etc/subuid"); os.Geteuid() != 0 && err == nil && len(text) == 0 {
				want = "a program of another user is not available here (needed by test.yaml:7:7: user " + user + ` of step client.exec); give your user IDs in /etc/subuid ("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 nobody"), or run as root`
			} else if os.Geteuid() == 0 && user != "nosuch" {
				want = ""
			}
			_, _, err := forOthers(t, strings.Replace(`
name: missing
title: A user that is missing
hosts: {client: {}}
actors:
  client:
    - exec: {command: ":", user: USER}
expect: [{process: client.exec, exit: 0}]
`, "USER", user, 1))
			var missing *inject.MissingError
			switch {
			case want == "" && err == nil:
			case !errors.As(err, &missing) || err.Error() != want:
				t.Errorf("Run returns %v\nwant %s", err, want)
			}
		})
	}
}

// withSubordinate runs a test again as the user nobody, for whom /etc/subuid and /etc/subgid have a text.
func withSubordinate(t *testing.T, text, test string) {
	t.Helper()
	for _, program := range []string{"mount", "setpriv"} {
		testlab.NeedProgram(t, program)
	}
	ids := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(ids, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	again := exec.Command("unshare", "--mount", "sh", "-ec", `
		for f in /etc/subuid /etc/subgid; do [ -e $f ] || : >$f; mount --bind "$1" $f; done
		shift; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`,
		"sh", ids, copyOfTest(t), "-test.run=^"+test+"$", "-test.v")
	again.Env = append(os.Environ(), ordinaryEnv+"=1", "TMPDIR=/tmp")
	again.Dir = "/"
	out, err := again.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		testlab.Need(t, "labs of ordinary users", errors.New(string(out)))
	}
}
