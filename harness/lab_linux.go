package harness

import (
	"encoding/json"
	"os"

	"halfopen/harness/observe"
	"halfopen/harness/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// lab is a scenario's hosts, faults, observers and actors made real, in the process that is PID 1 of the sandbox. Except
// for emit, its methods are called by the one goroutine of runLab.
type lab struct {
	job
	reaper *sandbox.Reaper
	plan   *fault.Plan
	net    *network.Network
	faults *fault.Injector
	seen   *observe.Observer

	actors  []*member
	windows []*window
	// sampled are the events at which the state of all sockets is wanted.
	sampled map[language.EventRef]bool
	// counted are the faults of iptables and tc whose hits are events that something waits for, with those told so far;
	// awaited are those of queues, which tell each hit themselves.
	counted map[string]uint64
	awaited map[string]bool
	// on are the faults in force.
	on map[string]bool

	// inbox brings everything that happens outside the goroutine: functions to be called on it.
	inbox chan func() error
	// wanted is closed when the parent wants the run no longer, over when the run ends by itself.
	wanted, over chan struct{}

	out *outbox[message]
}

// runLab is the main function of the lab: it reads its job from control and writes messages to events. The end of control
// cancels the run.
func runLab(control, events *os.File) {
	l := &lab{
		sampled: map[language.EventRef]bool{},
		counted: map[string]uint64{},
		awaited: map[string]bool{},
		on:      map[string]bool{},
		inbox:   make(chan func() error, 64),
		wanted:  make(chan struct{}),
		over:    make(chan struct{}),
		out:     newOutbox(events, summarize),
	}
	dec := json.NewDecoder(control)
	err := dec.Decode(&l.job)
	if err == nil {
		go func() {
			defer close(l.wanted)
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

// emit sends an event; it is safe for concurrent use.
func (l *lab) emit(e trace.Event) { l.out.send(message{Event: &e}) }

// now emits an event that happens now.
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
	if err := l.perform(); err != nil {
		return err
	}
	return nil
}
