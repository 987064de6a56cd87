package language

import "strings"

// Expectation is one entry of a scenario's expect list: exactly one of its kinds, told apart by its first key.
type Expectation struct {
	Step     *StepExpectation     `json:"step,omitempty"`
	Process  *ProcessExpectation  `json:"process,omitempty"`
	Packets  *PacketsExpectation  `json:"packets,omitempty"`
	Counters *CountersExpectation `json:"counters,omitempty"`
	Fault    *FaultExpectation    `json:"fault,omitempty"`
	Reaches  *ReachesExpectation  `json:"reaches,omitempty"`
	Holds    *HoldsExpectation    `json:"holds,omitempty"`
	Never    *NeverExpectation    `json:"never,omitempty"`
	Path     *PathExpectation     `json:"path,omitempty"`
	Sockets  *SocketsExpectation  `json:"sockets,omitempty"`

	// Only and Where may stand in every kind.
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Where *Where `json:"where,omitempty" jsonschema_description:"Only on kernels of which this holds; elsewhere the expectation is skipped, and says so."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

// Kind names the expectation's kind, as written in YAML; "" for none.
func (e *Expectation) Kind() string { return oneOfKind(e) }

// Where restricts an expectation to kernels that have, or lack, a sysctl. It is probed in the lab.
type Where struct {
	Sysctl   string `json:"sysctl,omitempty" jsonschema_description:"The kernel has this sysctl."`
	NoSysctl string `json:"no-sysctl,omitempty" jsonschema_description:"The kernel does not have this sysctl."`
}

// String says on which kernels the expectation holds.
func (w *Where) String() string {
	if w.NoSysctl != "" {
		return "where the kernel has no " + w.NoSysctl
	}
	return "where the kernel has " + w.Sysctl
}

// StepExpectation judges the outcome of a step; of all its executions where it was done several times and the reference
// does not pick one (client.connect[3]).
type StepExpectation struct {
	Step   StepRef   `json:"step" jsonschema_description:"ACTOR.STEP or ACTOR.STEP[N]."`
	Error  string    `json:"error,omitempty" jsonschema_description:"Name of the errno, or none. Default: none, unless other keys allow an error."`
	Took   *Span     `json:"took,omitempty" jsonschema_description:"Duration of the step."`
	At     *Span     `json:"at,omitempty" jsonschema_description:"When it ended, counted from since."`
	Since  EventRef  `json:"since,omitempty" jsonschema_description:"For at. Default: the start of the actors."`
	Result *Count    `json:"result,omitempty" jsonschema_description:"Return value of the system call."`
	Bytes  *Count    `json:"bytes,omitempty" jsonschema_description:"Number of bytes moved by the whole step."`
	Value  *Text     `json:"value,omitempty" jsonschema_description:"getsockopt's value, poll's events."`
	Values []InfoVal `json:"values,omitempty" jsonschema_description:"Of tcp_info: its fields, as in struct tcp_info without tcpi_. Of sockstat: its counts."`
	Text   *Text     `json:"text,omitempty" jsonschema_description:"The bytes received, as text; of blocked, the names of system calls, with blanks between."`
	SHA256 *Text     `json:"sha256,omitempty" jsonschema_description:"SHA-256 of the bytes received, all of them, in hex."`
	Peer   string    `json:"peer,omitempty" jsonschema_description:"Where recvfrom's datagram or accept's connection came from: HOST, HOST.N or HOST:PORT."`
	Count  *Count    `json:"count,omitempty" jsonschema_description:"How many times the step ended with these properties. Default: every time."`
	Hangs  bool      `json:"hangs,omitempty" jsonschema_description:"The step had not ended when the run did."`
}

// InfoVal is an expected field of tcp_info, or count of sockstat.
type InfoVal struct {
	Name string `yaml:",name" json:"name"`
	Is   Count  `yaml:",value" json:"is"`
}

// ProcessExpectation judges an exec step, or the process of an actor.
type ProcessExpectation struct {
	Process string `json:"process" jsonschema_description:"ACTOR.STEP of an exec step, or ACTOR."`
	Exit    *Count `json:"exit,omitempty" jsonschema_description:"Exit status."`
	Signal  string `json:"signal,omitempty" jsonschema_description:"Signal that ended it: KILL, TERM, ..."`
	Stdout  *Text  `json:"stdout,omitempty" jsonschema_description:"Standard output."`
	Stderr  *Text  `json:"stderr,omitempty" jsonschema_description:"Standard error."`
	Took    *Span  `json:"took,omitempty" jsonschema_description:"Duration."`
}

// PacketsExpectation judges the packets that one host's end of a link saw.
type PacketsExpectation struct {
	Packets  Selector   `json:"packets" jsonschema_description:"Which packets."`
	SeenBy   string     `json:"seen-by,omitempty" jsonschema_description:"The host at whose end of the link they are counted, in both directions. Default: that of packets.from, else of packets.to, else every packet once, where it is sent."`
	Count    *Count     `json:"count,omitempty" jsonschema_description:"How many."`
	None     bool       `json:"none,omitempty" jsonschema_description:"There are none; the same as count: 0."`
	Gaps     []Span     `json:"gaps,omitempty" jsonschema_description:"Times between one and the next, as many as there are; with count the list may be longer."`
	At       []Span     `json:"at,omitempty" jsonschema_description:"When each was seen, counted from since."`
	Since    EventRef   `json:"since,omitempty" jsonschema_description:"For at, and for which packets count: those before are left out. Default: the first of them."`
	Until    EventRef   `json:"until,omitempty" jsonschema_description:"Packets after this event are left out."`
	Sequence []Selector `json:"sequence,omitempty" jsonschema_description:"Each packet in turn is one of these; no other comes between, before or after."`
}

// CountersExpectation judges how much kernel counters rose during the run.
type CountersExpectation struct {
	Counters []CounterVal `json:"counters" jsonschema_description:"HOST.GROUP.NAME: how much it rose. Groups: Tcp, TcpExt, Ip, IpExt, Icmp, Udp, Ip6, Icmp6, Udp6. With + between several: how much they rose together."`
}

// CounterVal is an expected rise of a counter, or of several together.
type CounterVal struct {
	// Name is HOST.GROUP.NAME, such as client.TcpExt.TCPTimeouts, or several of these with + between.
	Name string `yaml:",name" json:"name"`
	Is   Count  `yaml:",value" json:"is"`
	Pos  Pos    `json:"pos,omitzero"`
}

// Terms returns the counters of a sum, each HOST.GROUP.NAME; of a single counter, that one.
func (c *CounterVal) Terms() []string {
	terms := strings.Split(c.Name, "+")
	for i := range terms {
		terms[i] = strings.TrimSpace(terms[i])
	}
	return terms
}

// FaultExpectation judges how often a fault struck.
type FaultExpectation struct {
	Fault string `json:"fault" jsonschema_description:"The fault."`
	Hits  Count  `json:"hits" jsonschema_description:"Number of packets it struck."`
}

// SocketSelector says which sockets of a host.
type SocketSelector struct {
	Host   string `json:"host" jsonschema_description:"The host."`
	Local  int    `json:"local,omitempty" jsonschema_description:"Local port."`
	Remote int    `json:"remote,omitempty" jsonschema_description:"Remote port."`
	State  States `json:"state,omitempty" jsonschema_description:"TCP state, or a list: ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING."`
}

// ReachesExpectation wants some socket to be seen in a state.
type ReachesExpectation struct {
	Reaches SocketSelector `json:"reaches" jsonschema_description:"Some such socket is seen."`
	At      *Span          `json:"at,omitempty" jsonschema_description:"When the first is first seen, counted from since."`
	Since   EventRef       `json:"since,omitempty" jsonschema_description:"Default: the start of the actors."`
	RecvQ   *Count         `json:"recv-q,omitempty" jsonschema_description:"With this receive queue; of a listener: connections that wait for accept."`
	SendQ   *Count         `json:"send-q,omitempty" jsonschema_description:"With this send queue; of a listener: its backlog."`
	Timer   string         `json:"timer,omitempty" jsonschema:"enum=off,enum=on,enum=keepalive,enum=timewait,enum=persist" jsonschema_description:"With this timer, named as ss does."`
	Retrans *Count         `json:"retrans,omitempty" jsonschema_description:"With this many unanswered retransmissions or probes."`
}

// HoldsExpectation wants a socket to stay in a state.
type HoldsExpectation struct {
	Holds SocketSelector `json:"holds" jsonschema_description:"Some such socket is seen, and stays so."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on. Default: from when it is first seen."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event."`
	For   *Span          `json:"for,omitempty" jsonschema_description:"How long it stays in that state in all. Default: until the run ends."`
}

// NeverExpectation wants no socket to be seen in a state.
type NeverExpectation struct {
	Never SocketSelector `json:"never" jsonschema_description:"No such socket is ever seen."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event."`
}

// PathExpectation wants a socket to go through just these states.
type PathExpectation struct {
	Path   SocketSelector `json:"path" jsonschema_description:"The socket; exactly one must fit. It is told by its addresses and ports."`
	States []State        `json:"states" jsonschema_description:"The states it is seen in, in order, none missing and none more. CLOSED stands for: gone."`
}

// SocketsExpectation wants a number of sockets at one moment.
type SocketsExpectation struct {
	Sockets SocketSelector `json:"sockets" jsonschema_description:"Which sockets."`
	Count   *Count         `json:"count,omitempty" jsonschema_description:"How many there are at the moment named by when."`
	When    EventRef       `json:"when,omitempty" jsonschema_description:"The moment. Default: the end of the run."`
	Peak    *Count         `json:"peak,omitempty" jsonschema_description:"The most there ever are at once."`
}

// State is a TCP state as ss and netstat name it.
type State string

// The TCP states of the kernel (include/net/tcp_states.h), with NEW_SYN_RECV shown as SYN_RECV, and Closed for a socket
// that is no longer there.
const (
	Established State = "ESTABLISHED"
	SynSent     State = "SYN_SENT"
	SynRecv     State = "SYN_RECV"
	FinWait1    State = "FIN_WAIT1"
	FinWait2    State = "FIN_WAIT2"
	TimeWait    State = "TIME_WAIT"
	Unbound     State = "CLOSE"
	CloseWait   State = "CLOSE_WAIT"
	LastAck     State = "LAST_ACK"
	Listening   State = "LISTEN"
	Closing     State = "CLOSING"
	Closed      State = "CLOSED"
)

// Words returns the TCP states.
func (State) Words() []string {
	return texts(Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, Unbound, CloseWait, LastAck, Listening, Closing, Closed)
}
