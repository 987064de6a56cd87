package queue

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for a time or a wake-up with the kernel's resolution. A Go timer may be 1 ms late,
// because the runtime's poller waits in whole milliseconds.
type alarm struct{ fd int }

func newAlarm() (*alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	return &alarm{fd}, nil
}

// exact makes the kernel wake the calling thread on time, not when it suits other wake-ups
// (prctl(2), PR_SET_TIMERSLACK), and run it before others: by its nice value, and by the shortest
// possible slice, because a waking thread takes the processor from a thread with a longer slice
// (sched_setattr(2); before Linux 6.12 the slice has no effect). The nice value needs a privilege;
// without it, the thread shares busy processors. SCHED_FIFO would be more exact, but Go's runtime
// waits for other threads with sched_yield(2), which then does not run threads that are not
// real-time: both stand still for most of a second.
func (a *alarm) exact() error {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: -20, Runtime: 100_000,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting the timer slack: %w", err)
	}
	return nil
}

// wake ends the current wait, or else the next one.
func (a *alarm) wake() {
	one := [8]byte{1}
	// Fails only if so many wake-ups are pending that another is not needed.
	_, _ = unix.Write(a.fd, one[:])
}

// wait returns after d, or when woken. If forever is set, only a wake-up ends it.
func (a *alarm) wait(d time.Duration, forever bool) {
	var timeout *unix.Timespec
	if !forever {
		t := unix.NsecToTimespec(int64(max(d, 0)))
		timeout = &t
	}
	fds := []unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
	if n, err := unix.Ppoll(fds, timeout, nil); err == nil && n > 0 {
		var count [8]byte
		_, _ = unix.Read(a.fd, count[:]) // poll said that there is something to read
	}
}

func (a *alarm) close() error { return unix.Close(a.fd) }
