// Package callwords says in words what a program asked the kernel, and what came of it.
package callwords

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
)

// Words are the words for the calls of one trace.
type Words struct {
	hosts map[netip.Addr]string
	trace *trace.Trace
}

// New returns the words for a trace.
func New(t *trace.Trace) *Words {
	w := &Words{hosts: map[netip.Addr]string{}, trace: t}
	for host, addresses := range t.Addresses() {
		for _, a := range addresses {
			if !a.IsLoopback() && !a.IsLinkLocalUnicast() {
				w.hosts[a] = host
			}
		}
	}
	return w
}

// address names an address by its host, where it has one: "server:80".
func (w *Words) address(text string) string {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return text
	}
	if host := w.hosts[a.Addr().Unmap()]; host != "" {
		return fmt.Sprintf("%s:%d", host, a.Port())
	}
	return text
}

// Call returns a call with its arguments: "connect(server:80)", "recv(server:80, MSG_PEEK)". send
// and recv have the short names by which programs call them.
func (w *Words) Call(c *trace.Call) string {
	name := c.Name
	switch name {
	case "sendto", "recvfrom":
		if c.Address == "" || c.Proto == "tcp" {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "to"), "from")
		}
	case "accept4":
		name = "accept"
	}
	var args []string
	add := func(text string) {
		if text != "" {
			args = append(args, text)
		}
	}
	switch c.Name {
	case "socket":
		add(c.Proto)
	case "connect", "bind":
		add(w.address(c.Address))
		if c.Address == "" {
			add("no address")
		}
	case "accept", "accept4", "listen":
		add(w.address(c.Local))
		if c.Name == "listen" {
			add("backlog " + c.Value)
		}
	case "setsockopt", "getsockopt":
		add(w.address(c.Remote))
		add(c.Option)
		if c.Name == "setsockopt" {
			add(c.Value)
		}
	case "poll", "ppoll":
		add(c.Value)
	case "select", "pselect6":
		add(fileCount(c))
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
	default:
		peer := c.Remote
		if peer == "" || c.Proto == "udp" && c.Address != "" {
			peer = c.Address
		}
		add(w.address(peer))
		if c.Name == "shutdown" {
			add(c.Value)
		}
		add(strings.Join(slices.DeleteFunc(strings.Split(c.Flags, "|"),
			func(flag string) bool { return flag == "MSG_NOSIGNAL" }), "|"))
	}
	if c.Proto == "udp" && c.Name != "socket" {
		add("udp")
	}
	if c.Timeout != nil {
		add("timeout " + say.Duration(*c.Timeout))
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// Outcome says what came of an attempt: "= ECONNREFUSED after 1.003s".
func (w *Words) Outcome(a *trace.Attempt) string {
	c := w.trace.Events[a.Call].Call
	took := a.Ended - c.Began
	after := ""
	if took >= time.Millisecond {
		after = " after " + say.Duration(took)
	}
	first := ""
	if a.Waited() {
		first = c.Errno + ", "
	}
	switch {
	case a.Unfinished && first == "":
		return "has not returned" + after
	case a.Unfinished:
		return "= " + first + "and nothing more" + after
	case a.Abandoned:
		return "= " + first + "closed" + after
	case first != "":
		return "= " + first + "then " + w.result(c, a) + after
	}
	return "= " + w.result(c, a) + after
}

func (w *Words) result(c *trace.Call, a *trace.Attempt) string {
	switch {
	case a.Errno != "":
		return a.Errno
	case IsTransfer(c.Name):
		if a.Result == 0 && IsReceive(c.Name) && c.Proto == "tcp" && (c.Size == nil || *c.Size > 0) {
			return "0, the end"
		}
		if c.Name == "sendmmsg" || c.Name == "recvmmsg" {
			return say.Count(a.Result, "message")
		}
		return say.Count(a.Result, "byte")
	case c.Name == "accept" || c.Name == "accept4":
		if a.Then >= 0 {
			c = w.trace.Events[a.Then].Call
		}
		return w.address(c.Remote)
	case c.Name == "connect" && a.Then >= 0:
		return "connected"
	case Waits(c.Name) && a.Result == 0:
		return "0, timed out"
	case c.Name == "getsockopt":
		return c.Value
	}
	return fmt.Sprint(a.Result)
}

// fileCount says how many files a call waits for.
func fileCount(c *trace.Call) string {
	if c.Size == nil {
		return ""
	}
	return say.Count(*c.Size, "file")
}

// Waits reports whether a call waits for several files.
func Waits(name string) bool {
	return slices.Contains([]string{
		"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	}, name)
}

// IsReceive reports whether a call takes data from a socket.
func IsReceive(name string) bool {
	return slices.Contains([]string{"recvfrom", "recvmsg", "read", "readv"}, name)
}

// IsTransfer reports whether a call moves data.
func IsTransfer(name string) bool {
	return IsReceive(name) || slices.Contains([]string{
		"sendto", "sendmsg", "write", "writev", "sendfile", "sendmmsg", "recvmmsg",
	}, name)
}
