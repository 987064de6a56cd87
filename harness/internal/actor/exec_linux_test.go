package actor

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

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
		{"a program and its arguments", language.Exec{Command: []string{"echo", "a  b", "$HOME"}}, 0, "", "a  b $HOME\n", "", ""},
		{"one string goes to the shell", language.Exec{Command: []string{"echo out; echo err >&2; exit 3"}}, 3, "", "out\n", "err\n", ""},
		{"standard input", language.Exec{Command: []string{"tr", "a-z", "A-Z"}, Stdin: "abc"}, 0, "", "ABC", "", ""},
		{"no standard input", language.Exec{Command: []string{"cat", "-"}}, 0, "", "", "", ""},
		{"a signal", language.Exec{Command: []string{"kill -USR2 $$"}}, 0, "USR2", "", "", ""},
		{"a timeout", language.Exec{Command: []string{"sleep", "60"}, Timeout: language.Duration(50 * time.Millisecond)}, 0, "TERM", "", "", "ETIMEDOUT"},
		{"a timeout that the program handles", language.Exec{Command: []string{"trap 'echo bye; exit 4' TERM; echo hi; while :; do :; done"}, Timeout: language.Duration(300 * time.Millisecond)}, 4, "", "hi\nbye\n", "", "ETIMEDOUT"},
		{"a timeout that it ignores", language.Exec{Command: []string{"trap '' TERM; sleep 60 & wait; sleep 60"}, Timeout: language.Duration(50 * time.Millisecond)}, 0, "KILL", "", "", "ETIMEDOUT"},
		{"the process group ends with it", language.Exec{Command: []string{"sleep 60 | cat"}, Timeout: language.Duration(100 * time.Millisecond)}, 0, "TERM", "", "", "ETIMEDOUT"},
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
			if s.Stdout != tt.stdout || s.Stderr != tt.stderr {
				t.Errorf("it wrote %q and %q, want %q and %q", s.Stdout, s.Stderr, tt.stdout, tt.stderr)
			}
			if d := took(e); d < time.Duration(tt.exec.Timeout) || d > patience/2 {
				t.Errorf("it took %v", d)
			}
		})
	}
}

func TestExecKeepsTheHeadOfItsOutput(t *testing.T) {
	o := outcomes(t, step("exec", language.Op{Exec: &language.Exec{Command: []string{"yes 1234567 2>/dev/null | head -c 1000000; echo end >&2"}}}))
	s := o["exec"]
	if want := strings.Repeat("1234567\n", maxOutput/8); s.Stdout != want {
		t.Errorf("%d bytes of output are kept, want the first %d", len(s.Stdout), len(want))
	}
	if s.Stderr != "end\n" || s.Exit != 0 {
		t.Errorf("exit %d, standard error %q, want 0 and the end", s.Exit, s.Stderr)
	}
}

// TestExecEndsWithItsProgram: a child that outlives the program may hold its output open, but not
// the step.
func TestExecEndsWithItsProgram(t *testing.T) {
	p := run(t, step("exec", language.Op{Exec: &language.Exec{Command: []string{"sleep 5 & echo started"}}}))
	e := p.event("exec")
	if d := took(e); e.Step.Stdout != "started\n" || d > 2*time.Second {
		t.Errorf("it wrote %q and took %v, want started, without the 5 s of its child", e.Step.Stdout, d)
	}
}

func TestProgramsDoNotHoldTheControlPipes(t *testing.T) {
	p := run(t, step("exec", language.Op{Exec: &language.Exec{Command: []string{"ls -l /proc/self/fd"}}}))
	out := p.step("exec").Stdout
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
