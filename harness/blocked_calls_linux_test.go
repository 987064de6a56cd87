package harness

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNamingTheCallOfALine(t *testing.T) {
	const pointers = " 0x3 0x7ffcdc2cc450 0x10 0x0 0x0 0x0 0x7ffcdc2cc3c8 0x7f21d35287c0\n"
	for _, tt := range []struct{ name, line, want string }{
		{"a call of a step", strconv.Itoa(unix.SYS_CONNECT) + pointers, "connect"},
		{"a call without a name", "9999" + pointers, "9999"},
		{"a thread that computes", "running\n", ""},
		{"a thread that sleeps outside of any call", "-1 0x7ffcdc2cc3c8 0x7f21d35287c0\n", ""},
		{"a thread that waits for the harness", strconv.Itoa(unix.SYS_FUTEX) + pointers, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := callName(tt.line)
			if err != nil || got != tt.want {
				t.Errorf("callName(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
			}
		})
	}
	for _, line := range []string{"", "connect 0x3\n"} {
		if got, err := callName(line); err == nil {
			t.Errorf("%q was read as %q", line, got)
		}
	}
}

func TestEachCallHasOneMeaning(t *testing.T) {
	seen := map[string]bool{}
	for number, name := range callNames {
		if seen[name] || name == "" {
			t.Errorf("the name %q is given twice, or empty", name)
		}
		seen[name] = true
		if slices.Contains(machinery, number) {
			t.Errorf("%s is a call of a step and of the machinery", name)
		}
	}
}

func TestWhyTheKernelDoesNotSay(t *testing.T) {
	for _, tt := range []struct {
		errno unix.Errno
		want  []string
	}{
		{unix.EPERM, []string{"operation not permitted", "kernel.yama.ptrace_scope", "hidepid"}},
		{unix.EACCES, []string{"permission denied", "ptrace"}},
		{unix.ENOENT, []string{"no such file", "hidepid", "HAVE_ARCH_TRACEHOOK"}},
		{unix.EIO, []string{"input/output error"}},
	} {
		err := withheld(&fs.PathError{Op: "open", Path: "/proc/7/task/8/syscall", Err: tt.errno})
		for _, want := range append(tt.want, "/proc/7/task/8/syscall") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
}

func TestBlockedOfAThreadThatIsGone(t *testing.T) {
	const noThread = 1 << 22 // PID_MAX_LIMIT: one more than the highest
	if got, err := blockedCalls(os.Getpid(), []int{noThread}); err != nil || len(got) > 0 {
		t.Errorf("blocked in %v, %v, want nothing", got, err)
	}
}
