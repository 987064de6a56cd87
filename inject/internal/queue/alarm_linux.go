package queue

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for a time or a wake-up, with the kernel's own resolution: a Go timer may be 1 ms late, as the runtime's
// poller waits in whole milliseconds.
type alarm struct{ fd int }

func newAlarm() (*alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	return &alarm{fd}, nil
}

// exact asks that the calling thread be woken on time, not when it suits other wake-ups (prctl(2), PR_SET_TIMERSLACK), and
// that it then run before others: by its nice value, and by the shortest slice there is, with which a thread that wakes
// takes the processor from one with a longer (sched_setattr(2); before Linux 6.12 it has none of its own). The nice value is a
// privilege: without it, busy processors are shared. SCHED_FIFO would be more exact still, but Go's runtime waits for other
// threads by sched_yield(2), which lets none run that is not real-time, too: both then stand still for most of a second.
func (a *alarm) exact() error {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: -20, Runtime: 100_000, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting the timer slack: %w", err)
	}
	return nil
}

// wake ends the current wait, or else the next.
func (a *alarm) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(a.fd, one[:]) // it fails only where so many wake-ups are pending that none more is needed
}

// wait returns after the time, or when woken; without a limit where forever is set.
func (a *alarm) wait(d time.Duration, forever bool) {
	var timeout *unix.Timespec
	if !forever {
		t := unix.NsecToTimespec(int64(max(d, 0)))
		timeout = &t
	}
	fds := []unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
	if n, err := unix.Ppoll(fds, timeout, nil); err == nil && n > 0 {
		var count [8]byte
		_, _ = unix.Read(a.fd, count[:]) // there is something to be read, as poll said
	}
}

func (a *alarm) close() error { return unix.Close(a.fd) }
