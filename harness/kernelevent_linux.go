package harness

import (
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
)

// traceEvent returns an event of a tracepoint as one of a trace.
func traceEvent(host string, clock trace.Clock, e tracepoint.Event) trace.Event {
	head := e.About()
	socket := trace.TCPSocket{
		Host: host, Cookie: head.Socket.Cookie, State: head.Socket.State,
		Local: address(head.Socket.Local), Remote: address(head.Socket.Remote),
	}
	event := trace.Event{T: clock.At(head.At)}
	switch e := e.(type) {
	case tracepoint.Transition:
		event.Transition = &trace.Transition{
			TCPSocket: socket, From: e.From, FINReceived: e.FINReceived, Errno: errnoName(e.Err),
		}
	case tracepoint.Drop:
		event.Drop = &trace.Drop{
			TCPSocket: socket, Reason: e.Reason, Location: e.Location, Packet: e.Packet,
		}
	case tracepoint.Retransmit:
		event.Retransmit = &trace.Retransmit{
			TCPSocket: socket, SYNACK: e.SYNACK, Seq: e.Seq, EndSeq: e.EndSeq, Flags: e.Flags,
			Errno: errnoName(e.Err),
		}
	case tracepoint.Reset:
		event.Reset = &trace.Reset{
			TCPSocket: socket, Received: e.Received, Answers: e.Answers, Reason: e.Reason,
		}
	case tracepoint.Probe:
		event.Probe = &trace.Probe{
			TCPSocket: socket, Cwnd: e.Cwnd, Ssthresh: e.Ssthresh, SRTT: e.SRTT,
			SendWindow: e.SendWindow, InFlight: e.InFlight, Congestion: e.Congestion,
			LeftOut: e.LeftOut,
		}
	}
	return event
}

// address returns an end of a socket as in [trace.Socket]; "" is unknown.
func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// errnoName returns the name of an errno, its number if it has none, and "" for none.
func errnoName(errno syscall.Errno) string {
	if errno == 0 {
		return ""
	}
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return strconv.Itoa(int(errno))
}
