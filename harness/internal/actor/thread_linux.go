package actor

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/internal/monitor"
	"halfopen/scenarios/language"
)

// thread runs steps in order on one OS thread: the actor's main thread, or that of a branch of a
// parallel step.
type thread struct {
	*session
	// parent is the thread that runs the parallel step of this branch; nil for the main thread.
	parent *thread
	tid    int
	// mask is the signal mask of the process, with which programs are started.
	mask   unix.Sigset_t
	buffer []byte // for receiving; allocated on first use
	// late is by how much the next step will be late; queued how long the thread waits for processors.
	late   time.Duration
	queued runQueue
}

// newThread locks the calling goroutine to its OS thread for running steps. The thread is never
// given back to the runtime: it dies with the goroutine, and so does its signal mask.
func (s *session) newThread(parent *thread) *thread {
	runtime.LockOSThread()
	_ = monitor.Restore() // it cannot fail
	t := &thread{session: s, parent: parent, tid: unix.Gettid(), mask: maskSignals()}
	t.queued.waited(s.Clock.Now())
	return t
}

// run runs steps in order, whatever the outcome of each.
func (t *thread) run(steps []language.Step) {
	for i := range steps {
		step := &steps[i]
		if step.After != "" {
			since := t.Clock.Now()
			<-t.events.seen(step.After)
			t.lateBy(t.events.late(step.After, since, t.Clock.Now()))
		}
		for range max(step.Times, 1) {
			t.execute(step)
		}
	}
}

// execute runs a step once and reports its start and its outcome.
func (t *thread) execute(step *language.Step) {
	o := &outcome{
		thread: t,
		Step: trace.Step{
			Actor: t.Actor, ID: step.ID, Op: step.Op.Kind(), N: t.execution(step.ID),
		},
	}
	t.perform(step, o)
	if !o.begun {
		o.begin() // it ended before its system call
	}
	if o.ended < o.Began {
		o.ended = t.Clock.Now()
	}
	sum, worst := t.queued.waited(t.Clock.Now())
	o.lateBy(max(o.Late, sum), max(o.Late, worst))
	t.emit(&trace.Event{T: o.ended, Step: &o.Step})
}

// lateBy makes the next step late.
func (t *thread) lateBy(by time.Duration) {
	if by >= trace.Shortest {
		t.late = by
	}
}
