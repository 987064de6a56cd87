package actor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// outcome collects the outcome of a step.
//
// A step begins right before the system call that it is named after, so that its time is the
// kernel's. What it prepares, such as its payload or a socket of its own, it prepares before that.
type outcome struct {
	trace.Step
	thread *thread
	// stood is set by stand, begun by begin.
	stood, begun bool
	// ended is when the last system call of the step returned; 0 if none was made.
	ended time.Duration
}

// stand lets the harness do everything that the start of the step sets off, such as switching a
// fault, while the step stands still. A step calls it before it prepares anything that must be as
// it is after that, such as a copy of a socket's sequence numbers.
func (o *outcome) stand() {
	if !o.stood {
		o.stood = true
		o.thread.stand(EventOf(o.start()))
	}
}

// begin reports the start of the step, which is now.
func (o *outcome) begin() {
	if o.begun {
		return
	}
	o.stand()
	o.begun = true
	start := o.start()
	start.Start.Late, o.thread.late = min(o.thread.late, start.T), 0
	o.thread.session.begin(start)
	o.Began = o.thread.Clock.Now()
}

// lateBy says how late the step was: together, and at once.
func (o *outcome) lateBy(sum, worst time.Duration) {
	o.Late, o.LateWorst = min(sum, o.ended), min(worst, o.ended)
	if o.Late < trace.Shortest {
		o.Late = 0
	}
	if o.LateWorst >= o.Late {
		o.LateWorst = 0
	}
}

// start returns the event of the start.
func (o *outcome) start() *trace.Event {
	return &trace.Event{
		T:     o.thread.Clock.Now(),
		Start: &trace.Start{Actor: o.Actor, Step: o.ID, Op: o.Op, N: o.N, TID: o.thread.tid},
	}
}

// call makes the system call that a step is named after, and records its time and what it returned.
// It reports whether the call succeeded.
func (o *outcome) call(f func() (int, error)) bool {
	o.begin()
	return o.also(f)
}

// also makes another system call of the step, before or after that one.
func (o *outcome) also(f func() (int, error)) bool {
	n, err := f()
	o.ended = o.thread.Clock.Now()
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
