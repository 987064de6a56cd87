package actor

import (
	"syscall"

	"halfopen/harness/internal/sandbox"
	"halfopen/scenarios/language"
)

// start runs a program beside the steps. The step ends when the program is ready, or without that when
// it has been executed.
func (t *thread) start(_ *language.Step, op *language.Start, o *outcome) {
	// A program dies with the thread that started it (PR_SET_PDEATHSIG), which must not be that of a
	// branch.
	var before []listener
	if op.Ready != nil && len(op.Ready.Listens) > 0 {
		before = listeners()
	}
	r := t.launch(&op.Launch, op.Ready, o, func(r *running, as *User) error {
		return sandbox.OnImmortalThread(func() error { return t.startSeen(r, as) })
	})
	if r == nil {
		return
	}
	o.ended = t.Clock.Now()
	o.Value = "running"
	go t.session.await(r) // it ends with the program, or with the actor
	if op.Ready != nil {
		t.awaitReady(r, op, before, o)
	}
}

// await waits for the end of a program and reports it.
func (s *session) await(r *running) {
	if err := (&sandbox.Process{PID: r.PID}).Await(nil); err != nil {
		_ = r.cmd.Wait() // the second call below has no effect then
	}
	at := s.Clock.Now()
	r.calls.letGo(r.out)
	r.out.end()
	_ = r.cmd.Wait() // its error is the exit status
	r.in.end()
	r.status = r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	s.endedAt(r, at, r.status)
	close(r.over)
}
