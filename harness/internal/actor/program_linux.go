package actor

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// running is a program of the actor that has not ended.
type running struct {
	trace.Program
	cmd     *exec.Cmd
	printed *printed
	in      *input
	out     *outputs
	// calls is what strace sees of it; nil if it does not run under strace.
	calls *seenCalls
	// over is closed when its process has ended, all that it wrote until then has been read, and status
	// is set.
	over   chan struct{}
	status syscall.WaitStatus
}

// flushWithin is how long the actor waits, when it is asked for all lines, for what its programs have
// written.
const flushWithin = time.Second

// newPrinted returns what makes events of the lines of a program, of one execution of a step.
func (s *session) newPrinted(step string, n int) *printed {
	s.mu.Lock()
	defer s.mu.Unlock()
	allowed := s.allowances[step]
	if allowed == nil {
		allowed = newAllowance()
		s.allowances[step] = allowed
	}
	return &printed{
		clock: s.Clock, program: trace.Line{Actor: s.Actor, Step: step, N: n}, allowed: allowed,
		watches: s.watches[step],
		report:  func(lines []trace.Event) { s.reports.report(&Report{Lines: lines}) },
	}
}

// started reports that a program runs, and remembers it until it has ended. It must be called before
// anything that the program writes is read.
func (s *session) started(r *running) {
	at := s.Clock.Now()
	s.mu.Lock()
	s.running = append(s.running, r)
	s.mu.Unlock()
	p := r.Program
	p.What, p.Command = trace.ProgramStarted, r.cmd.Args
	s.reports.report(&Report{Event: &trace.Event{T: at, Program: &p}})
}

// endedAt reports the last lines of a program, all of which have been read, and its end.
func (s *session) endedAt(r *running, at time.Duration, status syscall.WaitStatus) {
	s.mu.Lock()
	s.running = slices.DeleteFunc(s.running, func(o *running) bool { return o == r })
	s.mu.Unlock()
	r.printed.finish()
	p := r.Program
	p.What = trace.ProgramEnded
	p.Exit, p.Killed = exitOf(status)
	if p.Beside {
		p.Printed = r.out.printed()
	}
	s.reports.report(&Report{Event: &trace.Event{T: at, Program: &p}})
}

// exitOf returns the exit status of a program, or the name of the signal that ended it.
func exitOf(status syscall.WaitStatus) (exit int, killed string) {
	if status.Signaled() {
		return 0, strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")
	}
	return status.ExitStatus(), ""
}

// flush reports all lines that the programs have written up to now, and their calls. Those that come
// later are not reported.
func (s *session) flush() {
	s.mu.Lock()
	all := slices.Clone(s.running)
	s.mu.Unlock()
	for _, r := range all {
		r.out.stdout.catchUp(flushWithin)
		r.out.stderr.catchUp(flushWithin)
		r.printed.finish()
	}
	s.flushCalls()
	s.reports.report(&Report{Flushed: true})
}
