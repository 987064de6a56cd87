package actor

import (
	"time"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// Command is one line from the harness to an actor. Exactly one field is set, apart from Sent.
//
// The order is Init, then Prepare if the actor has a prelude (see [language.Prelude]), then Go.
// Event, Gate and Reply may come at any time after Init, Flush once. Stop, or the end of the pipe, ends the
// actor at once, whatever it is doing.
type Command struct {
	Init    *Init `json:"init,omitempty"`
	Prepare bool  `json:"prepare,omitempty"`
	Go      bool  `json:"go,omitempty"`
	// Event is an event that happened somewhere in the lab, in canonical form. The actor remembers
	// events, so a step may wait for one that is long past. The actor's own events may be sent too.
	Event language.EventRef `json:"event,omitempty"`
	// Sent is when Go or Event was sent, so that the actor knows how late it learned of it.
	Sent time.Duration `json:"sent,omitempty"`
	// Gate acknowledges the gate with that ID.
	Gate  int    `json:"gate,omitempty"`
	Reply *Reply `json:"reply,omitempty"`
	// Strace is the path of strace(1), under which programs run; it comes before Prepare and Go, if at all.
	Strace string `json:"strace,omitempty"`
	// Flush asks for all lines that programs have written up to now, and their calls, and for no later ones.
	Flush bool `json:"flush,omitempty"`
	Stop  bool `json:"stop,omitempty"`
}

// Init describes the actor. It is the first command and comes once.
type Init struct {
	// Actor and Host are names. The process already runs in the namespaces of that host.
	Actor string `json:"actor"`
	Host  string `json:"host"`
	// Family is the address family of sockets whose step names no address; "" means IPv4.
	Family language.Family `json:"family,omitempty"`
	Steps  []language.Step `json:"steps"`
	Clock  trace.Clock     `json:"clock"`
	// Bound, Root and Logs are descriptors of the actor's process: the bound of the lab's processes, for
	// [sandbox.BoundProcesses], the root directory of programs, for [sandbox.EnterRoot], and the folder
	// of the machine for files with all that programs write. 0 stands for none.
	Bound int `json:"bound,omitempty"`
	Root  int `json:"root,omitempty"`
	Logs  int `json:"logs,omitempty"`
	// Dir is the working directory of programs; "" means the actor's.
	Dir string `json:"dir,omitempty"`
	// Users are those that programs run as, by [language.Launch.OtherUser].
	Users map[string]*User `json:"users,omitempty"`
	// Topology resolves the names of hosts to addresses. It is required.
	Topology *network.Topology `json:"topology"`
	// Gates are the actor's own events, such as client.connect.start or client.connect[2], at which
	// it must stop until the harness has acknowledged them.
	Gates []language.EventRef `json:"gates,omitempty"`
	// Watched are the lines of its programs that something waits for.
	Watched []language.EventRef `json:"watched,omitempty"`
	// Interruptible is true if the handler of SIGUSR1 must not have SA_RESTART, because a kill step
	// of the scenario sends this actor USR1 with restart: false. If false, the handler has
	// SA_RESTART.
	Interruptible bool `json:"interruptible,omitempty"`
	// Signals are the names of the signals that kill steps send this actor. It endures the others, see
	// [sandbox.Endure].
	Signals []string `json:"signals,omitempty"`
}

// Reply answers a [Request].
type Reply struct {
	ID int `json:"id"`
	// Errno names the error that the operation ended with; "" means success.
	Errno string `json:"errno,omitempty"`
	// Problem says why the operation could not be tried.
	Problem string `json:"problem,omitempty"`
	// Exit and Killed say how the program ended that the request has stopped.
	Exit   int    `json:"exit,omitempty"`
	Killed string `json:"killed,omitempty"`
	// Text is the answer to the request.
	Text string `json:"text,omitempty"`
}

// Report is one line from an actor to the harness. Exactly one field is set.
type Report struct {
	// Event is a start, a step, a signal or a change of a program. Its Gate, if it has one, comes
	// before a start, and at once after a step or a signal.
	Event *trace.Event `json:"event,omitempty"`
	// Lines are lines of a program, notes that there are too many for the trace or too much for a file,
	// and the events of lines that something waits for.
	Lines []trace.Event `json:"lines,omitempty"`
	// Calls are calls of its programs that strace has seen.
	Calls *Calls `json:"calls,omitempty"`
	// Prepared says that the prelude is done; the actor waits for Go.
	Prepared bool     `json:"prepared,omitempty"`
	Gate     *Gate    `json:"gate,omitempty"`
	Request  *Request `json:"request,omitempty"`
	// Flushed answers Flush.
	Flushed bool `json:"flushed,omitempty"`
	// Done says that the last step has ended. The actor keeps its sockets open until Stop or the
	// end of the pipe: the end of the process closes them, which is visible on the wire.
	Done bool `json:"done,omitempty"`
}

// Calls are system calls that strace has seen of programs, as they come.
type Calls struct {
	Seen []tracepoint.Call `json:"seen,omitempty"`
	// Left are those that were only counted, at the end.
	Left []tracepoint.CallsLeft `json:"left,omitempty"`
	// Lost counts those that strace could not read, and Rings the rings of io_uring, both at the end.
	Lost  uint64 `json:"lost,omitempty"`
	Rings uint64 `json:"rings,omitempty"`
	// Unread is set if strace ended before the program, or did not answer in time.
	Unread bool `json:"unread,omitempty"`
}

// Gate says that a thread of the actor waits at an event until a command with this ID comes. The
// harness first reads the sockets and switches the faults for which the event matters. A step whose
// start has a gate begins only after that, so the start is reported after the gate.
type Gate struct {
	// ID counts the gates of the actor from 1.
	ID    int               `json:"id"`
	Event language.EventRef `json:"event"`
}

// BeforeEvent reports whether the event is reported only after the gate.
func (g *Gate) BeforeEvent() bool {
	e, err := g.Event.Parse()
	return err == nil && e.Kind == language.EventStepStart
}

// Request asks the harness for an operation that an actor cannot do from inside its process, a
// [language.ByLab]. Its host is filled in.
type Request struct {
	// ID counts the requests of the actor from 1.
	ID int `json:"id"`
	language.Op
}

// EventOf returns the event of an actor that steps and fault windows may refer to, in canonical
// form: client.connect.start for the first start, client.connect[2] for the end of the second
// execution, server.web.ended, server.signal.NAME. It is "" for other events.
func EventOf(e *trace.Event) language.EventRef {
	switch {
	case e.Start != nil && e.Start.Actor != "":
		return language.Event{
			Kind: language.EventStepStart, Actor: e.Start.Actor, Step: e.Start.Step, N: e.Start.N,
		}.Ref()
	case e.Step != nil:
		return language.Event{
			Kind: language.EventStepEnd, Actor: e.Step.Actor, Step: e.Step.ID, N: e.Step.N,
		}.Ref()
	case e.Program != nil && e.Program.What == trace.ProgramEnded:
		return language.Event{
			Kind: language.EventProgramEnd, Actor: e.Program.Actor, Step: e.Program.Step, N: e.Program.N,
		}.Ref()
	case e.Signal != nil:
		return language.Event{
			Kind: language.EventSignal, Actor: e.Signal.Actor, Signal: e.Signal.Name,
		}.Ref()
	}
	return ""
}
