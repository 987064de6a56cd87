package tracepoint

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// Kind is the kind of an event.
type Kind uint8

// The kinds of events, in the order of enum kind in bpf/record.h.
const (
	KindTransition Kind = iota
	KindDrop
	KindRetransmit
	KindReset
	KindProbe
	KindCall
	Kinds // how many there are
)

// String returns the kind as a plural: "transitions".
func (k Kind) String() string {
	if k >= Kinds {
		return fmt.Sprintf("events of kind %d", uint8(k))
	}
	return [Kinds]string{"transitions", "drops", "retransmits", "resets", "probes", "calls"}[k]
}

// Event is a [Transition], a [Drop], a [Retransmit], a [Reset] or a [Probe]; of a view that
// [OpenCalls] returned, a [Call] or [CallsLeft].
type Event interface {
	// About returns what all events have.
	About() Head
	// Kind returns the event's kind.
	Kind() Kind
	sealed()
}

// Head is what all events have.
type Head struct {
	// At is the reading of CLOCK_MONOTONIC when it happened. Events come nearly in this order.
	At time.Duration
	// Namespace is the inode of the network namespace.
	Namespace uint64
	// Socket is the socket that it happened to; see the event for which fields it has.
	Socket Socket
}

// About returns the head itself.
func (h Head) About() Head { return h }

func (Head) sealed() {}

// Socket is what is known of a socket.
type Socket struct {
	// Cookie names the socket on the whole machine, as SO_COOKIE and sock_diag do; 0 is unknown.
	Cookie uint64
	// State is its TCP state, as ss names it, or "" where there is no socket.
	State string
	// Local and Remote are its ends, at that moment: a socket that connect(2) gives a port has port
	// 0 in CLOSE -> SYN_SENT. An IPv4 address of an IPv6 socket is an IPv4 address here, as in its
	// packets.
	Local, Remote netip.AddrPort
}

// Transition is a change of a TCP socket's state. The socket's state is the new one.
type Transition struct {
	Head
	// From and To are the states, as ss names them.
	From, To string
	// FINReceived says whether the peer's FIN has come in.
	FINReceived bool
	// Err is the error that the socket will return next (SO_ERROR), or 0.
	Err syscall.Errno
}

// Drop is an IP packet that the kernel discarded. The socket is the one that was to receive it,
// where the kernel knows it (since Linux 6.11), or the one that sent it.
type Drop struct {
	Head
	// Reason is the name of an enum skb_drop_reason without SKB_DROP_REASON_: "NO_SOCKET". Two of
	// them do not prove a loss: QUEUE_PURGE is what a closed socket had received and its program
	// had not read, often only the FIN; and NOT_SPECIFIED is also how older kernels free packets
	// that they have used. The reason of a kernel module is a number: "0x20003".
	Reason string
	// Location is the kernel function that dropped it: "tcp_v4_rcv".
	Location string
	// Packet is the beginning of the packet, from the IP header on, at most 128 bytes. It is nil
	// for a packet of TCP that found no route and so never had an IP header.
	Packet []byte
}

// Retransmit is a segment that was sent again.
type Retransmit struct {
	Head
	// SYNACK is set for the SYN-ACK of a request, which is not a whole socket yet.
	SYNACK bool
	// Seq and EndSeq are the first sequence number and the one after the last, SYN and FIN
	// included.
	Seq, EndSeq uint32
	// Flags are the TCP flags, as in the segment.
	Flags uint8
	// Err says why it was not sent after all, or is 0; always 0 before Linux 6.15, which reported
	// no such retransmits.
	Err syscall.Errno
}

// Reset is an RST, sent or received. One that is received is reported where a whole socket takes it
// as valid, before the socket is closed.
type Reset struct {
	Head
	// Received says that it came from the peer.
	Received bool
	// Answers says that it was sent in answer to a segment; Local is then that segment's
	// destination, and the socket is the one that the segment met, which may be a listener, a
	// TIME_WAIT or none.
	Answers bool
	// Reason is why it was sent, the name of an enum sk_rst_reason without SK_RST_REASON_:
	// "NO_SOCKET". It is "" for one received and before Linux 6.10.
	Reason string
}

// Probe is the state of a socket's congestion control when a segment came in, before the socket
// looked at it. It is reported where something of it changed: each of the first 256 changes, and
// after them one in 8 ms.
type Probe struct {
	Head
	// Cwnd and Ssthresh are in segments. A Ssthresh of 0x7fffffff means that there is none yet.
	Cwnd, Ssthresh uint32
	// SRTT is the smoothed round-trip time.
	SRTT time.Duration
	// SendWindow is the window that the peer granted, in bytes.
	SendWindow uint32
	// InFlight is how many segments were sent and not acknowledged.
	InFlight uint32
	// Congestion is the state of congestion control: Open, Disorder, CWR, Recovery or Loss.
	Congestion string
	// LeftOut is how many changes of the socket were left out since its last probe.
	LeftOut uint32
}

// Kind returns [KindTransition].
func (Transition) Kind() Kind { return KindTransition }

// Kind returns [KindDrop].
func (Drop) Kind() Kind { return KindDrop }

// Kind returns [KindRetransmit].
func (Retransmit) Kind() Kind { return KindRetransmit }

// Kind returns [KindReset].
func (Reset) Kind() Kind { return KindReset }

// Kind returns [KindProbe].
func (Probe) Kind() Kind { return KindProbe }

// Lost counts the events of a namespace that did not fit into memory, by [Kind].
type Lost [Kinds]uint64

// Total returns how many events were lost.
func (l Lost) Total() uint64 {
	var sum uint64
	for _, n := range l {
		sum += n
	}
	return sum
}

// Gap is something that this kernel does not show.
type Gap struct {
	// Tracepoint is where it would be seen: "tcp:tcp_send_reset".
	Tracepoint string
	// Kind is the kind of events that are missing or incomplete.
	Kind Kind
	// Lacks says what is missing of them; "" means that the tracepoint is missing as a whole.
	Lacks string
	// Err says why, where it is missing as a whole.
	Err error
}

// String returns the gap as a phrase: "tcp:tcp_send_reset has no reasons (Linux 6.10 has them)".
func (g Gap) String() string {
	switch {
	case g.Lacks != "":
		return g.Tracepoint + " has no " + g.Lacks
	case g.Err != nil:
		return fmt.Sprintf("%s is missing: %v", g.Tracepoint, g.Err)
	default:
		return g.Tracepoint + " is missing"
	}
}
