package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"halfopen/inject"
)

// fewThreads is how many threads this process must be able to start. The Go runtime ends a process
// that cannot, with a traceback of its own, so it is too late to explain that then.
const fewThreads = 16

// CheckThreads returns a *[inject.MissingError] if the limit of processes of the user leaves too few
// threads for this process. Threads in other PID namespaces are not seen, and do not count.
func CheckThreads() error {
	var limit unix.Rlimit
	const many = 4096 // so many are not worth the count
	if os.Geteuid() == 0 || unix.Getrlimit(unix.RLIMIT_NPROC, &limit) != nil || limit.Cur > many {
		return nil // the limit does not bind root
	}
	return threadsLeft(limit.Cur, threadsOf("/proc", uint32(os.Getuid())))
}

// threadsLeft returns the error if a limit is nearly used up.
func threadsLeft(limit, used uint64) error {
	if used+fewThreads <= limit {
		return nil
	}
	return &inject.MissingError{
		Feature: fmt.Sprintf("room for %d more threads", fewThreads), NeededBy: "every lab",
		Is: fmt.Sprintf("not left by the limit of %d processes and threads, of which this user has %d",
			limit, used),
		Remedy: MoreProcesses,
	}
}

// threadsOf counts the threads of a user's processes below a directory such as /proc.
func threadsOf(proc string, uid uint32) uint64 {
	processes, err := os.ReadDir(proc)
	if err != nil {
		return 0
	}
	n := uint64(0)
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		var stat unix.Stat_t
		if unix.Stat(filepath.Join(proc, p.Name()), &stat) != nil || stat.Uid != uid {
			continue
		}
		threads, _ := os.ReadDir(filepath.Join(proc, p.Name(), "task")) // none if it has ended
		n += uint64(len(threads))
	}
	return n
}
