package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/internal/kernel"
)

// Processes of a lab
//
// A program of a scenario may start others without end. A cgroup could bound them, but would be left
// behind on the host if the command is killed. Two things bound them that the kernel takes away with
// the lab: RLIMIT_NPROC, which it does not apply to root of the machine (copy_process in
// kernel/fork.c), and kernel.pid_max, which each PID namespace has for itself since Linux 6.14, and
// which is the whole machine's before.

// reservedPIDs are the numbers that the kernel does not give away again (RESERVED_PIDS in
// kernel/pid.c).
const reservedPIDs = 300

// pidMax is the bound of the processes of a PID namespace.
const pidMax = "/proc/sys/kernel/pid_max"

// OpenBound opens the bound of the processes of this PID namespace, for [BoundProcesses]. A [Root]
// lets nobody open it later. The error is an *inject.MissingError if the kernel has no such bound.
func OpenBound() (*os.File, error) {
	ok, err := hasOwnPIDMax()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errUnbounded()
	}
	bound, err := os.OpenFile(pidMax, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the bound of the lab's processes: %w", err)
	}
	return bound, nil
}

func errUnbounded() error {
	return &inject.MissingError{
		Feature: "a limit of processes in labs of root",
		Remedy:  "use Linux 6.14 or newer (run --kernel), or run halfopen as an ordinary user",
	}
}

// BoundProcesses sets how many processes and threads a PID namespace may have, and up to 300 more.
// The error is an *inject.MissingError if the kernel has no such bound.
func BoundProcesses(bound *os.File, n int) error {
	_, err := bound.WriteAt([]byte(strconv.Itoa(n+reservedPIDs)), 0)
	if errors.Is(err, unix.EINVAL) { // below 8 for each processor that the machine may have
		return &inject.MissingError{
			Feature: fmt.Sprintf("a limit of %d processes on a machine with so many processors", n),
			Remedy:  "ask for more",
		}
	}
	if err != nil {
		return fmt.Errorf("bounding the processes of the lab: %w", err)
	}
	return nil
}

// CanLimitProcesses returns nil if the programs of a lab that this process starts can get a limit of
// processes, else an *inject.MissingError.
func CanLimitProcesses() error {
	limited, err := IsLimited()
	if err != nil || limited {
		return err
	}
	ok, err := hasOwnPIDMax()
	if err != nil || ok {
		return err
	}
	return errUnbounded()
}

// IsLimited reports whether the kernel applies RLIMIT_NPROC to this process: it is not root of the
// machine.
func IsLimited() (bool, error) {
	text, err := os.ReadFile("/proc/self/uid_map")
	if errors.Is(err, os.ErrNotExist) { // a kernel without user namespaces
		return unix.Getuid() != 0, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a user namespace: %w", err)
	}
	initial := strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295"
	return !initial || unix.Getuid() != 0, nil
}

// hasOwnPIDMax reports whether each PID namespace has its own kernel.pid_max. It goes by the version
// of the kernel: to try it would set that of the machine on an older one.
func hasOwnPIDMax() (bool, error) {
	release, _, err := kernel.Uname()
	if err != nil {
		return false, err
	}
	return atLeast(release, 6, 14), nil
}

// atLeast reports whether a release, such as 6.12.117+deb12-cloud-amd64, is of this version or a
// newer one.
func atLeast(release string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// ReserveThreads makes this process have n threads more than it needs now. The runtime keeps idle
// threads, and ends a process that cannot get one: that would happen when programs have used up the
// numbers of the lab.
func ReserveThreads(n int) {
	var all, there sync.WaitGroup
	there.Add(n)
	for range n {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			there.Done()
			there.Wait() // until each has a thread
		})
	}
	all.Wait()
}

// SpareThreads is the number of threads that a process of a lab with programs reserves.
const SpareThreads = 8
