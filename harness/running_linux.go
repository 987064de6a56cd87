package harness

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/actor"
	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// program is a program of an actor, as the lab sees it. Its process is a child of the actor's.
type program struct {
	trace.Program
	// handle is a descriptor of the process, so that no signal can hit another that gets its number;
	// -1 if the kernel, older than Linux 5.3, has none.
	handle int
	// ending is how it is stopped.
	ending language.Ending
	// end says how it ended; nil before that. onEnd are called then.
	end   *trace.Program
	onEnd []func()
	// killed is set when it did not end in time.
	killed bool
}

// trackProgram follows a change of a program.
func (a *member) trackProgram(e trace.Event) {
	l := a.lab
	switch p := e.Program; p.What {
	case trace.ProgramStarted:
		started := &program{Program: *p, handle: -1}
		if fd, err := unix.PidfdOpen(p.PID, 0); err == nil {
			started.handle = fd
		}
		if st := l.Scenario.Step(p.Actor, p.Step); st != nil && st.Op.Start != nil {
			started.ending = st.Op.Start.Stop.Or(nil)
		} else {
			started.ending = (*language.Ending)(nil).Or(nil)
		}
		l.programs = append(l.programs, started)
		// Should the actor end first, this process inherits the program.
		l.reaper.Watch(p.PID, func(status syscall.WaitStatus) {
			at := l.Clock.Now()
			select {
			case l.inbox <- func() error { return l.orphanEnded(started, status, at) }:
			case <-l.over:
			}
		})
	case trace.ProgramEnded:
		for _, s := range l.programs {
			if s.Actor == p.Actor && s.Step == p.Step && s.N == p.N && s.end == nil {
				l.reaper.Forget(s.PID)
				s.ended(p)
			}
		}
	}
}

// orphanEnded reports the end of a program whose actor had ended before it.
func (l *lab) orphanEnded(p *program, status syscall.WaitStatus, at time.Duration) error {
	if p.end != nil {
		return nil
	}
	end := p.Program
	end.What, end.Command = trace.ProgramEnded, nil
	if status.Signaled() {
		end.Killed = signalName(status.Signal())
	} else {
		end.Exit = status.ExitStatus()
	}
	e := trace.Event{T: at, Program: &end}
	l.emit(e)
	event := actor.EventOf(&e)
	if err := l.setOff(event); err != nil {
		return err
	}
	p.ended(&end)
	l.passOn(event)
	return nil
}

func (p *program) ended(end *trace.Program) {
	p.end = end
	if p.handle >= 0 {
		_ = unix.Close(p.handle) // nothing can be lost
		p.handle = -1
	}
	for _, f := range p.onEnd {
		f()
	}
	p.onEnd = nil
}

// signal sends a signal to the process of the program.
func (p *program) signal(name string) error {
	sig := unix.SignalNum("SIG" + name)
	switch {
	case sig == 0:
		return fmt.Errorf("unknown signal %q", name)
	case p.end != nil:
		return unix.ESRCH
	case p.handle >= 0:
		return unix.PidfdSendSignal(p.handle, sig, nil, 0)
	}
	return unix.Kill(p.PID, sig)
}

// killGroup kills what is left of the process group of the program.
func (p *program) killGroup() {
	_ = unix.Kill(-p.PID, unix.SIGKILL) // ESRCH: nothing is left
}

// program returns the latest execution of a program, or the one with a number. It is nil if the
// program has not started.
func (l *lab) program(ref language.StepRef) *program {
	actor, step, n := ref.Split()
	for _, p := range slices.Backward(l.programs) {
		if p.Actor == actor && p.Step == step && (n == 0 || p.N == n) {
			return p
		}
	}
	return nil
}

// stop asks a program to end, and calls then when it has ended. It kills its process group if it has
// not ended in time.
func (l *lab) stop(p *program, how language.Ending, then func()) error {
	// A process that has just ended, whose end is on its way here, gets no signal.
	if err := p.signal(how.Signal); err != nil && !(errors.Is(err, unix.ESRCH) && p.end == nil) {
		return err
	}
	late := time.AfterFunc(time.Duration(how.Within), func() {
		select {
		case l.inbox <- func() error {
			if p.end == nil {
				p.killed = true
				p.killGroup()
			}
			return nil
		}:
		case <-l.over:
		}
	})
	p.onEnd = append(p.onEnd, func() { late.Stop(); then() })
	return nil
}

// stopStep carries out a step stop. The answer comes when the program has ended.
func (l *lab) stopStep(s *language.Stop, answer func(actor.Reply)) {
	p := l.program(s.Program)
	if p == nil {
		answer(actor.Reply{Errno: "ESRCH", Text: "it has not started"})
		return
	}
	ended := func() {
		reply := actor.Reply{Exit: p.end.Exit, Killed: p.end.Killed}
		if p.killed {
			reply.Errno = "ETIMEDOUT"
		}
		answer(reply)
	}
	if err := l.stop(p, s.Ending.Or(&p.ending), ended); err != nil {
		answer(failed(err))
	}
}

// besideEnd is how long a program may take to end that was killed. One that the kernel holds up
// longer ends with the lab.
const besideEnd = 5 * time.Second

// stopPrograms stops the programs that run beside, all at once, and waits for their ends.
func (l *lab) stopPrograms() error {
	running := 0
	longest := time.Duration(0)
	for _, p := range l.programs {
		if !p.Beside || p.end != nil {
			continue
		}
		if err := l.stop(p, p.ending, func() { running-- }); err != nil {
			return fmt.Errorf("stopping the program %s.%s: %w", p.Actor, p.Step, err)
		}
		running++
		longest = max(longest, time.Duration(p.ending.Within))
	}
	patience := time.NewTimer(longest + besideEnd)
	defer patience.Stop()
	for running > 0 {
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-l.canceled:
			return nil
		case <-patience.C:
			l.now(trace.Event{Note: &trace.Note{Text: fmt.Sprintf(
				"%s did not end within %s after SIGKILL", say.Count(running, "program"), say.Duration(besideEnd))}})
			running = 0
		}
	}
	for _, p := range l.programs {
		if p.Beside {
			p.killGroup() // what it left running
		}
	}
	return nil
}

// readyWithin is how long the programs may take to get ready that the actors start in their first
// steps.
func (l *lab) readyWithin() time.Duration {
	longest := time.Duration(0)
	for _, a := range l.actors {
		sum := time.Duration(0)
		for i := range a.Steps[:language.Prelude(a.Steps)] {
			if st := &a.Steps[i]; st.Op.Start != nil {
				sum += st.Op.Start.WithinOrDefault() * time.Duration(max(st.Times, 1))
			}
		}
		longest = max(longest, sum)
	}
	return longest
}
