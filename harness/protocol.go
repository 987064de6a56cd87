package harness

import (
	"errors"
	"time"

	"halfopen/harness/internal/actor"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// order is an order to the lab, one value on its control pipe (see package codec). Exactly one field
// is set, apart from Files. The end of the pipe cancels the run, or lets the lab go after its end.
type order struct {
	// Job is the first order.
	Job *job `json:"job,omitempty"`
	// Watched answers [message.Namespaces]: it says whether tracepoints show, from now on, what
	// happens there.
	Watched *trace.Tracepoints `json:"watched,omitempty"`
	// Reached is the transition of a socket to a state that an event waits for.
	Reached *trace.Event `json:"reached,omitempty"`
	// Visit is the request of a client, by hand: a [hand.Request] as JSON. Files is how many files come
	// with it: the connection to the client, and the streams of the request.
	Visit []byte `json:"visit,omitempty"`
	Files int    `json:"files,omitempty"`
	// Release ends the hold.
	Release bool `json:"release,omitempty"`
}

// job says what to run.
type job struct {
	Scenario *language.Scenario `json:"scenario"`
	// Source is the scenario for the trace, as JSON. The parent makes it, because encoding/json first
	// looks at all the types of a scenario, once in each process.
	Source []byte      `json:"source"`
	Clock  trace.Clock `json:"clock"`
	Seed   uint64      `json:"seed"`
	// Dir is the scenario's, see [language.Scenario.Dir]. Writable is [Options.Writable].
	Dir      string   `json:"dir,omitempty"`
	Writable []string `json:"writable,omitempty"`
	// Logs is set if the descriptor logsFD is the folder of [Options.Logs].
	Logs bool `json:"logs,omitempty"`
	Hold Hold `json:"hold,omitempty"`
	// Off is [Options.Off].
	Off []string `json:"off,omitempty"`
	// Keep is set if the lab answers requests also after the run, until it is let go.
	Keep bool `json:"keep,omitempty"`
}

// message is an answer of the lab, one value on its event pipe. Exactly one field is set.
type message struct {
	Event *trace.Event `json:"event,omitempty"`
	// Packets are events that are packets: there may be very many.
	Packets *trace.Packets `json:"packets,omitempty"`
	// Calls are calls of programs that strace has seen.
	Calls *hostCalls `json:"calls,omitempty"`
	// Namespaces are those of all hosts, the wire included. The lab waits for [order.Watched].
	Namespaces []namespace `json:"namespaces,omitempty"`
	// Doing is the piece of work that the lab begins, such as "building the network". If the lab does
	// not end in time, the parent says what it was doing.
	Doing string `json:"doing,omitempty"`
	// Held says that the lab is held from now on, until [order.Release].
	Held bool `json:"held,omitempty"`
	// Resumed says when a lab that was held during its run was released: from then on, its actors have the
	// time of the deadline.
	Resumed time.Duration `json:"resumed,omitempty"`
	// Ending says that the run is over and its last events follow.
	Ending bool `json:"ending,omitempty"`
	// Failure ends the run without a verdict.
	Failure *failure `json:"failure,omitempty"`
}

// namespace is the network namespace of a host.
type namespace struct {
	Host  string `json:"host"`
	Inode uint64 `json:"inode"`
}

// failure is an error in the form that passes through the pipe.
type failure struct {
	Text string `json:"text"`
	// Death says that a process of the lab has died. What it said last is on the lab's standard error.
	Death   bool                 `json:"death,omitempty"`
	Missing *inject.MissingError `json:"missing,omitempty"`
	Refused *inject.RefusedError `json:"refused,omitempty"`
}

func newFailure(err error) *failure {
	f := &failure{Text: err.Error(), Death: errors.Is(err, errDied)}
	errors.As(err, &f.Missing)
	errors.As(err, &f.Refused)
	return f
}

func (f *failure) error() error {
	switch {
	case f.Missing != nil:
		return f.Missing
	case f.Refused != nil:
		return f.Refused
	case f.Death:
		return &deathError{f.Text}
	}
	return errors.New(f.Text)
}

// errDied is an error for the death of a process of the lab.
var errDied = errors.New("it died")

// deathError says which process of the lab died.
type deathError struct{ text string }

func (e *deathError) Error() string { return e.text }

func (e *deathError) Is(target error) bool { return target == errDied }

// hostCalls are calls that strace has seen of the programs of a host.
type hostCalls struct {
	Host string `json:"host"`
	actor.Calls
}
