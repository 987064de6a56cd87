package harness

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"halfopen/internal/codec"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/nameserver"
	"halfopen/harness/internal/observe"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/outbox"
	"halfopen/scenarios/language"
)

// lab is a scenario's hosts, faults, observers and actors made real, in the process that is PID 1
// of the sandbox. All methods must be called on the goroutine of runLab, unless their comment
// allows others.
type lab struct {
	job
	reaper *sandbox.Reaper
	plan   *fault.Plan
	net    *network.Network
	faults *fault.Injector
	seen   *observe.Observer

	actors []*member
	// programs are those of all actors, in the order of their starts, also those that have ended.
	programs []*program
	windows  []*window
	// watched are the events to which something reacts.
	watched *watched
	// hits are the hits reported so far of faults whose counters are read.
	hits map[string]uint64
	// on has true for the faults in force.
	on map[string]bool
	// wasOn has true for those that were in force when their hits were read last, by readHits.
	wasOn map[string]bool
	// has says of the sysctls that expectations ask for whether the kernel has them.
	has map[string]bool

	// inbox brings everything that happens outside the goroutine, as functions to call on it.
	inbox chan func() error
	// canceled is closed when the parent cancels the run, over when the run has ended and nobody
	// reads the inbox.
	canceled, over chan struct{}
	// finishing is set when the last events are collected. Then nobody adds faults.
	finishing bool
	// held is set once the lab is held: people may end actors then.
	held bool
	// ended is set once the run has ended and its last event is sent.
	ended bool
	// released is closed when nobody holds the lab any more.
	released chan struct{}
	// kernelWatched gets what tracepoints show of the hosts, when the parent watches them.
	kernelWatched chan *trace.Tracepoints

	// absent says which program of the scenario this machine lacks; nil if none.
	absent error
	// strace is the path of strace, if the scenario asks for it; noStrace says why it cannot be used.
	strace   string
	noStrace error
	// names is the name server of the scenario, or nil.
	names *nameserver.Server
	// bound is the bound of the lab's processes, or nil; root the mount namespace of programs, or nil.
	bound, root *os.File
	// users are those that programs run as, by [language.Launch.OtherUser].
	users map[string]*actor.User
	// states are the events of sockets; exact is set if the kernel shows each transition of them.
	states *stateWatches
	exact  bool
	// logs is the folder of the machine for what programs write, or nil.
	logs *os.File
	// late has when this process and its queues were late.
	late *lateness

	out    *outbox.Outbox[message]
	events outlet
	// work is the piece of work reported last.
	work string
}

// runLab is the main function of the lab: it reads its job from control and writes messages to
// events. The end of control cancels the run.
func runLab(control, events *os.File) {
	l := &lab{
		hits:     map[string]uint64{},
		on:       map[string]bool{},
		wasOn:    map[string]bool{},
		has:      map[string]bool{},
		inbox:    make(chan func() error, 64),
		canceled: make(chan struct{}),
		over:     make(chan struct{}),
		released: make(chan struct{}),
		late:     newLateness(),
		out:      outbox.New[message](events),

		kernelWatched: make(chan *trace.Tracepoints, 1),
	}
	l.events.send = l.send
	orders := &filesReader{file: control}
	dec := codec.NewDecoder(orders)
	err := dec.Decode(&order{Job: &l.job})
	ordered := err == nil
	if ordered {
		if l.Logs {
			l.logs = os.NewFile(logsFD, "logs")
		}
		l.states = newStateWatches(l.Scenario)
		go l.obey(dec, orders)
		err = l.run()
	}
	if err == nil && l.Keep {
		l.answerOn()
	}
	if err != nil {
		l.out.Send(message{Failure: newFailure(remedied(err))})
	}
	// An error means that nobody reads: the parent is gone, and the sandbox with it.
	_ = l.out.Close()
	if l.names != nil {
		_ = l.names.Close() // its sockets end with the process
	}
	if l.seen != nil {
		l.seen.Close() // meanwhile the parent judges the run
	}
	if ordered {
		// The parent ends the orders once it no longer watches the hosts' namespaces. Their
		// inodes must not belong to another lab's before.
		<-l.canceled
	}
}

// remedied adds the remedy to an error that says that something has run out. EAGAIN has other meanings
// apart from the start of a process, which adds it by itself.
func remedied(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return err
	}
	return kernel.ExplainScarcity(err)
}

// obey does what the orders after the first ask for. Their end cancels the run.
func (l *lab) obey(orders *codec.Decoder, from *filesReader) {
	defer close(l.canceled)
	release := sync.OnceFunc(func() { close(l.released) })
	for {
		var o order
		if orders.Decode(&o) != nil {
			return
		}
		files := from.take(o.Files)
		switch {
		case o.Watched != nil:
			l.kernelWatched <- o.Watched // it comes once
		case o.Reached != nil:
			l.sawState(o.Reached)
		case o.Visit != nil:
			go l.admit(o.Visit, files) // it ends with the lab
		case o.Release:
			release()
		}
	}
}

// emit sends an event; that something was late is sent at the end. It is safe for concurrent use.
func (l *lab) emit(e trace.Event) {
	if e.Late != nil {
		l.late.add(e.Late.Part, e.Late.Name, e.Late.Due, e.T)
		return
	}
	l.events.emit(e)
}

// emitSeen sends an event of an observer. A packet waits until there is room: meanwhile the kernel
// keeps the next ones for the capture, and counts those for which it has no room.
func (l *lab) emitSeen(e trace.Event) {
	if e.Packet != nil {
		l.out.Await()
	}
	l.emit(e)
	if e.Socket != nil {
		l.sawState(&e)
	}
}

// send sends an event to the parent, a packet together with those before it that still wait to be
// written, if they were seen at the same end of a link.
func (l *lab) send(e trace.Event) {
	if e.Packet == nil {
		l.out.Send(message{Event: &e})
		return
	}
	at, p := e.T, e.Packet
	l.out.Join(func(last *message) bool { return last.Packets != nil && last.Packets.Append(at, p) },
		func() message {
			first := &trace.Packets{}
			first.Append(at, p)
			return message{Packets: first}
		})
}

// now emits an event that happens now. It is safe for concurrent use.
func (l *lab) now(e trace.Event) {
	e.T = l.Clock.Now()
	l.emit(e)
}

// doing reports the piece of work that the lab begins, and returns the one before. After the end of the
// run nobody reads it.
func (l *lab) doing(what string) (before string) {
	before, l.work = l.work, what
	if !l.ended {
		l.out.Send(message{Doing: what})
	}
	return before
}

func (l *lab) run() error {
	if err := sandbox.Enter("halfopen"); err != nil {
		return err
	}
	// Where the kernel has no bound for a lab, programs of root have no limit.
	var lacking *inject.MissingError
	var err error
	if l.bound, err = sandbox.OpenBound(); err == nil {
		err = sandbox.BoundProcesses(l.bound, l.mostProcesses())
	}
	if err != nil && !errors.As(err, &lacking) {
		return err
	}
	if err := checkPorts(l.Scenario); err != nil {
		return err
	}
	if l.Scenario.RunsPrograms() {
		sandbox.ReserveThreads(sandbox.SpareThreads)
		if err := l.makeRoot(); err != nil {
			return err
		}
	}
	if err := sandbox.Cover(); err != nil {
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

// mostProcesses is how many processes and threads the lab may have: those of its programs, and its
// own. A branch of a parallel step has a thread.
func (l *lab) mostProcesses() int {
	const ofActor = 32 // the threads of Go's runtime
	n := language.DefaultProcesses
	for i := range l.Scenario.Actors {
		n += ofActor
		language.EachStep(l.Scenario.Actors[i].Steps, func(st *language.Step) {
			if st.Op.Parallel != nil {
				n += len(st.Op.Parallel.Branches)
			}
		})
	}
	return n
}
