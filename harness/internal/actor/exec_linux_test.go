package actor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func TestExec(t *testing.T) {
	for _, tt := range []struct {
		name   string
		exec   language.Exec
		exit   int
		killed string
		stdout string
		stderr string
		errno  string
	}{
		{"a program and its arguments", language.Exec{Launch: language.Launch{Command: []string{"echo", "a  b", "$HOME"}}}, 0, "", "a  b $HOME\n", "", ""},
		{"one string goes to the shell", language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}}}, 3, "", "out\n", "err\n", ""},
		{"standard input", language.Exec{Launch: language.Launch{Command: []string{"tr", "a-z", "A-Z"}, Stdin: "abc"}}, 0, "", "ABC", "", ""},
		{"no standard input", language.Exec{Launch: language.Launch{Command: []string{"cat", "-"}}}, 0, "", "", "", ""},
		{"a signal", language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "kill -USR2 $$"}}}, 0, "USR2", "", "", ""},
		{"a timeout", language.Exec{Launch: language.Launch{Command: []string{"sleep", "60"}}, Timeout: language.Duration(50 * time.Millisecond)}, 0, "TERM", "", "", "ETIMEDOUT"},
		{"a timeout that the program handles", language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "trap 'echo bye; exit 4' TERM; echo hi; while :; do :; done"}}, Timeout: language.Duration(300 * time.Millisecond)}, 4, "", "hi\nbye\n", "", "ETIMEDOUT"},
		{"a timeout that it ignores", language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"}}, Timeout: language.Duration(50 * time.Millisecond)}, 0, "KILL", "", "", "ETIMEDOUT"},
		{"the process group ends with it", language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "sleep 60 | cat"}}, Timeout: language.Duration(100 * time.Millisecond)}, 0, "TERM", "", "", "ETIMEDOUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := run(t, step("exec", language.Op{Exec: &tt.exec}))
			e := p.event("exec")
			s := e.Step
			if s.Problem != "" {
				t.Fatal(s.Problem)
			}
			if s.Exit != tt.exit || s.Killed != tt.killed || s.Errno != tt.errno {
				t.Errorf("exit %d, signal %q, errno %q, want %d, %q, %q", s.Exit, s.Killed, s.Errno, tt.exit, tt.killed, tt.errno)
			}
			if string(s.Stdout) != tt.stdout || string(s.Stderr) != tt.stderr {
				t.Errorf("it wrote %q and %q, want %q and %q", s.Stdout, s.Stderr, tt.stdout, tt.stderr)
			}
			if d := took(e); d < time.Duration(tt.exec.Timeout) || d > patience/2 {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// After a timeout, no process of the program's group is left, whatever it does to stay. Processes that
// have left the group stay until the end of the lab.
func TestATimeoutEndsTheWholeGroup(t *testing.T) {
	for _, tt := range []struct {
		name, command string
		left          bool
	}{
		{"a child that ignores SIGTERM", "(trap '' TERM; echo $(sh -c 'echo $PPID'); exec sleep 60) & sleep 60", false},
		{"a child of a program that has handled SIGTERM", "trap 'exit 0' TERM; (trap '' TERM; exec sleep 60) & echo $!; wait", false},
		{"a child that forks on and on", "(trap '' TERM; echo $(sh -c 'echo $PPID'); while :; do /bin/true; done) & sleep 60", false},
		{"a child in a session of its own", "setsid sleep 60 & echo $!; wait", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := run(t, step("exec", language.Op{Exec: &language.Exec{
				Launch: language.Launch{Command: []string{"sh", "-c", tt.command}}, Timeout: language.Duration(300 * time.Millisecond),
			}}))
			s := p.step("exec")
			if s.Errno != "ETIMEDOUT" {
				t.Errorf("errno %q, want ETIMEDOUT", s.Errno)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(s.Stdout)))
			if err != nil {
				t.Fatalf("it wrote %q, want the number of a process", s.Stdout)
			}
			err = unix.Kill(pid, 0)
			if left := err == nil; left != tt.left {
				t.Errorf("signal 0 to the child: %v, want it left running: %t", err, tt.left)
			}
			if tt.left {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		})
	}
}

func TestExecKeepsTheHeadAndTheEndOfItsOutput(t *testing.T) {
	o := outcomes(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "yes 1234567 2>/dev/null | head -c 999991; echo the end.; echo end >&2"}}}}))
	s := o["exec"]
	if end := string(s.StdoutEnd); len(end) != maxEnd || !strings.HasSuffix(end, "7\n1234567the end.\n") {
		t.Errorf("%d bytes of the end are kept, want the last %d: %q", len(end), maxEnd, end[max(len(end)-100, 0):])
	}
	if s.StderrEnd != "" {
		t.Errorf("the end of what is there as a whole is %q", s.StderrEnd)
	}
	if want := strings.Repeat("1234567\n", maxOutput/8); string(s.Stdout) != want {
		t.Errorf("%d bytes of output are kept, want the first %d", len(s.Stdout), len(want))
	}
	if s.StdoutBytes != 1000000 || s.StderrBytes != 4 {
		t.Errorf("%d and %d bytes were written, want 1000000 and 4", s.StdoutBytes, s.StderrBytes)
	}
	if s.Stderr != "end\n" || s.Exit != 0 {
		t.Errorf("exit %d, standard error %q, want 0 and the end", s.Exit, s.Stderr)
	}
}

// What a program leaves running may hold its output open, but not the step; and it may write on.
func TestExecEndsWithItsProgram(t *testing.T) {
	for _, tt := range []struct {
		name, command, stdout, stderr string
		left                          bool
	}{
		{"nothing left running", "echo done", "done\n", "", false},
		{"a child that holds the output", "sleep 5 & echo started", "started\n", "", true},
		{"a child that holds standard error only", "sleep 5 >/dev/null & echo started", "started\n", "", true},
		// The child has the output of the shell until it has redirected its own.
		{
			"a child with its own output", `sleep 5 >/dev/null 2>&1 &
				until [ "$(readlink /proc/$!/fd/2)" = /dev/null ]; do :; done; echo started`,
			"started\n", "", false,
		},
		{"a child that writes later", "(sleep 5; echo LATE) & echo early", "early\n", "", true},
		{"a child that the program waits for", "(echo LATE) & echo early; wait; echo late >&2", "", "late\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := run(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", tt.command}}}}))
			e := p.event("exec")
			s := e.Step
			if tt.stdout != "" && string(s.Stdout) != tt.stdout || string(s.Stderr) != tt.stderr {
				t.Errorf("it wrote %q and %q, want %q and %q", s.Stdout, s.Stderr, tt.stdout, tt.stderr)
			}
			if s.Left != tt.left || took(e) > 2*time.Second {
				t.Errorf("left running: %t after %v, want %t, at once", s.Left, took(e), tt.left)
			}
		})
	}
}

// What was left running must not die of SIGPIPE: it is often the server that the scenario is about.
func TestWhatExecLeavesRunningCanStillWrite(t *testing.T) {
	dir := t.TempDir()
	fifo, file := filepath.Join(dir, "go"), filepath.Join(dir, "alive")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("(read x <%s; seq 1 50000; echo alive >%s) & echo started", fifo, file)
	p := run(t,
		step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", command}}}}),
		language.Step{ID: "second", Op: language.Op{Exec: &language.Exec{
			Launch: language.Launch{Command: []string{"sh", "-c", fmt.Sprintf("echo >%s; until [ -s %s ]; do :; done", fifo, file)}}, Timeout: language.Duration(patience / 2),
		}}},
	)
	if s := p.step("second"); s.Errno != "" || s.Exit != 0 {
		t.Errorf("errno %q, exit %d: the process that was left running did not write its file", s.Errno, s.Exit)
	}
}

func TestExecKeepsBytesThatAreNotText(t *testing.T) {
	s := outcomes(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", `printf 'a\377\000'; printf '\357\277\275' >&2`}}}}))["exec"]
	if s.Stdout != "a\xff\x00" || s.Stderr != "\ufffd" {
		t.Errorf("it wrote %q and %q", s.Stdout, s.Stderr)
	}
}

func TestProgramsDoNotHoldTheControlPipes(t *testing.T) {
	p := run(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "ls -l /proc/self/fd"}}}}))
	out := string(p.step("exec").Stdout)
	for _, pipe := range []*os.File{p.commands, p.out} {
		info, err := pipe.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if name := fmt.Sprintf("pipe:[%d]", info.Sys().(*syscall.Stat_t).Ino); strings.Contains(out, name) {
			t.Errorf("the program has the control pipe %s:\n%s", name, out)
		}
	}
	if !strings.Contains(out, "pipe:[") {
		t.Errorf("the program does not even have its own pipes:\n%s", out)
	}
}

func TestAProgramThatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"script": "#!/nothing/there -x\necho\n", "empty": "#!\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, program, want string }{
		{"a file that is not executable", "./data", "starting PROGRAM: its file is not executable (chmod +x): permission denied"},
		{"a folder", "/etc", "starting PROGRAM: it is a folder: permission denied"},
		{"a script without its interpreter", filepath.Join(dir, "script"), "starting PROGRAM: its interpreter /nothing/there: no such file or directory"},
		{"a script below its directory", "./script", "starting PROGRAM: its interpreter /nothing/there: no such file or directory"},
		{"a script that names none", filepath.Join(dir, "empty"), "starting PROGRAM: it is neither a program for this machine nor a script with an interpreter after #!: exec format error"},
		{"no file", "/nothing/there", "starting PROGRAM: fork/exec PROGRAM: no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			launch := language.Launch{Command: []string{tt.program, "x"}, Dir: dir}
			p := run(t,
				step("exec", language.Op{Exec: &language.Exec{Launch: launch}}),
				step("start", language.Op{Start: &language.Start{Launch: launch}}))
			want := strings.ReplaceAll(tt.want, "PROGRAM", tt.program)
			for _, id := range []string{"exec", "start"} {
				if s := p.step(id); s.Problem != want {
					t.Errorf("%s: problem %q, want %q", id, s.Problem, want)
				}
			}
		})
	}
}

// A list of one is a program, whose path may have a blank, and not a text for the shell.
func TestAListOfOneIsAProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := run(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{path}}}}))
	if s := p.event("exec").Step; s.Problem != "" || string(s.Stdout) != "ran\n" {
		t.Errorf("it printed %q, %s", s.Stdout, s.Problem)
	}
}
