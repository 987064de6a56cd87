package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// blocked names the system calls that an actor's steps are blocked in, in the order of the steps in
// the scenario.
func (l *lab) blocked(b *language.Blocked) (string, error) {
	a, err := l.actor(b.Actor)
	if err != nil {
		return "", err
	}
	if a.gone {
		return "", unix.ESRCH
	}
	var tids []int
	language.EachStep(a.Steps, func(st *language.Step) {
		for _, s := range a.running {
			// Of nested steps, only the innermost can be blocked.
			if lists, _ := st.Op.Nested(); s.Step == st.ID && lists == nil {
				tids = append(tids, s.TID)
			}
		}
	})
	calls, err := blockedCalls(a.process.PID, tids)
	return strings.Join(calls, " "), err
}

// blockedCalls returns the names of the system calls in which threads of an actor's process are
// blocked, in the order of tids. The lab looks from outside: the start events of steps say which
// threads run steps; all others belong to the Go runtime. A thread that computes, has ended, or
// waits for the lab is left out.
//
// Reading them takes the right to ptrace the process (proc_pid_syscall(5)). If the right is
// missing, the error says what can withhold it.
func blockedCalls(pid int, tids []int) ([]string, error) {
	var names []string
	for _, tid := range tids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, tid))
		if err != nil {
			if ended := unix.Tgkill(pid, tid, 0) == unix.ESRCH; ended {
				continue
			}
			return nil, withheld(err)
		}
		name, err := callName(string(text))
		if err != nil {
			return nil, err
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// withheld says why the system call of an existing thread cannot be read. It does not wrap err: its
// errno would be taken for the errno of the step.
func withheld(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("reading the system call of a thread: %v; this takes the right to ptrace, "+
			"which the sysctl kernel.yama.ptrace_scope (3), a /proc mounted with hidepid, or "+
			"the security module of a container can withhold", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reading the system call of a thread: %v; "+
			"/proc is mounted with hidepid, or the kernel is built without HAVE_ARCH_TRACEHOOK", err)
	}
	return fmt.Errorf("reading the system call of a thread: %v", err)
}

// callName names the system call in a line of /proc/PID/task/TID/syscall. The line has the call's
// number, its arguments, the stack pointer and the program counter; or -1 and the two pointers, if
// the thread sleeps outside of a call, for example on a page fault; or "running". The name is ""
// without a call, and for calls in [machinery].
func callName(line string) (string, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if first == "running" {
		return "", nil
	}
	number, err := strconv.Atoi(first)
	switch {
	case err != nil:
		return "", fmt.Errorf("parsing /proc/PID/syscall: invalid line %q", strings.TrimSpace(line))
	case number < 0, slices.Contains(machinery, number):
		return "", nil
	}
	if name, ok := callNames[number]; ok {
		return name, nil
	}
	return first, nil
}

// callNames are the names of the system calls that steps make, by their numbers on GOARCH.
var callNames = map[int]string{
	unix.SYS_ACCEPT4:         "accept4",
	unix.SYS_BIND:            "bind",
	unix.SYS_CLOCK_NANOSLEEP: "clock_nanosleep",
	unix.SYS_CLOSE:           "close",
	unix.SYS_CONNECT:         "connect",
	unix.SYS_GETSOCKOPT:      "getsockopt",
	unix.SYS_IOCTL:           "ioctl",
	unix.SYS_LISTEN:          "listen",
	unix.SYS_PPOLL:           "ppoll",
	unix.SYS_PRLIMIT64:       "prlimit64",
	unix.SYS_READ:            "read",
	unix.SYS_RECVFROM:        "recvfrom",
	unix.SYS_RESTART_SYSCALL: "restart_syscall",
	unix.SYS_SENDMMSG:        "sendmmsg",
	unix.SYS_SENDMSG:         "sendmsg",
	unix.SYS_SENDTO:          "sendto",
	unix.SYS_SETSOCKOPT:      "setsockopt",
	unix.SYS_SHUTDOWN:        "shutdown",
	unix.SYS_SOCKET:          "socket",
	unix.SYS_WAITID:          "waitid",
}

// machinery are the calls that no step makes: the actor waiting for an event, a gate or a reply,
// the actor reporting, and the Go runtime on any thread.
var machinery = []int{
	unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_WRITE,
}
