// Package proof says which states the TCP sockets of a run went through, from everything that its
// trace shows. It is pure.
//
// Samples of sock_diag miss whatever lasts less than the gap between two of them. There are two
// more sources. The kernel's tracepoints ([trace.Transition]) give each change of a whole socket
// exactly; where a host was watched by them, [Sockets] relies on them, and takes from packets only
// what they hide: requests (SYN_RECV at a listener) and TIME_WAIT. Where it was not watched,
// packets, steps and samples must do: a socket goes through TCP's state machine (RFC 9293, section
// 3.3.2; net/ipv4/tcp_input.c), and what its host sent and received and what its system calls
// returned leave it few ways, mostly one. [Socket.Paths] has every way that is left. What holds for
// all of them is proven.
package proof

import (
	"cmp"
	"math"
	"slices"
	"time"

	"halfopen/harness/trace"
)

// Source says what shows that a socket was in a state.
type Source uint8

// The sources, the most exact first.
const (
	// ByKernel: a tracepoint.
	ByKernel Source = iota
	// ByPacket: a packet that only a socket in this state sends, or that brought it there.
	ByPacket
	// ByStep: what a system call returned.
	ByStep
	// BySample: a look at the host's sockets. The state may have begun before it.
	BySample
)

// Unknown is the state of a phase in which a socket may have been in any state: the evidence of it
// contradicts itself, as when a program's raw socket takes part in its connection.
const Unknown = ""

// Phase is the time that a socket spent in one state. It lasts until the next phase of its path, or
// until the run ends.
type Phase struct {
	// State is as ss names it, with SYN_RECV for a request too; CLOSED for a socket that is gone;
	// or [Unknown].
	State string
	// From is when the phase had begun; Earliest is when it may have begun.
	Earliest, From time.Duration
	Source         Source
	// Event is the index of the event that shows it, or -1.
	Event int
	// unsure is true if it may have begun at any time while the socket may still have been in the
	// phase before.
	unsure bool
	// byACK is true if only an ACK that came in may have begun it: at its time, or with a later one.
	byACK bool
}

// Socket is the life of one TCP socket, from its first state to CLOSED or the end of the run. A
// descriptor that is connected again after its connection ended is a new Socket.
type Socket struct {
	Host string
	// Local and Remote are its addresses, as in [trace.Socket].
	Local, Remote string
	// Cookie is its number, 0 if nothing shows it.
	Cookie uint64
	// Paths are the ways through the states that the evidence allows: at least one. An empty one
	// says that the socket may not have existed at all. No phase follows one of the same state.
	Paths [][]Phase
	// Samples are the indexes of its [trace.Socket] events, in order.
	Samples []int
}

// First returns when the socket may first have existed.
func (s *Socket) First() time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, path := range s.Paths {
		if len(path) > 0 {
			first = min(first, path[0].Earliest)
		}
	}
	return first
}

// Listener reports whether the socket was a listener from its beginning.
func (s *Socket) Listener() bool {
	for _, path := range s.Paths {
		if len(path) > 0 {
			return path[0].State == listen
		}
	}
	return false
}

// The states of TCP as ss names them.
const (
	listen      = "LISTEN"
	synSent     = "SYN_SENT"
	synRecv     = "SYN_RECV"
	established = "ESTABLISHED"
	finWait1    = "FIN_WAIT1"
	finWait2    = "FIN_WAIT2"
	closing     = "CLOSING"
	timeWait    = "TIME_WAIT"
	closeWait   = "CLOSE_WAIT"
	lastAck     = "LAST_ACK"
	closeState  = "CLOSE"
	closed      = "CLOSED"
)

// Sockets returns the TCP sockets of a run, in the order in which they may first have existed. The
// trace must be sorted.
func Sockets(t *trace.Trace, scene Scene) []*Socket {
	c := collect(t, scene)
	var all []*Socket
	for _, h := range c.hosts {
		all = append(all, h.sockets()...)
	}
	slices.SortStableFunc(all, func(a, b *Socket) int { return cmp.Compare(a.First(), b.First()) })
	return all
}
