package actor

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// session holds the state that the threads of an actor share.
type session struct {
	*Init
	reports *reporter
	events  *board
	gated   map[language.EventRef]bool
	sockets sockets
	tables  *tables
	flooded atomic.Uint64 // SYNs of flood steps so far
	// performers do the operations of steps, by key.
	performers map[string]performer

	// programs is held while a program is started; processes is its limit of processes.
	programs  sync.Mutex
	processes int
	// bound is the bound of the lab's processes; nil if the kernel has none. root is the root directory
	// of programs; nil in tests, where they have the actor's.
	bound, root *os.File
	logs        *logs
	// strace is the path of strace, if programs run under it; it is set before their first step.
	strace string

	// watches are the lines that something waits for, by step.
	watches map[string][]*lineWatch

	// prepare and start are closed by the commands Prepare and Go.
	prepare, start chan struct{}
	// sent is when the harness sent Go. It is set before start is closed.
	sent time.Duration

	mu         sync.Mutex
	executions map[string]int // begun so far, by step
	// running are the programs that have not ended; allowances are those of steps that run programs.
	running    []*running
	allowances map[string]*allowance
	seen       []*seenCalls // of all programs that have run
	lastGate   int
	gates      map[int]chan struct{} // closed when acknowledged
	lastAsked  int
	asked      map[int]chan *Reply
}

func newSession(init *Init, reports *reporter) *session {
	s := &session{
		Init:       init,
		reports:    reports,
		events:     newBoard(init.Steps),
		tables:     openTables(init.Steps),
		performers: performers(),
		processes:  language.DefaultProcesses,
		watches:    lineWatches(init.Watched),
		gated:      make(map[language.EventRef]bool),
		prepare:    make(chan struct{}),
		start:      make(chan struct{}),
		executions: make(map[string]int),
		allowances: make(map[string]*allowance),
		gates:      make(map[int]chan struct{}),
		asked:      make(map[int]chan *Reply),
	}
	for _, event := range init.Gates {
		s.gated[event.Canonical()] = true
	}
	return s
}

// live runs the actor's steps on an OS thread that runs nothing else.
func (s *session) live() {
	main := s.newThread(nil)
	n := language.Prelude(s.Steps)
	select {
	case <-s.prepare:
		main.run(s.Steps[:n])
		s.reports.report(&Report{Prepared: true})
		<-s.start
	case <-s.start:
		n = 0
	}
	if s.sent > 0 {
		main.lateBy(s.Clock.Now() - s.sent)
	}
	main.run(s.Steps[n:])
	s.reports.report(&Report{Done: true})
}

// obey carries out a command other than init and stop.
func (s *session) obey(c *Command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.Prepare:
		if isClosed(s.prepare) {
			return errors.New("a second prepare command")
		}
		close(s.prepare)
	case c.Go:
		if isClosed(s.start) {
			return errors.New("a second go command") // and live has read what the first one set
		}
		s.sent = c.Sent
		close(s.start)
	case c.Event != "":
		s.events.pin(c.Event, c.Sent)
	case c.Gate != 0:
		passed := s.gates[c.Gate]
		if passed == nil {
			return fmt.Errorf("command for gate %d: no thread waits at it", c.Gate)
		}
		delete(s.gates, c.Gate)
		close(passed)
	case c.Reply != nil:
		answer := s.asked[c.Reply.ID]
		if answer == nil {
			return fmt.Errorf("reply to request %d: no thread waits for it", c.Reply.ID)
		}
		delete(s.asked, c.Reply.ID)
		answer <- c.Reply
	case c.Strace != "":
		s.strace = c.Strace
	case c.Flush:
		go s.flush() // it ends by itself, or with the actor
	}
	return nil
}

// execution counts one more execution of a step and returns its number, from 1.
func (s *session) execution(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executions[step]++
	return s.executions[step]
}

// emit reports the end of a step, or a signal, and stands still at it. The actor's own steps see
// the event only after that: they must not run ahead of the faults that it switches.
func (s *session) emit(e *trace.Event) {
	s.reports.report(&Report{Event: e})
	event := EventOf(e)
	s.stand(event)
	s.events.pin(event, e.T)
}

// begin reports the start of a step, which has stood still before, and lets the actor's own steps
// see it.
func (s *session) begin(e *trace.Event) {
	s.reports.report(&Report{Event: e})
	s.events.pin(EventOf(e), e.T)
}

// stand reports the gate of an event, if it has one, and waits until the harness has acknowledged
// it.
func (s *session) stand(event language.EventRef) {
	if !s.gated[event] {
		return
	}
	passed := make(chan struct{})
	s.mu.Lock()
	s.lastGate++
	gate := &Gate{ID: s.lastGate, Event: event}
	s.gates[gate.ID] = passed
	s.mu.Unlock()
	s.reports.report(&Report{Gate: gate})
	<-passed
}

// ask sends a request to the harness and waits for the reply.
func (s *session) ask(r *Request) *Reply {
	answer := make(chan *Reply, 1)
	s.mu.Lock()
	s.lastAsked++
	r.ID = s.lastAsked
	s.asked[r.ID] = answer
	s.mu.Unlock()
	s.reports.report(&Report{Request: r})
	return <-answer
}
