package monitor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Slack is how much later than asked the kernel may wake a relaxed monitor. A system call that lasts
// keeps its processor for about as long. A thread inherits the slack of the thread that makes it. On a
// busy machine the monitor makes some, so timers of the runtime may be late by as much, too.
const Slack = time.Millisecond

// usualSlack is the slack of threads since Linux 2.6.28 (init/init_task.c).
const usualSlack = 50 * time.Microsecond

// Restore gives the calling thread the usual slack, in case the monitor made it. The goroutine must
// be locked to the thread. Programs that it starts inherit the slack.
func Restore() error {
	err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(usualSlack.Nanoseconds()), 0, 0, 0)
	return os.NewSyscallError("prctl PR_SET_TIMERSLACK", err)
}

// Relax allows the kernel to wake the monitor late, by up to [Slack]. It needs CAP_SYS_NICE, as root
// of a user namespace has it. An error means that the process takes more processor time, and nothing
// else. On a machine with one processor, the runtime gets a second one: a system call that lasts
// would stop all goroutines for as long.
func Relax() error {
	if n := runtime.GOMAXPROCS(0); n < 2 {
		Provide(2 - n)
	}
	thread, err := find()
	if err != nil {
		return fmt.Errorf("finding the monitor of Go's runtime: %w", err)
	}
	// Only this file sets the slack of another thread; prctl(2) is for the calling one. Threads of
	// other processes have theirs there, too, by the number of the thread.
	slack := filepath.Join("/proc", thread, "timerslack_ns")
	if err := os.WriteFile(slack, []byte(strconv.FormatInt(Slack.Nanoseconds(), 10)), 0); err != nil {
		return fmt.Errorf("relaxing the monitor of Go's runtime: %w", err)
	}
	return nil
}

// find returns the number of the monitor's thread, as /proc has it: that may be the /proc of another
// PID namespace. The monitor is the second thread of each process. The runtime starts it before
// everything else (runtime.main in runtime/proc.go), and the kernel lists threads in the order in
// which they were made (next_tid in fs/proc/base.c).
func find() (string, error) {
	task, err := os.Open("/proc/self/task")
	if err != nil {
		return "", err
	}
	defer task.Close()
	threads, err := task.Readdirnames(2)
	if err != nil {
		return "", err
	}
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return "", err
	}
	if len(threads) < 2 || threads[0] != self {
		return "", errors.New("/proc/self/task does not begin with the main thread and another one")
	}
	return threads[1], nil
}
