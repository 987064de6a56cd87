package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"halfopen/internal/codec"
	"halfopen/internal/say"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject/network"
	"halfopen/internal/outbox"
	"halfopen/scenarios/language"
)

// member is the lab's side of one actor.
type member struct {
	language.Actor
	process  *sandbox.Process
	lab      *lab
	commands *outbox.Outbox[actor.Command]

	// awaited are the events that steps wait for and that have not happened yet.
	awaited map[language.EventRef]bool

	prepared bool
	done     bool
	// flushed is set once the lines of all its programs are there.
	flushed bool
	// running are the steps that have begun and not ended.
	running []trace.Start
	// killed is set when a kill step signals the actor, gone when its process has ended.
	killed, gone bool
	// paused is set when a kill step stops the process: from then on, its stops are part of the scenario.
	// stopped is set while another signal has stopped it, since stoppedAt.
	paused    bool
	stopped   bool
	stoppedAt time.Duration
	// onGone are called when the process has ended.
	onGone []func()
}

func (l *lab) startActors(topology *network.Topology) error {
	for i := range l.Scenario.Actors {
		a := &member{Actor: l.Scenario.Actors[i], lab: l, awaited: map[language.EventRef]bool{}}
		for _, ref := range language.EventRefs(a.Steps) {
			a.awaited[ref.Canonical()] = true
		}
		l.actors = append(l.actors, a)
		if err := a.start(topology); err != nil {
			return err
		}
	}
	return nil
}

// start runs the actor's process on its host and sends it its steps.
func (a *member) start(topology *network.Topology) error {
	var p pipes
	commands, reports := p.to("command"), p.from("report")
	if p.err != nil {
		return fmt.Errorf("starting actor %s: %w", a.Name, p.err)
	}
	defer p.closeThere()
	l := a.lab
	files := []*os.File{commands.there, reports.there}
	pass := func(f *os.File) (fd int) {
		if f == nil {
			return 0
		}
		files = append(files, f)
		return 2 + len(files) // after the standard ones, see [sandbox.Spawn]
	}
	bound, root, logs := pass(l.bound), pass(l.root), pass(l.logs)
	var err error
	a.process, err = l.reaper.Spawn(func() (*sandbox.Process, error) {
		return sandbox.Spawn(titled(roleActor, a.title()), actor.Environment(os.Environ()), l.net.Host(a.Host).FD(),
			os.Stderr, files...)
	}, func(status syscall.WaitStatus) {
		at := l.Clock.Now()
		l.inbox <- func() error { return a.changed(status, at) }
	})
	if err != nil {
		return err
	}
	// A failed write means that the actor has died, which the reaper reports.
	a.commands = outbox.New[actor.Command](commands.here)
	go a.listen(reports.here)
	a.commands.Send(actor.Command{Init: &actor.Init{
		Actor:         a.Name,
		Host:          a.Host,
		Family:        l.Scenario.Family,
		Steps:         a.Steps,
		Clock:         l.Clock,
		Bound:         bound,
		Root:          root,
		Logs:          logs,
		Dir:           l.programDir(),
		Users:         l.users,
		Topology:      topology,
		Gates:         l.watched.gates[a.Name],
		Watched:       l.watched.lines[a.Name],
		Interruptible: l.interrupts(a.Name),
		Signals:       l.signalsTo(a.Name),
	}})
	return nil
}

// title names the actor for ps, with its host if that has another name.
func (a *member) title() string {
	if a.Host == a.Name {
		return a.Name
	}
	return a.Name + " on " + a.Host
}

// interrupts reports whether a kill step wants SIGUSR1 to end the actor's system calls with EINTR.
func (l *lab) interrupts(name string) bool {
	return slices.ContainsFunc(l.killsOf(name),
		func(k *language.Kill) bool { return k.Restart != nil && !*k.Restart })
}

// signalsTo returns the names of the signals that kill steps send an actor.
func (l *lab) signalsTo(name string) []string {
	var names []string
	for _, k := range l.killsOf(name) {
		names = append(names, k.SignalOrDefault())
	}
	return names
}

// killsOf returns the kill steps that are aimed at an actor.
func (l *lab) killsOf(name string) []*language.Kill {
	var kills []*language.Kill
	for i := range l.Scenario.Actors {
		language.EachStep(l.Scenario.Actors[i].Steps, func(s *language.Step) {
			if k := s.Op.Kill; k != nil && k.Actor == name {
				kills = append(kills, k)
			}
		})
	}
	return kills
}

// listen brings the actor's reports to the lab's goroutine.
func (a *member) listen(r io.Reader) {
	dec := codec.NewDecoder(r)
	for {
		var report actor.Report
		if err := dec.Decode(&report); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				a.lab.inbox <- func() error {
					return fmt.Errorf("reading the reports of actor %s: %w", a.Name, err)
				}
			}
			return
		}
		a.lab.inbox <- func() error { return a.report(report) }
	}
}

func (a *member) report(r actor.Report) error {
	switch {
	case r.Lines != nil:
		for i := range r.Lines {
			if err := a.line(&r.Lines[i]); err != nil {
				return err
			}
		}
	case r.Calls != nil:
		a.lab.out.Send(message{Calls: &hostCalls{a.Host, *r.Calls}})
	case r.Event != nil:
		a.timed(r.Event)
		a.track(r.Event)
		a.lab.emit(*r.Event)
		event := actor.EventOf(r.Event)
		if event != "" && r.Event.Start == nil {
			if err := a.lab.setOff(event); err != nil {
				return err
			}
		}
		if r.Event.Program != nil {
			a.trackProgram(*r.Event) // the step that stops it may go on only now
		}
		if event != "" {
			a.lab.passOn(event)
		}
	case r.Gate != nil:
		// The event of another gate came just before, and everything that it sets off is done.
		if r.Gate.BeforeEvent() {
			if err := a.lab.setOff(r.Gate.Event.Canonical()); err != nil {
				return err
			}
		}
		a.commands.Send(actor.Command{Gate: r.Gate.ID})
	case r.Request != nil:
		a.lab.serve(a, r.Request, func(reply actor.Reply) {
			reply.ID = r.Request.ID
			a.commands.Send(actor.Command{Reply: &reply})
		})
	case r.Prepared:
		a.prepared = true
	case r.Flushed:
		a.flushed = true
	case r.Done:
		a.done = true
	}
	return nil
}

// line emits a line of a program, or does what waits for one.
func (a *member) line(e *trace.Event) error {
	a.lab.emit(*e)
	if e.Watched == nil {
		return nil
	}
	if !a.killed {
		a.lab.late.add(trace.LateReport, a.Name, e.T, a.lab.Clock.Now())
	}
	return a.lab.happened(language.EventRef(e.Watched.Event))
}

// timed records how late the lab learns of what the actor did. A step that signals the actor may have
// stopped it; then nobody was late.
func (a *member) timed(e *trace.Event) {
	switch {
	case !a.killed:
		a.lab.late.add(trace.LateReport, a.Name, e.T, a.lab.Clock.Now())
	case e.Start != nil:
		e.Start.Late = 0
	case e.Step != nil:
		e.Step.Late, e.Step.LateWorst = 0, 0
	}
}

func (a *member) track(e *trace.Event) {
	switch {
	case e.Start != nil:
		a.running = append(a.running, *e.Start)
	case e.Step != nil:
		a.running = slices.DeleteFunc(a.running,
			func(s trace.Start) bool { return s.Step == e.Step.ID && s.N == e.Step.N })
	}
}

// changed is called when a signal has stopped the actor's process or let it go on, and when it is gone.
func (a *member) changed(status syscall.WaitStatus, at time.Duration) error {
	switch {
	case status.Stopped():
		if !a.paused && !a.stopped {
			a.stopped, a.stoppedAt = true, at
		}
	case status.Continued():
		if a.stopped {
			a.lab.late.add(trace.LateStop, a.Name, a.stoppedAt, at)
		}
		a.stopped = false
	default:
		return a.ended(status)
	}
	return nil
}

// stillStopped returns an error if an actor that has steps left is stopped, by no kill step: what it has
// not done says nothing.
func (l *lab) stillStopped() error {
	for _, a := range l.actors {
		if a.stopped && !a.done {
			return fmt.Errorf("the process of actor %s was stopped by a signal for the last %s of the run, "+
				"and no kill step did that", a.Name, say.Duration(l.Clock.Now()-a.stoppedAt))
		}
	}
	return nil
}

// ended is called when the actor's process is gone.
func (a *member) ended(status syscall.WaitStatus) error {
	p := &trace.Process{Actor: a.Name, PID: a.process.PID}
	if status.Signaled() {
		p.Signal = signalName(status.Signal())
	} else {
		p.Exit = status.ExitStatus()
	}
	a.lab.now(trace.Event{Process: p})
	a.prepared, a.done = true, true
	if !a.killed && !a.lab.held {
		return &deathError{fmt.Sprintf("the process of actor %s ended (%s), and no kill step did that",
			a.Name, describe(status))}
	}
	a.running, a.gone = nil, true
	for _, f := range a.onGone {
		f()
	}
	return nil
}

// prepare has the actor do its first steps. A program may send signals to all processes of the lab, so
// where there is one, actors without such steps, too, must say that they are there, and endure them.
func (a *member) prepare() {
	if language.Prelude(a.Steps) == 0 && !a.lab.Scenario.RunsPrograms() {
		a.prepared = true
		return
	}
	a.commands.Send(actor.Command{Prepare: true})
}

func (a *member) begin() { a.commands.Send(actor.Command{Go: true, Sent: a.lab.Clock.Now()}) }

// happened lets the actor know of an event, in canonical form, if a step waits for it. Each word costs
// the actor more than many a step does.
func (a *member) happened(event language.EventRef) {
	if a.awaited[event] {
		delete(a.awaited, event)
		a.commands.Send(actor.Command{Event: event, Sent: a.lab.Clock.Now()})
	}
}

func (l *lab) allDone() bool {
	return !slices.ContainsFunc(l.actors, func(a *member) bool { return !a.done })
}

func (l *lab) allPrepared() bool { return l.unprepared() == "" }

func (l *lab) unprepared() string {
	for _, a := range l.actors {
		if !a.prepared {
			return a.Name
		}
	}
	return ""
}

// hanging names the steps that have not ended.
func (l *lab) hanging() []string {
	var steps []string
	for _, a := range l.actors {
		for _, ref := range a.inProgress() {
			steps = append(steps, string(ref))
		}
	}
	return steps
}

// settled reports whether every actor is done, or in steps that are expected to hang.
func (l *lab) settled() bool {
	for _, a := range l.actors {
		if a.done {
			continue
		}
		steps := a.inProgress()
		if len(steps) == 0 || slices.ContainsFunc(steps,
			func(ref language.StepRef) bool { return !l.Scenario.MayHang(ref, l.met) }) {
			return false
		}
	}
	return true
}

// inProgress returns the steps of the actor that have begun and not ended, as ACTOR.STEP or
// ACTOR.STEP[N]. Of nested steps, it is the innermost.
func (a *member) inProgress() []language.StepRef {
	var steps []language.StepRef
	for _, s := range a.running {
		if _, around := language.OperationNamed(s.Op).(language.Nesting); around {
			continue
		}
		name := a.Name + "." + s.Step
		if s.N > 1 {
			name += "[" + strconv.Itoa(s.N) + "]"
		}
		steps = append(steps, language.StepRef(name))
	}
	return steps
}

func (l *lab) actor(name string) (*member, error) {
	i := slices.IndexFunc(l.actors, func(a *member) bool { return a.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown actor %q", name)
	}
	return l.actors[i], nil
}

func (l *lab) kill(k *language.Kill) error {
	if k.Program != "" {
		p := l.program(k.Program)
		if p == nil {
			return unix.ESRCH
		}
		return p.signal(k.SignalOrDefault())
	}
	a, err := l.actor(k.Actor)
	if err != nil {
		return err
	}
	name := k.SignalOrDefault()
	sig := unix.SignalNum("SIG" + name)
	if sig == 0 {
		return fmt.Errorf("unknown signal %q", name)
	}
	a.killed = true
	switch sig {
	case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		a.paused = true
	}
	if a.gone {
		return unix.ESRCH
	}
	// A signal that an actor handles must hit the thread that is in a system call, not any other.
	if n := len(a.running); sig == unix.SIGUSR1 && n > 0 && a.running[n-1].TID != 0 {
		return unix.Tgkill(a.process.PID, a.running[n-1].TID, sig)
	}
	return syscall.Kill(a.process.PID, sig)
}

// killStep carries out a step kill. With KILL, the answer comes when the process has ended: on a busy
// machine a killed process may take a second or more to close its sockets, and a peer counts as dead
// when its sockets are closed.
func (l *lab) killStep(from *member, k *language.Kill, answer func(actor.Reply)) {
	if err := l.kill(k); err != nil {
		answer(failed(err))
		return
	}
	killed := func() { answer(actor.Reply{}) }
	if k.SignalOrDefault() == "KILL" {
		if p := l.program(k.Program); p != nil && p.end == nil {
			p.onEnd = append(p.onEnd, killed)
			return
		}
		if a, err := l.actor(k.Actor); err == nil && !a.gone && a != from {
			a.onGone = append(a.onGone, killed)
			return
		}
	}
	killed()
}

func signalName(sig syscall.Signal) string {
	name := unix.SignalName(sig)
	if name == "" {
		return strconv.Itoa(int(sig))
	}
	return name[len("SIG"):]
}
