package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"halfopen/inject"
)

// The Go runtime ends a process that gets no thread, no memory, or no descriptor to poll files with.
// What it prints then does not say which limit to raise, so the limits are looked at before.
const (
	// fewThreads is how many threads this process must be able to start.
	fewThreads = 16
	// FilesOfCommand is how many files every command must be able to open, FilesOfLab a lab.
	FilesOfCommand, FilesOfLab = 8, 64
	// fewAddresses is how many bytes the address space must be able to have.
	fewAddresses = 1500 << 20
)

// CheckRoom returns a *[inject.MissingError] if the limits of this process leave too little for a lab:
// too few threads, files or addresses.
func CheckRoom() error {
	if err := CheckFiles(FilesOfLab, "every lab"); err != nil {
		return err
	}
	if err := checkAddresses(); err != nil {
		return err
	}
	return checkThreads()
}

// CheckFiles returns a *[inject.MissingError] if this process cannot open n more files.
func CheckFiles(n uint64, neededBy string) error {
	const many = 1024 // so many are not worth the count
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > many {
		return nil
	}
	used := uint64(0)
	for fd := range limit.Cur {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			used++
		}
	}
	return filesLeft(limit.Cur, used, n, neededBy)
}

// filesLeft returns the error if a limit leaves fewer than n files.
func filesLeft(limit, used, n uint64, neededBy string) error {
	if used+n <= limit {
		return nil
	}
	return &inject.MissingError{
		Feature: fmt.Sprintf("room for %d more open files", n), NeededBy: neededBy,
		Is:     fmt.Sprintf("not left by the limit of %d, of which %d are open", limit, used),
		Remedy: "raise the limit of open files (ulimit -n)",
	}
}

func checkAddresses() error {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil {
		return nil
	}
	return addressesLeft(limit.Cur)
}

// addressesLeft returns the error if a limit in bytes is too low.
func addressesLeft(limit uint64) error {
	if limit >= fewAddresses {
		return nil
	}
	return &inject.MissingError{
		Feature: fmt.Sprintf("an address space of %d MB", fewAddresses>>20), NeededBy: "every lab",
		Is:     fmt.Sprintf("not allowed by the limit of %d MB", limit>>20),
		Remedy: "raise the limit of virtual memory (ulimit -v)",
	}
}

// checkThreads asks for the limit of processes of the user. Threads in other PID namespaces are not
// seen, and do not count.
func checkThreads() error {
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
