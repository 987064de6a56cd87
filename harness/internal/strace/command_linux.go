package strace

import (
	"regexp"
	"strconv"
	"strings"
)

// Program is the program that is started.
const Program = "strace"

// Oldest is the first version with all options of [Arguments].
const Oldest = "5.6"

// seen are the system calls that strace shows. Not all architectures have those after a ?.
var seen = []string{
	"socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg",
	"sendmmsg", "recvmmsg", "read", "write", "readv", "writev", "sendfile", "shutdown", "close",
	"setsockopt", "getsockopt", "?poll", "ppoll", "?select", "pselect6", "?epoll_wait", "epoll_pwait",
	"?epoll_pwait2", "io_uring_setup",
	// These say which thread and which socket is whose.
	"dup", "?dup2", "dup3", "execve", "clone", "?clone3", "?fork", "?vfork",
}

// Arguments returns the command that runs a program under strace, which writes to a file. The program is
// the process that was started, with its arguments, and strace a process in a group of its own (-DD). Only
// the calls that are shown stop the program: a filter of seccomp(2) picks them.
func Arguments(output string, command []string) []string {
	return append([]string{
		Program, "-DD", "-f", "-q", "--seccomp-bpf", "-X", "raw", "-xx", "-yy", "-s", "16",
		"--absolute-timestamps=unix,ns", "--syscall-times=ns",
		"-e", "trace=" + strings.Join(seen, ","), "-o", output, "--",
	}, command...)
}

var versionLine = regexp.MustCompile(`^strace -- version (\d+)\.(\d+)`)

// IsRecent reports whether the output of strace -V is that of a version from [Oldest] on.
func IsRecent(output string) bool {
	m := versionLine.FindStringSubmatch(output)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1]) // a number too large is the largest
	minor, _ := strconv.Atoi(m[2])
	return major > 5 || major == 5 && minor >= 6
}
