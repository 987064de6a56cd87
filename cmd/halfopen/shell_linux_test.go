package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/creack/pty"
)

// terminal is a command on a terminal, and what it has written there.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	text bytes.Buffer
}

// onTerminal starts halfopen on a new terminal of 30 rows.
func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	cmd := exec.Command("halfopen", args...)
	cmd.Env = append(os.Environ(), "SHELL=/bin/sh", "TERM=vt100", "PS1=> ")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 90})
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill() // it has ended, if the test has got that far
		file.Close()
	})
	return &terminal{t: t, cmd: cmd, file: file}
}

// await reads until the terminal shows a text, and forgets what it showed up to there.
func (m *terminal) await(text string) (before string) {
	m.t.Helper()
	buf := make([]byte, 4096)
	for {
		if before, after, ok := strings.Cut(m.text.String(), text); ok {
			m.text.Reset()
			m.text.WriteString(after)
			return before
		}
		n, err := m.file.Read(buf)
		m.text.Write(buf[:n])
		if err != nil && n == 0 {
			m.t.Fatalf("the terminal never showed %q, but %q (%v)", text, m.text.String(), err)
		}
	}
}

func (m *terminal) enter(line string) {
	m.t.Helper()
	if _, err := io.WriteString(m.file, line+"\n"); err != nil {
		m.t.Fatal(err)
	}
}

// end reads to the end, and returns that and the exit status.
func (m *terminal) end() (text string, status int) {
	m.t.Helper()
	rest, _ := io.ReadAll(m.file) // EIO once nobody has the terminal open
	var exit *exec.ExitError
	if err := m.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return m.text.String() + string(rest), m.cmd.ProcessState.ExitCode()
}

// isRaw reports whether lines are not edited on the terminal.
func (m *terminal) isRaw() bool {
	m.t.Helper()
	raw := false
	conn, err := m.file.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) {
			modes, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
			if err != nil {
				m.t.Error(err)
				return
			}
			raw = modes.Lflag&unix.ICANON == 0
		})
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return raw
}

const handScenario = `name: hand
title: Two hosts
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: "server:80"
expect:
  - {step: client.connect, error: ECONNREFUSED}
`

// handLab writes a scenario, and makes an empty folder the place of labs.
func handLab(t *testing.T) (path string) {
	t.Helper()
	needLab(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	path = filepath.Join(t.TempDir(), "hand.yaml")
	if err := os.WriteFile(path, []byte(handScenario), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAShellHasATerminalOfTheLab(t *testing.T) {
	shell := onTerminal(t, "shell", handLab(t), "--host", "server")
	shell.await("halfopen: this shell is on server")
	shell.await("drawn\r\n")
	shell.enter("echo $((40+2)) $(hostname) $(tty) $TERM; stty size")
	shell.await("42 server /dev/pts/0 vt100\r\n30 90\r\n")
	if !shell.isRaw() {
		t.Error("the user's terminal edits lines, too")
	}
	if err := pty.Setsize(shell.file, &pty.Winsize{Rows: 40, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	shell.enter("until stty size | grep '^40 100'; do :; done")
	shell.await("40 100\r\n")
	// What is typed for a program reaches it through the terminal, and Ctrl-C ends it.
	shell.enter("trap 'echo interrup''ted' INT; cat")
	shell.enter("echoed")
	shell.await("echoed\r\n") // by the terminal
	shell.await("echoed\r\n") // by cat
	shell.enter("\x03")
	shell.await("interrupted\r\n")

	visit := onTerminal(t, "enter", "client", "sh", "-c", "echo on $(hostname) $(tty); exit 4")
	if text, status := visit.end(); text != "on client /dev/pts/1\r\n" || status != 4 {
		t.Errorf("enter wrote %q and ended with status %d; want 4", text, status)
	}

	shell.enter("exit 3")
	text, status := shell.end()
	if !strings.Contains(text, "runs sh -c echo on ") || status != 3 {
		t.Errorf("the shell ended with status %d and %q; want 3 and what was captured", status, text)
	}
}

func TestASignalDoesNotLeaveARawTerminal(t *testing.T) {
	path := handLab(t)
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		shell := onTerminal(t, "shell", path)
		shell.await("drawn\r\n")
		shell.enter("echo $((40+2))")
		shell.await("42\r\n")
		if !shell.isRaw() {
			t.Error("the terminal edits lines")
		}
		if err := shell.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if _, status := shell.end(); status == 0 || shell.isRaw() {
			t.Errorf("after %v and status %d, the terminal is raw: %v", signal, status, shell.isRaw())
		}
	}
}

// A run that failed is kept, with its sockets and faults, until Enter; the next one comes only then.
func TestAFailedRunIsHeld(t *testing.T) {
	needLab(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "held.yaml")
	if err := os.WriteFile(path, []byte(`name: held
title: The connection is refused, and should not be
hosts: {client: {}, server: {}}
faults:
  cut: {match: {from: client, tcp: SYN, port: 81}, do: {reject: tcp-reset}}
actors:
  server:
    - listen: 80
  client:
    - connect: "server:81"
cases: [{case: a}, {case: b}]
expect:
  - {step: client.connect, error: none}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	held := onTerminal(t, "run", path, "--hold", "--repeat", "2")
	if before := held.await("the lab of held a #1 is held until Enter"); !strings.Contains(before, "FAIL") {
		t.Errorf("the run is not reported before: %q", before)
	}
	for _, step := range []struct{ args, want string }{
		{"fault list", "cut  on   1 hit  reject tcp-reset: SYN from client port 81, at wire\r\n"},
		{"fault off cut", "fault cut is off\r\n"},
		{"enter server ss -Hltn", ":80 "},
	} {
		if text, status := onTerminal(t, strings.Fields(step.args)...).end(); !strings.Contains(text, step.want) || status != 0 {
			t.Errorf("%s wrote %q and ended with status %d; want %q", step.args, text, status, step.want)
		}
	}
	held.enter("")
	held.await("the lab of held a #2 is held until Enter")
	held.enter("")
	held.await("the lab of held b #1 is held until Enter")
	held.enter("\x03")
	held.await("halfopen: interrupted")
	if text, status := held.end(); status != statusCanceled || !strings.Contains(text, "3 failed") {
		t.Errorf("run ended with status %d and %q, want %d", status, text, statusCanceled)
	}
}

// A terminal gets its modes back however the lab or the command ends.
func TestTheTerminalIsRestored(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(holder, visitor *os.Process) error
		status int
		text   string
	}{
		"when the lab is killed": {
			func(holder, _ *os.Process) error { return holder.Kill() }, 1,
			"halfopen: the lab has ended, or its process that ran the command was killed\r\n",
		},
		"after SIGTERM": {
			func(_, visitor *os.Process) error { return visitor.Signal(syscall.SIGTERM) }, statusCanceled, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			shell := onTerminal(t, "shell", handLab(t))
			shell.await("drawn\r\n")
			visit := onTerminal(t, "enter", "client", "sh", "-c", "echo rea''dy; sleep 60")
			visit.await("ready\r\n")
			if !visit.isRaw() {
				t.Fatal("the terminal edits lines")
			}
			if err := test.end(shell.cmd.Process, visit.cmd.Process); err != nil {
				t.Fatal(err)
			}
			// A terminal has modes as long as somebody has it open.
			text, _ := io.ReadAll(io.MultiReader(&visit.text, visit.file))
			raw := visit.isRaw()
			if _, status := visit.end(); status != test.status || string(text) != test.text || raw {
				t.Errorf("enter ended with status %d and %q, the terminal raw: %v; want %d and %q",
					status, text, raw, test.status, test.text)
			}
		})
	}
}
