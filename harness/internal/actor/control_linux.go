package actor

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func (t *thread) wait(_ *language.Step, op *language.Wait, o *outcome) {
	o.call(func() (int, error) {
		var late <-chan time.Time
		if op.Timeout > 0 {
			// The timer starts after the step has begun, or the timeout would seem early.
			timer := time.NewTimer(time.Duration(op.Timeout))
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-t.events.seen(op.Event):
			o.Step.Late = t.events.late(op.Event, o.Began, t.Clock.Now())
			return 0, nil
		case <-late:
			return -1, unix.ETIMEDOUT
		}
	})
}

// request asks the harness to do a step and records the text of the reply.
func (t *thread) request(r *Request, o *outcome) {
	var reply *Reply
	o.call(func() (int, error) {
		reply = t.ask(r)
		return 0, nil
	})
	if reply.Errno != "" || reply.Problem != "" {
		o.Errno, o.Problem, o.Result = reply.Errno, reply.Problem, -1
	}
	o.Data = []byte(reply.Text)
	if o.Exit, o.Killed = reply.Exit, reply.Killed; o.Result == 0 {
		o.Result = int64(o.Exit)
	}
	if o.Killed != "" {
		o.Result = -1
	}
}

// repeat runs a list of steps op.Times times.
func (t *thread) repeat(_ *language.Step, op *language.Repeat, o *outcome) {
	o.begin()
	for range op.Times {
		t.run(op.Steps)
		o.Result++
	}
}

// parallel runs the branches at once and waits for all of them.
func (t *thread) parallel(_ *language.Step, op *language.Parallel, o *outcome) {
	o.begin()
	var branches sync.WaitGroup
	for _, steps := range op.Branches {
		branches.Go(func() { t.newThread(t).run(steps) })
	}
	branches.Wait()
	o.Result = int64(len(op.Branches))
}
