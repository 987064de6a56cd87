package actor

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals and steps
//
// A blocked system call on a socket with SO_RCVTIMEO or SO_SNDTIMEO ends with EINTR at any signal
// that its thread handles, even with SA_RESTART (signal(7)). So the threads of steps accept only
// SIGUSR1, which nothing but a kill step sends, and the signals that report a fault of the program
// itself. SIGSTOP cannot be blocked: after it and a SIGCONT, such a call ends with EINTR too.

// maskSignals blocks all other signals on the calling thread and returns the thread's previous
// mask.
func maskSignals() unix.Sigset_t {
	var set unix.Sigset_t
	for i := range set.Val {
		set.Val[i] = ^set.Val[i]
	}
	for _, open := range []unix.Signal{
		unix.SIGUSR1, unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP,
		unix.SIGABRT, unix.SIGSYS,
	} {
		word, bit := (open-1)/wordBits, (open-1)%wordBits
		set.Val[word] &^= 1 << bit
	}
	return setMask(&set)
}

// setMask sets the signal mask of the calling thread and returns the previous one.
func setMask(set *unix.Sigset_t) (old unix.Sigset_t) {
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, set, &old); err != nil {
		// A bug, whatever the machine: the arguments are wrong.
		panic(fmt.Sprintf("setting a signal mask: %v", err))
	}
	return old
}

const wordBits = unix.Signal(unsafe.Sizeof(unix.Sigset_t{}.Val[0]) * 8)

// sigaction is the kernel's struct sigaction on all 64-bit machines that Go supports except MIPS:
// handler, flags, and a rest that is written back unchanged.
type sigaction struct {
	handler, flags uint64
	rest           [2]uint64
}

// handleUSR1 sets what SIGUSR1 does to the system call that it interrupts. An interruptible call
// ends with EINTR. With SA_RESTART the kernel resumes the call as far as signal(7) allows. The
// handler itself is the Go runtime's, which then does nothing.
func handleUSR1(interruptible bool) error {
	const (
		size      = 8          // bytes of the kernel's sigset_t: 64 signals
		saRestart = 0x10000000 // SA_RESTART, include/uapi/asm-generic/signal-defs.h
	)
	var action sigaction
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGUSR1), 0,
		uintptr(unsafe.Pointer(&action)), size, 0, 0); errno != 0 {
		return errno
	}
	if interruptible {
		action.flags &^= saRestart
	} else {
		action.flags |= saRestart
	}
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGUSR1),
		uintptr(unsafe.Pointer(&action)), 0, size, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// sleep waits for d. Signals do not shorten it: it is a pause between steps, and scenarios do not
// study its interruption.
func sleep(d time.Duration) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	until := unix.NsecToTimespec(now.Nano() + int64(d))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil)
		if err != unix.EINTR {
			return err
		}
	}
}
