// Package trace is the hinge of halfopen: the ordered, timestamped events of one run. Only the
// harness writes a trace; assertions, ladders and reports read it. The only package of this module
// that it imports is the packet decoder.
package trace

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is one thing that happened. Exactly one of the pointers is set; [Event.Kind] names it.
type Event struct {
	// T is the time since the start of the run, on CLOCK_MONOTONIC, in nanoseconds.
	T time.Duration `json:"t"`

	Run      *Run      `json:"run,omitempty"`
	Host     *Host     `json:"host,omitempty"`
	Sysctl   *Sysctl   `json:"sysctl,omitempty"`
	Start    *Start    `json:"start,omitempty"`
	Step     *Step     `json:"step,omitempty"`
	Signal   *Signal   `json:"signal,omitempty"`
	Packet   *Packet   `json:"packet,omitempty"`
	Socket   *Socket   `json:"socket,omitempty"`
	Sampled  *Sampled  `json:"sampled,omitempty"`
	Counters *Counters `json:"counters,omitempty"`
	Fault    *Fault    `json:"fault,omitempty"`
	Process  *Process  `json:"process,omitempty"`
	Program  *Program  `json:"program,omitempty"`
	Line     *Line     `json:"line,omitempty"`
	Watched  *Watched  `json:"watched,omitempty"`
	Note     *Note     `json:"note,omitempty"`
	Late     *Late     `json:"late,omitempty"`
	End      *End      `json:"end,omitempty"`

	// Tracepoints says what of the next ones could be seen.
	Tracepoints *Tracepoints `json:"tracepoints,omitempty"`
	Transition  *Transition  `json:"transition,omitempty"`
	Drop        *Drop        `json:"drop,omitempty"`
	Retransmit  *Retransmit  `json:"retransmit,omitempty"`
	Reset       *Reset       `json:"reset,omitempty"`
	Probe       *Probe       `json:"probe,omitempty"`
	Call        *Call        `json:"call,omitempty"`
	CallsLeft   *CallsLeft   `json:"calls_left,omitempty"`
	Lost        *Lost        `json:"lost,omitempty"`
}

// Run is the first event: the scenario, the seed and the kernel of the run.
type Run struct {
	Scenario string            `json:"scenario"`
	Case     string            `json:"case,omitempty"`
	Family   string            `json:"family"`
	Params   map[string]string `json:"params,omitempty"`
	Seed     uint64            `json:"seed"`
	// Wall is the wall clock at T 0, in RFC 3339 with nanoseconds.
	Wall time.Time `json:"wall"`
	// Kernel is uname -r.
	Kernel  string `json:"kernel"`
	Version string `json:"version"`
	// Dir is the directory of the scenario's file, in which its programs run; "" for scenarios of the
	// library.
	Dir string `json:"dir,omitempty"`
	// Source is the expanded scenario, so that a stored trace can be judged again.
	Source json.RawMessage `json:"source,omitempty"`
}

// UnmarshalJSON also reads traces of earlier versions, whose Source is JSON in base64.
func (r *Run) UnmarshalJSON(data []byte) error {
	type plain Run
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	if len(r.Source) == 0 || r.Source[0] != '"' {
		return nil
	}
	var source []byte
	if err := json.Unmarshal(r.Source, &source); err != nil {
		return fmt.Errorf("reading the source of the run: %w", err)
	}
	r.Source = source
	return nil
}

// Host is written when a host of the lab is up.
type Host struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Links     []Link   `json:"links"`
}

// Link is one end of a link. Packets are captured there.
type Link struct {
	// Device is the interface's name in its host's namespace.
	Device string `json:"device"`
	MTU    int    `json:"mtu"`
	// Peer is the host at the other end; "" for lo.
	Peer string `json:"peer,omitempty"`
}

// Sysctl says whether a host's kernel has a kernel parameter, and its value.
type Sysctl struct {
	Host  string `json:"host"`
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	// Missing is true if the kernel does not have the parameter.
	Missing bool `json:"missing,omitempty"`
	// Routes is a congestion control that the host's connections have in place of Value: its routes
	// name it, because the kernel lets no namespace set it.
	Routes string `json:"routes,omitempty"`
}

// Start is written when all hosts, faults and observers are ready and the actors begin (Actor ""),
// and when a step begins: right before its system call, after the payload is made, and after the
// faults that begin or end with it are switched.
type Start struct {
	Actor string `json:"actor,omitempty"`
	Step  string `json:"step,omitempty"`
	Op    string `json:"op,omitempty"`
	// N counts the executions of the step, from 1.
	N int `json:"n,omitempty"`
	// TID is the thread running the step, in the lab's PID namespace. Signals for the step go to
	// it.
	TID int `json:"tid,omitempty"`
	// Late is how long after it could the step began, because the actor's thread got no processor or
	// learned late of what it waited for; 0 if that was less than [Shortest].
	Late time.Duration `json:"late,omitempty"`
}

// Step is the outcome of a step. The event's T is the moment it ended.
type Step struct {
	Actor string `json:"actor"`
	ID    string `json:"id"`
	Op    string `json:"op"`
	// N counts the executions of the step, from 1.
	N int `json:"n"`
	// Began is when the step began, on the clock of T. The duration is T - Began.
	Began time.Duration `json:"began"`
	// Socket is the name of the socket it worked on.
	Socket string `json:"socket,omitempty"`
	// Cookie is its number, as in [Socket]; 0 without a socket, and in traces of earlier versions.
	Cookie uint64 `json:"cookie,omitempty"`
	// Local and Remote are the socket's addresses after the step, "" if it has none.
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
	// Errno is the name of the error, "" for success.
	Errno string `json:"errno,omitempty"`
	// Result is the return value of the system call: -1 with an Errno.
	Result int64 `json:"result"`
	// Bytes is the number of bytes that the whole step sent or received.
	Bytes int64 `json:"bytes,omitempty"`
	// SHA256 is the digest of the bytes received, in hex.
	SHA256 string `json:"sha256,omitempty"`
	// Data has the first 4096 bytes received; for a blocked step, the names of system calls.
	Data []byte `json:"data,omitempty"`
	// Value is the value of getsockopt, the events that poll returned, separated by commas, what
	// shutdown shut down: read, write or both, or whether a program is ready or running, or with an
	// Errno what it lacks.
	Value string `json:"value,omitempty"`
	// Values are the fields of tcp_info, named without tcpi_.
	Values map[string]int64 `json:"values,omitempty"`
	// Packet is the packet that a segment step sent, from its IP header to the end of its headers;
	// nil in traces of earlier versions.
	Packet []byte `json:"packet,omitempty"`
	// Peer is the address of the peer of recvfrom or accept.
	Peer string `json:"peer,omitempty"`
	// Exit and all below it but Problem belong to an exec step, these two also to stop and start. Exit is the exit status, Killed the
	// signal that ended the program.
	Exit   int    `json:"exit,omitempty"`
	Killed string `json:"killed,omitempty"`
	// Stdout and Stderr are the first 64 KiB that were written until the program ended; StdoutBytes
	// and StderrBytes are how much that was. These are 0 in traces of earlier versions. If a middle
	// is left out, StdoutEnd and StderrEnd are the last 16 KiB.
	Stdout      Output `json:"stdout,omitempty"`
	Stderr      Output `json:"stderr,omitempty"`
	StdoutEnd   Output `json:"stdout_end,omitempty"`
	StderrEnd   Output `json:"stderr_end,omitempty"`
	StdoutBytes int64  `json:"stdout_bytes,omitempty"`
	StderrBytes int64  `json:"stderr_bytes,omitempty"`
	// Left is set if a process that the program left running could still write to them.
	Left bool `json:"left,omitempty"`
	// Late is how long the step's thread waited for processors, up to the end of the step and since the
	// end of the one before; or how long another thread of the actor waited once, on which it may have
	// depended; or how long after its event a wait step ended. It is 0 if that was less than [Shortest]
	// or the kernel does not say.
	Late time.Duration `json:"late,omitempty"`
	// LateWorst is the longest of the waits, as far as the kernel shows it; 0 means Late.
	LateWorst time.Duration `json:"late_worst,omitempty"`
	// Problem says why a step could not be tried at all, for example a missing program.
	Problem string `json:"problem,omitempty"`
}

// Refused returns the option at which a setsockopt step, which may set several, failed; "" for any
// other step.
func (s *Step) Refused() string {
	if s.Op != "setsockopt" || s.Errno == "" {
		return ""
	}
	return s.Value
}

// NotReady says why the program of a start step did not get ready; "" if it did, or was not to.
func (s *Step) NotReady() string {
	if s.Op != "start" || s.Errno == "" {
		return ""
	}
	return s.Value
}

// Signal is the event of a signal step.
type Signal struct {
	Actor string `json:"actor"`
	Name  string `json:"name"`
}

// Socket is a socket of a host as sock_diag reports it, written when any of its values has changed.
type Socket struct {
	Host string `json:"host"`
	// Cookie is the socket's number in the whole machine, as SO_COOKIE returns it. The request of a
	// SYN, the socket that it becomes and the TIME_WAIT that takes its place have the same. It is 0
	// in traces of earlier versions.
	Cookie uint64 `json:"cookie,omitempty"`
	// Local and Remote are address:port, IPv6 in brackets.
	Local  string `json:"local"`
	Remote string `json:"remote"`
	// Took is how long the look at the host's sockets took: this one was seen between T and T+Took.
	Took time.Duration `json:"took,omitempty"`
	// Last is the time of the host's look before this one, at which the socket was as the event
	// before this one of the same Cookie says, or not there yet; 0 if this is the first look.
	Last time.Duration `json:"last,omitempty"`
	// State is the TCP state by the name that ss uses (SYN_RECV for NEW_SYN_RECV), or CLOSED when
	// the socket is gone.
	State string `json:"state"`
	// RecvQ and SendQ are in bytes. Of a listening socket, RecvQ is the number of connections
	// waiting for accept and SendQ the backlog.
	RecvQ uint32 `json:"recv_q"`
	SendQ uint32 `json:"send_q"`
	// Timer is off, on (retransmission), keepalive, timewait or persist. It fires after Expires,
	// counted from T.
	Timer   string        `json:"timer,omitempty"`
	Expires time.Duration `json:"expires,omitempty"`
	// Retrans counts unanswered retransmissions or probes.
	Retrans int `json:"retrans,omitempty"`
	// Inode is the socket's inode, 0 if no process holds the socket.
	Inode uint32 `json:"inode,omitempty"`
	// Info has some fields of tcp_info, named without tcpi_.
	Info map[string]int64 `json:"info,omitempty"`
}

// Sampled says that the sockets of all hosts were read again while the actor that caused an event
// stood still. The sockets in the trace up to here have the state at that event.
type Sampled struct {
	// Event is the event's name, as in the scenario.
	Event string `json:"event"`
}

// Counters are a host's kernel counters, by GROUP.NAME, such as TcpExt.TCPTimeouts: all of them
// [Before] the actors' steps, and [After] them those with another value than before. Older traces
// have all of them again.
type Counters struct {
	Host   string           `json:"host"`
	At     Moment           `json:"at"`
	Values map[string]int64 `json:"values"`
}

// Moment is when counters were read.
type Moment string

// Before and After are the moments before the actors' first steps and after their last.
const (
	Before Moment = "before"
	After  Moment = "after"
)

// Process is the end of an actor's process.
type Process struct {
	Actor string `json:"actor"`
	PID   int    `json:"pid"`
	Exit  int    `json:"exit,omitempty"`
	// Signal is the name of the signal that ended it, without SIG; "" if it exited.
	Signal string `json:"signal,omitempty"`
}

// Note is for the reader of the trace, for example that the capture lost packets.
type Note struct {
	Text string `json:"text"`
	// Untrue is set if the trace is not the whole truth. A verdict must not rest on it.
	Untrue bool `json:"untrue,omitempty"`
}

// End is the last event.
type End struct {
	Reason EndReason `json:"reason"`
	// Looked is when the last look at the sockets of all hosts began; 0 in traces of earlier
	// versions.
	Looked time.Duration `json:"looked,omitempty"`
	// Hanging are the steps that had not ended, as ACTOR.STEP or ACTOR.STEP[N].
	Hanging []string `json:"hanging,omitempty"`
}

// EndReason is why a run ended.
type EndReason string

// The reasons to end a run.
const (
	// EndDone: all actors did all their steps.
	EndDone EndReason = "done"
	// EndDuration: the duration of the scenario was over, and all steps in progress were ones that
	// are expected to hang.
	EndDuration EndReason = "duration"
	// EndDeadline: the deadline of the scenario came first.
	EndDeadline EndReason = "deadline"
	// EndReleased: the lab was held for people, and its actors never began.
	EndReleased EndReason = "released"
	// EndCanceled: the caller canceled the run.
	EndCanceled EndReason = "canceled"
)

// Kind is the JSON key of the field that is set, "" if none is.
func (e *Event) Kind() string {
	switch {
	case e.Run != nil:
		return "run"
	case e.Host != nil:
		return "host"
	case e.Sysctl != nil:
		return "sysctl"
	case e.Start != nil:
		return "start"
	case e.Step != nil:
		return "step"
	case e.Signal != nil:
		return "signal"
	case e.Packet != nil:
		return "packet"
	case e.Socket != nil:
		return "socket"
	case e.Sampled != nil:
		return "sampled"
	case e.Counters != nil:
		return "counters"
	case e.Fault != nil:
		return "fault"
	case e.Process != nil:
		return "process"
	case e.Program != nil:
		return "program"
	case e.Line != nil:
		return "line"
	case e.Watched != nil:
		return "watched"
	case e.Note != nil:
		return "note"
	case e.Late != nil:
		return "late"
	case e.End != nil:
		return "end"
	case e.Tracepoints != nil:
		return "tracepoints"
	case e.Transition != nil:
		return string(Transitions)
	case e.Drop != nil:
		return string(Drops)
	case e.Retransmit != nil:
		return string(Retransmits)
	case e.Reset != nil:
		return string(Resets)
	case e.Probe != nil:
		return string(Probes)
	case e.Call != nil:
		return string(Calls)
	case e.CallsLeft != nil:
		return "calls_left"
	case e.Lost != nil:
		return "lost"
	}
	return ""
}
