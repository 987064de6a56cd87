package actor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// outcome collects the outcome of a step.
type outcome struct {
	trace.Step
	clock trace.Clock
	// ended is when the last system call of the step returned; 0 if none was made.
	ended time.Duration
}

// call makes the first system call of a step, and records its time and what it returned. It reports
// whether the call succeeded.
func (o *outcome) call(f func() (int, error)) bool {
	o.Began = o.clock.Now()
	return o.again(f)
}

// again is call for the later system calls of a step, which began with the first.
func (o *outcome) again(f func() (int, error)) bool {
	n, err := f()
	o.ended = o.clock.Now()
	if err != nil {
		o.fail(err)
		return false
	}
	o.Result = int64(n)
	return true
}

// fail records an errno. It records any other error as a problem.
func (o *outcome) fail(err error) {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		o.problem(err)
		return
	}
	o.Errno, o.Result = errnoName(errno), -1
}

// problem records why the step could not be tried.
func (o *outcome) problem(err error) { o.Problem, o.Result = err.Error(), -1 }

// errnoName returns the name of an error as in errno(3). EWOULDBLOCK is the same number as EAGAIN
// and has that name.
func errnoName(errno unix.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return errno.Error()
}
