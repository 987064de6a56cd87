package actor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// outcome is a step's outcome in the making.
type outcome struct {
	trace.Step
	clock trace.Clock
	// ended is when the system call returned; 0 if none was made.
	ended time.Duration
}

// call times one system call and records what it returned.
func (o *outcome) call(f func() (int, error)) bool {
	o.Began = o.clock.Now()
	return o.again(f)
}

// again is call for the second and later calls of one step: the step began with the first.
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

// fail records an errno, or as a problem any other error.
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

// errnoName names an error as errno(3) does; EAGAIN stands for EWOULDBLOCK, its other name.
func errnoName(errno unix.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return errno.Error()
}
