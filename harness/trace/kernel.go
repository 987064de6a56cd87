package trace

import (
	"slices"
	"time"
)

// Tracepoints says whether the kernel's tracepoints were watched. It is written before the actors
// begin, once for the lab. A trace without it was recorded by an earlier version, which watched
// none.
type Tracepoints struct {
	// Off says why none were watched: "CAP_BPF and CAP_PERFMON are missing". "" means that they
	// were.
	Off string `json:"off,omitempty"`
	// Remedy is how to have them, if they are off and there is a way.
	Remedy string `json:"remedy,omitempty"`
	// Gaps is what the kernel does not show.
	Gaps []Gap `json:"gaps,omitempty"`
	// Strace is set if strace(1) shows the calls of programs instead.
	Strace bool `json:"strace,omitempty"`
	// DropReasons are the reasons that a [Drop] can have on the kernel, sorted. They are written
	// only if an expectation asks for drops.
	DropReasons []string `json:"drop_reasons,omitempty"`
}

// ShowCalls reports whether the calls of programs were watched, by tracepoints or by strace.
func (t *Tracepoints) ShowCalls() bool { return t.Strace || t.Show(Calls) }

// Show reports whether events of a kind were watched on a kernel that shows them in full.
func (t *Tracepoints) Show(kind KernelEvent) bool {
	return t.Off == "" && !slices.ContainsFunc(t.Gaps, func(g Gap) bool {
		return g.Events == kind && !g.Partial
	})
}

// LeftAlone is why tracepoints were not watched if the options say not to.
const LeftAlone = "--no-tracepoints"

// Gap is something that a kernel does not show.
type Gap struct {
	// Events is the kind of events that are missing or incomplete, as [Lost] names it.
	Events KernelEvent `json:"events"`
	// Text says what is missing: "tcp:tcp_send_reset has no reasons (Linux 6.10 has them)".
	Text string `json:"text"`
	// Partial is set if the events are there, but without a part that Text names.
	Partial bool `json:"partial,omitempty"`
}

// KernelEvent is a kind of event that comes from the kernel's tracepoints: the JSON key of the
// event.
type KernelEvent string

// The kinds of events of tracepoints.
const (
	Transitions KernelEvent = "transition"
	Drops       KernelEvent = "drop"
	Retransmits KernelEvent = "retransmit"
	Resets      KernelEvent = "reset"
	Probes      KernelEvent = "probe"
	Calls       KernelEvent = "call"
)

// Lost says that events of a host's tracepoints are missing. It is written at the end of the run.
type Lost struct {
	Host   string      `json:"host"`
	Events KernelEvent `json:"events"`
	N      uint64      `json:"n"`
	// Kernel is how many of them the kernel may have lost: its memory for them was full, or it was
	// reporting another one on that processor. The latter it counts for the whole machine, so they may
	// be events of other labs. The others are more than a trace keeps.
	Kernel uint64 `json:"kernel,omitempty"`
}

// TCPSocket names the socket of an event of a tracepoint.
type TCPSocket struct {
	Host string `json:"host"`
	// Cookie is the socket's number in the whole machine, as in [Socket]; 0 is unknown.
	Cookie uint64 `json:"cookie,omitempty"`
	// State is its TCP state as ss names it, or "" where there is no socket.
	State string `json:"state,omitempty"`
	// Local and Remote are its addresses at that moment, as in [Socket]; "" is unknown. A socket to
	// which connect(2) gives a port has port 0 in CLOSE > SYN_SENT.
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
}

// Transition is a change of the state of a TCP socket, whose State is the new one. Requests
// (SYN_RECV at a listener) and TIME_WAIT are not whole sockets for the kernel, and have none: the
// socket of a connection appears with LISTEN > SYN_RECV when the handshake ends, and goes to CLOSE
// when a TIME_WAIT takes its place.
type Transition struct {
	TCPSocket
	From string `json:"from"`
	// FINReceived says whether the peer's FIN has come in.
	FINReceived bool `json:"fin_received,omitempty"`
	// Errno is the error that the socket will return next (SO_ERROR), by name; "" for none.
	Errno string `json:"errno,omitempty"`
}

// Drop is an IP packet that the kernel discarded. The socket is the one that was to receive it,
// where the kernel knows it (since Linux 6.11), or the one that sent it.
type Drop struct {
	TCPSocket
	// Reason is the name of an enum skb_drop_reason without SKB_DROP_REASON_: "NO_SOCKET".
	// QUEUE_PURGE and some others do not prove a loss: see [Drop.Loss].
	Reason string `json:"reason"`
	// Location is the kernel function that dropped it: "tcp_v4_rcv".
	Location string `json:"location,omitempty"`
	// Packet is the beginning of the packet, from its IP header on, at most 128 bytes. It is empty
	// for a packet of TCP that found no route and so never had an IP header.
	Packet []byte `json:"packet,omitempty"`
}

// Loss reports whether the drop proves that a packet was lost. QUEUE_PURGE is what a closed socket
// had received and its program had not read, often only the FIN. NOT_SPECIFIED is also how older
// kernels free packets that they have used. PACKET_SOCK_ERROR is a capture that did not keep up:
// the packet itself went on.
func (d *Drop) Loss() bool {
	return d.Reason != "QUEUE_PURGE" && d.Reason != "NOT_SPECIFIED" && d.Reason != "PACKET_SOCK_ERROR"
}

// Full reports whether the packet was dropped for want of room in the machine's table of neighbours: it
// has net.ipv4.neigh.default.gc_thresh3 entries (net.ipv6 in its place for IPv6) for all namespaces
// together, those of other labs included (neigh_alloc in net/core/neighbour.c).
func (d *Drop) Full() bool { return d.Reason == "NEIGH_CREATEFAIL" }

// Retransmit is a segment that the kernel sent again.
type Retransmit struct {
	TCPSocket
	// SYNACK is set for the SYN-ACK of a request, which is not a whole socket yet.
	SYNACK bool `json:"syn_ack,omitempty"`
	// Seq and EndSeq are the first sequence number and the one after the last, SYN and FIN
	// included.
	Seq    uint32 `json:"seq"`
	EndSeq uint32 `json:"end_seq"`
	// Flags are the TCP flags, as in the segment.
	Flags uint8 `json:"flags"`
	// Errno says why it was not sent after all, "" if it was; always "" before Linux 6.15.
	Errno string `json:"errno,omitempty"`
}

// Reset is an RST that the kernel sent, or received and took as valid.
type Reset struct {
	TCPSocket
	// Received says that it came from the peer.
	Received bool `json:"received,omitempty"`
	// Answers says that it was sent in answer to a segment. The socket is the one that the segment
	// met, which may be a listener, a TIME_WAIT or none.
	Answers bool `json:"answers,omitempty"`
	// Reason is why it was sent, the name of an enum sk_rst_reason without SK_RST_REASON_:
	// "NO_SOCKET". It is "" for one received and before Linux 6.10.
	Reason string `json:"reason,omitempty"`
}

// Probe is the state of a socket's congestion control when a segment came in, before the socket
// looked at it. It is reported where something of it changed: each of the first 256 changes, and
// after them one in 8 ms.
type Probe struct {
	TCPSocket
	// Cwnd and Ssthresh are in segments. A Ssthresh of 0x7fffffff means that there is none yet.
	Cwnd     uint32 `json:"cwnd"`
	Ssthresh uint32 `json:"ssthresh"`
	// SRTT is the smoothed round-trip time.
	SRTT time.Duration `json:"srtt"`
	// SendWindow is the window that the peer granted, in bytes.
	SendWindow uint32 `json:"send_window"`
	// InFlight is how many segments were sent and not acknowledged.
	InFlight uint32 `json:"in_flight"`
	// Congestion is the state of congestion control: Open, Disorder, CWR, Recovery or Loss.
	Congestion string `json:"congestion"`
	// LeftOut is how many changes of the socket were left out since its last probe.
	LeftOut uint32 `json:"left_out,omitempty"`
}
