package harness_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/harness"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// Programs find the files of the scenario where it says, as the machine's root and as an ordinary user,
// and the machine has none of them.
func TestFilesArePlaced(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestFilesArePlaced")
		})
	}
	text := fmt.Sprintf(`
name: placed
title: Programs find the files of the scenario
hosts: {client: {}}
network: {shape: loopback}
files:
  /etc/halfopen-test/deep/app.conf: "port 80\n"
  /etc/hostname: "replaced\n"
  /tmp/in-a-private-folder: "t\n"
  /halfopen-test: "in the root\n"
  /opt/halfopen-test/run: {text: "#!/bin/sh\necho ran\n", mode: 0755}
  /srv/halfopen-test: {from: www}
  /srv/one-file: {from: www/page}
  /srv/by-link: {from: inside/page}
actors:
  client:
    - exec: "cat /etc/halfopen-test/deep/app.conf /etc/hostname /tmp/in-a-private-folder /halfopen-test"
    - {exec: [/opt/halfopen-test/run], id: run}
    - {exec: "cat /srv/halfopen-test/page /srv/one-file /srv/by-link", id: from}
    - {exec: "echo x > /srv/halfopen-test/page", id: write}
    - {exec: "cmp /etc/passwd %[1]s/passwd && test -d /etc/ssl -o ! -d %[1]s/ssl", id: rest}
expect:
  - {process: client.exec, exit: 0, stdout: "port 80\nreplaced\nt\nin the root\n"}
  - {process: client.run, stdout: ran}
  - {process: client.from, stdout: "page\npage\npage"}
  - {process: client.write, exit: ">= 1", stderr: {contains: Read-only}}
  - {process: client.rest, exit: 0}
`, "/etc")
	dir := scenarioIn(t, text)
	files, err := language.Load(filepath.Join(dir, "placed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := files.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range runAll(t, cases) {
		for _, line := range j.failures() {
			t.Error(line)
		}
	}
	for _, path := range []string{"/etc/halfopen-test", "/halfopen-test", "/opt/halfopen-test", "/srv/halfopen-test", "/srv/one-file"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("the machine has %s now", path)
		}
	}
}

// scenarioIn writes a scenario, next to a folder www with a file page and symbolic links out.
func scenarioIn(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"www/page": "page\n", "placed.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out": "/etc", "inside": filepath.Join(dir, "www")} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, kind := range map[string]uint32{"pipe": unix.S_IFIFO, "sock": unix.S_IFSOCK} {
		if err := unix.Mknod(filepath.Join(dir, name), kind|0o644, 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesThatCannotBePlaced(t *testing.T) {
	needLab(t)
	for _, c := range []struct{ name, file, want string }{
		{"from a link that leads out", "/srv/x: {from: out}", "out leads to /etc, outside the directory of the scenario"},
		{"from below a link that leads out", "/srv/x: {from: out/passwd}", "out/passwd leads to /etc/passwd, outside"},
		{"from nothing", "/srv/x: {from: absent}", "there is no absent in"},
		{"from a named pipe", "/srv/x: {from: pipe}", "files: /srv/x: pipe is a named pipe, not a file or folder"},
		{"from a socket", "/srv/x: {from: sock}", "files: /srv/x: sock is a socket, not a file or folder"},
		{"over a folder of the machine", "/etc/ssl: x", "files: /etc/ssl: the machine has a folder there"},
		{"below a file of the machine", "/etc/passwd/x: x", "/etc/passwd is a file, not a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := scenarioIn(t, fmt.Sprintf(`
name: placed
title: A file that cannot be placed
hosts: {client: {}}
network: {shape: loopback}
files: {%s}
actors:
  client: [exec: "true"]
expect:
  - {process: client.exec, exit: 0}
`, c.file))
			f, err := language.Load(filepath.Join(dir, "placed.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			cases, err := f.Expand(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = harness.Run(t.Context(), cases[0], harness.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run returns %v, want %s", err, c.want)
			}
			var refused *inject.RefusedError
			if !errors.As(err, &refused) {
				t.Errorf("Run returns a %T, want an *inject.RefusedError: the scenario is wrong", err)
			}
		})
	}
}

// A file below a symbolic link, or at one, would be made where the link leads: on the machine, if that is
// not a path of the lab.
func TestFilesAreNotPlacedOnTheMachine(t *testing.T) {
	needLab(t)
	machine := t.TempDir()
	if err := os.Mkdir(filepath.Join(machine, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	const below = " is a symbolic link, not a folder"
	for _, c := range []struct{ name, to, file, want string }{
		{"in a folder of the machine", machine, "/x", below},
		{"in a folder below it", machine, "/sub/x", below},
		{"in a folder that is not there", machine, "/absent/x", below},
		{"at a link that leads up and out", "/run/../../.." + machine + "/x", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := scenarioIn(t, "")
			link := filepath.Join(dir, "link")
			if err := os.Symlink(c.to, link); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf(`
name: placed
title: A file below a symbolic link
hosts: {client: {}}
network: {shape: loopback}
files: {%s%s: x}
actors:
  client: [exec: "true"]
expect:
  - {process: client.exec, exit: 0}
`, link, c.file)
			path := filepath.Join(dir, "placed.yaml")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := language.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			cases, err := f.Expand(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = harness.Run(t.Context(), cases[0], harness.Options{})
			if c.want == "" && err != nil {
				t.Errorf("Run returns %v", err)
			}
			if want := link + c.want; c.want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("Run returns %v, want %s", err, want)
			}
			for _, made := range []string{"x", "sub/x", "absent"} {
				if _, err := os.Lstat(filepath.Join(machine, made)); err == nil {
					t.Errorf("the machine has %s now", filepath.Join(machine, made))
				}
			}
		})
	}
}

// The lab runs the programs of the machine, whatever the scenario places: its files are for its
// programs.
func TestTheLabDoesNotRunPlacedFiles(t *testing.T) {
	needLab(t)
	iptables, err := exec.LookPath("iptables")
	if err != nil {
		t.Fatal(err) // labs need it
	}
	runs(t, fmt.Sprintf(`
name: impostor
title: A scenario has its own iptables
hosts: {client: {}, server: {}}
files:
  %s: {text: "#!/bin/sh\necho impostor\nexit 7\n", mode: 0755}
  /etc/ld.so.preload: "/nonexistent.so\n"
faults:
  lost: {match: {from: client, to: server, tcp: SYN}, via: iptables, until: "fault.lost.hit", do: drop}
actors:
  server: [{listen: 80}]
  client:
    - connect: "server:80"
    - exec: [iptables]
expect:
  - {step: client.connect, error: none, took: 1s}
  - {fault: lost, hits: 1}
  - {process: client.exec, exit: 7, stdout: impostor, stderr: {contains: nonexistent.so}}
`, iptables))
}
