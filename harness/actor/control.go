package actor

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func (t *thread) wait(op *language.Wait, o *outcome) {
	o.call(func() (int, error) {
		var late <-chan time.Time
		if op.Timeout > 0 {
			timer := time.NewTimer(time.Duration(op.Timeout)) // not before the step has begun: it must not seem to be early
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-t.events.seen(op.Event):
			return 0, nil
		case <-late:
			return -1, unix.ETIMEDOUT
		}
	})
}

// request has the harness do a step, and records the text that it answers with.
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
}

func (t *thread) hostOr(name string) string {
	if name == "" {
		return t.Host
	}
	return name
}

// parallel does lists of steps at once and waits for all of them.
func (t *thread) parallel(op *language.Parallel, o *outcome) {
	var branches sync.WaitGroup
	for _, steps := range op.Branches {
		branches.Go(func() { t.newThread(t).run(steps) })
	}
	branches.Wait()
	o.Result = int64(len(op.Branches))
}
