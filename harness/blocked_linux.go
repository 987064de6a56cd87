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

// blocked names the system calls that an actor's steps are blocked in, in the order in which the
// steps are written.
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
			// A step within it is what may be blocked.
			if lists, _ := st.Op.Nested(); s.Step == st.ID && lists == nil {
				tids = append(tids, s.TID)
			}
		}
	})
	calls, err := blockedCalls(a.process.PID, tids)
	return strings.Join(calls, " "), err
}

// blockedCalls returns the names of the system calls in which threads of an actor's process are
// blocked, in the order of tids. The lab looks from outside: the starts of steps say which threads
// belong to steps and not to the Go runtime. A thread that computes, has ended, or waits for the lab
// is left out.
//
// Reading it takes the right to ptrace the process (proc_pid_syscall(5)); the error says where that
// is withheld.
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

// withheld says why a thread that is there cannot be looked at. The errno is not that of a step, and so not wrapped.
func withheld(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the kernel does not say which system call a thread is in: %v; it takes the right to ptrace, "+
			"which the sysctl kernel.yama.ptrace_scope (3), /proc mounted with hidepid, or the security module of a container withholds", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the kernel does not say which system call a thread is in: %v; "+
			"/proc is mounted with hidepid, or the kernel is built without HAVE_ARCH_TRACEHOOK", err)
	}
	return fmt.Errorf("asking which system call a thread is in: %v", err)
}

// callName names the system call of a line of /proc/PID/task/TID/syscall: its number, arguments, stack pointer and program
// counter; -1 and the pointers where a thread sleeps outside of any, such as on a page; or "running". It is "" for no call,
// and for those of the actor's own machinery.
func callName(line string) (string, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if first == "running" {
		return "", nil
	}
	number, err := strconv.Atoi(first)
	switch {
	case err != nil:
		return "", fmt.Errorf("/proc/PID/syscall: %q is no line of a system call", strings.TrimSpace(line))
	case number < 0, slices.Contains(machinery, number):
		return "", nil
	}
	if name, ok := callNames[number]; ok {
		return name, nil
	}
	return first, nil
}

// callNames are the system calls of steps, by the numbers of the machine that this is compiled for.
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

// machinery are calls that no step is made of: waiting for an event, a gate or a reply, reporting, and what the Go runtime
// does on any thread.
var machinery = []int{unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_WRITE}
