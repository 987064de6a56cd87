package harness

import (
	"encoding/json"
	"os"

	"halfopen/harness/internal/observe"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/inject/network"
)

// lab is a scenario's hosts, faults, observers and actors made real, in the process that is PID 1 of
// the sandbox. Its methods are called by the one goroutine of runLab, except for those that say
// otherwise.
type lab struct {
	job
	reaper *sandbox.Reaper
	plan   *fault.Plan
	net    *network.Network
	faults *fault.Injector
	seen   *observe.Observer

	actors  []*member
	windows []*window
	// watched are the events that something waits for.
	watched *watched
	// hits are the hits reported so far, for the faults whose counters are read.
	hits map[string]uint64
	// on are the faults in force.
	on map[string]bool

	// inbox brings everything that happens outside the goroutine: functions to be called on it.
	inbox chan func() error
	// canceled is closed when the parent does not want the run any more, over when the run has ended
	// and nobody reads the inbox.
	canceled, over chan struct{}

	out *outbox[message]
}

// runLab is the main function of the lab: it reads its job from control and writes messages to
// events. The end of control cancels the run.
func runLab(control, events *os.File) {
	l := &lab{
		hits:     map[string]uint64{},
		on:       map[string]bool{},
		inbox:    make(chan func() error, 64),
		canceled: make(chan struct{}),
		over:     make(chan struct{}),
		out:      newOutbox(events, summarize),
	}
	dec := json.NewDecoder(control)
	err := dec.Decode(&l.job)
	if err == nil {
		go func() {
			defer close(l.canceled)
			var more json.RawMessage
			_ = dec.Decode(&more) // nothing more is ever sent: this returns at the end of the pipe
		}()
		err = l.run()
	}
	if err != nil {
		l.out.send(message{Failure: newFailure(err)})
	}
	// An error here means that nobody reads any more: the parent is gone, and the sandbox with it.
	_ = l.out.close()
}

// emit sends an event. It is safe for concurrent use.
func (l *lab) emit(e trace.Event) { l.out.send(message{Event: &e}) }

// now emits an event that happens now. It is safe for concurrent use.
func (l *lab) now(e trace.Event) {
	e.T = l.Clock.Now()
	l.emit(e)
}

func (l *lab) run() error {
	if err := sandbox.Enter("halfopen"); err != nil {
		return err
	}
	l.reaper = sandbox.NewReaper()
	if err := l.announce(); err != nil {
		return err
	}
	if err := l.build(); err != nil {
		return err
	}
	return l.perform()
}
