package harness

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
)

// callEvent returns a call as an event of a trace, without its time.
func callEvent(host string, p *trace.Program, clock trace.Clock, e *tracepoint.Call) trace.Event {
	c := &trace.Call{
		Host: host, Actor: p.Actor, Step: p.Step, N: p.N, PID: e.PID, TID: e.TID, Name: e.Name,
		Began: clock.At(e.Began), Unfinished: e.Unfinished, Result: e.Result, Errno: errnoName(e.Err),
		Cookie: e.Socket.Cookie, Proto: protocolName(e.Type, e.Protocol),
		Local: bound(e.Socket.Local), Remote: bound(e.Socket.Remote), Address: address(e.Address),
	}
	if e.FD >= 0 {
		c.FD = &e.FD
	}
	if e.Size >= 0 {
		c.Size = &e.Size
	}
	switch e.Name {
	case "setsockopt", "getsockopt":
		c.Option, c.Value = actor.ReadOption(e.Level, e.Option, e.Value)
	case "shutdown":
		if e.Flags >= 0 && e.Flags < len(shutdownNames) {
			c.Value = shutdownNames[e.Flags]
		}
	case "listen":
		c.Value = strconv.Itoa(e.Flags)
	case "poll", "ppoll":
		c.Value = polledText(e)
		fallthrough
	case "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2":
		if e.Timeout >= 0 {
			c.Timeout = &e.Timeout
		}
	default:
		c.Flags = bits(e.Flags, messageFlags)
	}
	return trace.Event{Call: c}
}

// shutdownNames are what shutdown shuts down, by its number (SHUT_RD and so on).
var shutdownNames = [...]string{"read", "write", "both"}

// bound returns an end of a socket that has one.
func bound(a netip.AddrPort) string {
	if a.Port() == 0 {
		return ""
	}
	return address(a)
}

// protocolName returns the protocol of a socket by the numbers that socket(2) has.
func protocolName(kind, protocol int) string {
	switch {
	case protocol == unix.IPPROTO_TCP || kind == unix.SOCK_STREAM && protocol == 0:
		return "tcp"
	case protocol == unix.IPPROTO_UDP || kind == unix.SOCK_DGRAM && protocol == 0:
		return "udp"
	case protocol == unix.IPPROTO_ICMP || protocol == unix.IPPROTO_ICMPV6:
		return "icmp"
	case kind == 0:
		return ""
	}
	return strconv.Itoa(protocol)
}

// bitName is a flag of a call, or an event of poll.
type bitName struct {
	bit  int
	name string
}

// messageFlags are the flags of send and recv.
var messageFlags = []bitName{
	{unix.MSG_OOB, "MSG_OOB"},
	{unix.MSG_PEEK, "MSG_PEEK"},
	{unix.MSG_DONTROUTE, "MSG_DONTROUTE"},
	{unix.MSG_TRUNC, "MSG_TRUNC"},
	{unix.MSG_DONTWAIT, "MSG_DONTWAIT"},
	{unix.MSG_EOR, "MSG_EOR"},
	{unix.MSG_WAITALL, "MSG_WAITALL"},
	{unix.MSG_CONFIRM, "MSG_CONFIRM"},
	{unix.MSG_ERRQUEUE, "MSG_ERRQUEUE"},
	{unix.MSG_NOSIGNAL, "MSG_NOSIGNAL"},
	{unix.MSG_MORE, "MSG_MORE"},
	{unix.MSG_WAITFORONE, "MSG_WAITFORONE"},
	{unix.MSG_ZEROCOPY, "MSG_ZEROCOPY"},
	{unix.MSG_FASTOPEN, "MSG_FASTOPEN"},
	{unix.MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"},
}

// pollEvents are the events of poll.
var pollEvents = []bitName{
	{unix.POLLIN, "POLLIN"},
	{unix.POLLPRI, "POLLPRI"},
	{unix.POLLOUT, "POLLOUT"},
	{unix.POLLERR, "POLLERR"},
	{unix.POLLHUP, "POLLHUP"},
	{unix.POLLNVAL, "POLLNVAL"},
	{0x40, "POLLRDNORM"},
	{0x80, "POLLRDBAND"},
	{0x100, "POLLWRNORM"},
	{0x200, "POLLWRBAND"},
	{unix.POLLRDHUP, "POLLRDHUP"},
}

// bits returns the names of the bits that are set, as C has them: "MSG_PEEK|0x800".
func bits(n int, names []bitName) string {
	var all []string
	for _, b := range names {
		if n&b.bit != 0 {
			all = append(all, b.name)
			n &^= b.bit
		}
	}
	if n != 0 {
		all = append(all, fmt.Sprintf("%#x", uint32(n)))
	}
	return strings.Join(all, "|")
}

// polledText returns the files of a poll, with the events waited for, and once it has returned those
// that came: "5 POLLIN, 6 POLLOUT = POLLOUT|POLLHUP".
func polledText(e *tracepoint.Call) string {
	var all []string
	for _, p := range e.Polled {
		text := fmt.Sprint(p.FD)
		if p.Events != 0 {
			text += " " + bits(int(p.Events), pollEvents)
		}
		if p.Revents != 0 && !e.Unfinished {
			text += " = " + bits(int(p.Revents), pollEvents)
		}
		all = append(all, text)
	}
	if int64(len(all)) < e.Size {
		all = append(all, "...")
	}
	return strings.Join(all, ", ")
}
