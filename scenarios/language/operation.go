package language

import (
	"iter"
	"slices"
	"time"
)

// Op is the operation of a step. Exactly one field is set; [Op.Kind] names it.
type Op struct {
	Socket     *SocketOp   `json:"socket,omitempty" jsonschema_description:"socket(2): make a TCP or UDP socket."`
	Setsockopt *Setsockopt `json:"setsockopt,omitempty" jsonschema_description:"setsockopt(2): option names and values, in order."`
	Bind       *Bind       `json:"bind,omitempty" jsonschema_description:"bind(2); makes a TCP socket if no suitable one exists."`
	Listen     *Listen     `json:"listen,omitempty" jsonschema_description:"listen(2); makes and binds a TCP socket if no suitable one exists."`
	Accept     *Accept     `json:"accept,omitempty" jsonschema_description:"accept4(2) on a listening socket; makes the socket of the connection."`
	Connect    *Connect    `json:"connect,omitempty" jsonschema_description:"connect(2); makes a TCP socket if no suitable one exists."`
	Send       *Send       `json:"send,omitempty" jsonschema_description:"send(2), once; a string is the text to send."`
	Recv       *Recv       `json:"recv,omitempty" jsonschema_description:"recv(2): once, until a number of bytes have come, or to the end of the stream."`
	Sendto     *Sendto     `json:"sendto,omitempty" jsonschema_description:"sendto(2); makes a UDP socket if no suitable one exists."`
	Recvfrom   *Recvfrom   `json:"recvfrom,omitempty" jsonschema_description:"recvfrom(2): receive one datagram."`
	Segment    *Segment    `json:"segment,omitempty" jsonschema_description:"Send one packet with the header fields given here."`
	Flood      *Flood      `json:"flood,omitempty" jsonschema_description:"Send SYNs from many addresses; no socket knows of them."`
	Poll       *Poll       `json:"poll,omitempty" jsonschema_description:"poll(2) on one socket."`
	Shutdown   *Shutdown   `json:"shutdown,omitempty" jsonschema_description:"shutdown(2): read, write or both."`
	Close      *Close      `json:"close,omitempty" jsonschema_description:"close(2)."`
	Getsockopt *Getsockopt `json:"getsockopt,omitempty" jsonschema_description:"getsockopt(2) of one option, or the ioctl SIOCINQ or SIOCOUTQ; expectations judge its value."`
	TCPInfo    *TCPInfo    `json:"tcp_info,omitempty" jsonschema_description:"getsockopt(TCP_INFO); expectations judge its values."`
	Sockstat   *Sockstat   `json:"sockstat,omitempty" jsonschema_description:"Count the sockets of the actor's host; expectations judge its values."`
	Sleep      *Sleep      `json:"sleep,omitempty" jsonschema_description:"Do nothing for a duration."`
	Signal     *Signal     `json:"signal,omitempty" jsonschema_description:"Raise the event ACTOR.signal.NAME, for after, wait, from and until."`
	Wait       *Wait       `json:"wait,omitempty" jsonschema_description:"Wait for an event."`
	Exec       *Exec       `json:"exec,omitempty" jsonschema_description:"Run a program on the host and wait for it."`
	Start      *Start      `json:"start,omitempty" jsonschema_description:"Run a program on the host beside the steps."`
	Stop       *Stop       `json:"stop,omitempty" jsonschema_description:"Make a program end, and wait for its end."`
	Kill       *Kill       `json:"kill,omitempty" jsonschema_description:"Send a signal to an actor's process, or to a program."`
	Blocked    *Blocked    `json:"blocked,omitempty" jsonschema_description:"Find out which system call another actor is blocked in; expectations judge its text."`
	Sysctl     *SysctlOp   `json:"sysctl,omitempty" jsonschema_description:"Set kernel parameters of a host."`
	Limit      *Limit      `json:"limit,omitempty" jsonschema_description:"setrlimit(2): limit the open files of the actor's process."`
	Link       *LinkOp     `json:"link,omitempty" jsonschema_description:"Take a host's link down or up."`
	Repeat     *Repeat     `json:"repeat,omitempty" jsonschema_description:"Do several steps several times."`
	Parallel   *Parallel   `json:"parallel,omitempty" jsonschema_description:"Do several lists of steps at once, each on its own thread."`
}

// Kind returns the key of the operation that is set, as in YAML; "" for none.
func (o *Op) Kind() string {
	key, _ := chosen[Operation](o)
	return key
}

// Operation returns the operation that is set; nil for none.
func (o *Op) Operation() Operation {
	_, op := chosen[Operation](o)
	return op
}

// Has reports whether the outcome of the operation has that part.
func (o *Op) Has(part Outcome) bool {
	op := o.Operation()
	return op != nil && slices.Contains(op.Outcomes(), part)
}

// Nested returns the lists of steps within the operation, and how many times they are done. The
// lists run in parallel, each in order. Most operations have no lists.
func (o *Op) Nested() (lists [][]Step, n int) {
	if op, ok := o.Operation().(Nesting); ok {
		return op.Nested()
	}
	return nil, 0
}

// Operations returns all operations, in the order of the fields of [Op]: each with its key in YAML
// and no operands.
func Operations() iter.Seq2[string, Operation] { return kinds[Operation, Op]() }

// OperationNamed returns the operation with that key, without operands. It is nil for an unknown
// key, such as one in a trace that a later version wrote.
func OperationNamed(key string) Operation {
	for k, op := range Operations() {
		if k == key {
			return op
		}
	}
	return nil
}

// Operation is what a step does: the type of a field of [Op]. Everything that the language knows of
// an operation is in the file of its type, step_NAME.go. Some operations are also [Nesting],
// [Preparing], [Binding], [ByLab] or [Showing]; within this package, some name their values ([valued]) or have
// a special text ([worded]).
type Operation interface {
	// check checks the operands.
	check(v *validation, a *Actor, st *Step)
	// sockets checks that the socket exists that the operation works on, and adds the sockets that
	// it makes.
	sockets(v *validation, st *Step, made *socketsMade)
	// lasts returns how long the operation takes at most according to its operands; 0 if they do
	// not say. Nested steps do not count.
	lasts() time.Duration
	// Outcomes lists the parts of the outcome that an expectation can judge. They depend only on
	// the operation, not on its operands.
	Outcomes() []Outcome
	// Arguments returns the text between the parentheses of the call in a ladder, a few words:
	// "server:8080".
	Arguments() string
}

// Nesting is an operation that has steps within it.
type Nesting interface {
	Operation
	// Nested returns what [Op.Nested] does.
	Nested() (lists [][]Step, n int)
}

// Preparing is an operation that servers begin with. If the first steps of an actor are such
// operations, they are done before any actor starts, so that clients find the server ready.
type Preparing interface {
	Operation
	// Serves reports whether peers can reach the socket after the operation.
	Serves() bool
}

// Binding is an operation that can give a socket a port of its host.
type Binding interface {
	Operation
	// LocalPort returns the port, 0 if the operation names none.
	LocalPort() int
}

// ByLab is an operation that the lab does in place of the actor, whose process cannot do it.
type ByLab interface {
	Operation
	// AtHost returns the operation with its host set to host if it names none.
	AtHost(host string) Op
}

// Showing is an operation for which reports show a part of the outcome other than the return value
// of the system call.
type Showing interface {
	Operation
	// Shows depends on the operation only, not on its operands.
	Shows() Shown
}

// valued is an operation with [OutcomeValues]: numbers with names.
type valued interface {
	// valueNames returns a noun for the values in messages, in the singular, and their names.
	valueNames() (what string, names []string)
}

// worded is an operation whose text differs from its YAML.
type worded interface{ words() string }
