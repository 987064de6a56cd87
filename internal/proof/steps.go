package proof

import (
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
)

// steps learns from a step whose socket a connection is, and what its system call returned.
func (c *collection) steps(i int) {
	e := &c.t.Events[i]
	switch {
	case e.Process != nil:
		// The kernel closed all sockets of the actor, at some time before its end was noticed.
		h := c.named[c.scene.Host(e.Process.Actor)]
		if h == nil {
			return
		}
		for _, conn := range h.order {
			if conn.owner == e.Process.Actor {
				conn.closings = append(conn.closings,
					ending{window: window{c.killed(i), e.T}, sure: true})
			}
		}
	case e.Step != nil:
		c.step(i, e)
	}
}

// killed returns when the actor whose end event i reports was killed, at the earliest.
func (c *collection) killed(i int) time.Duration {
	for j := i - 1; j >= 0; j-- {
		if s := c.t.Events[j].Start; s != nil && s.Op == "kill" {
			return c.t.Events[j].T
		}
	}
	return 0
}

func (c *collection) step(i int, e *trace.Entry) {
	s := e.Step
	h := c.named[c.scene.Host(s.Actor)]
	if h == nil {
		return
	}
	if s.Cookie != 0 && s.Remote == "" {
		c.listenStep(h, i, s)
	}
	at, ok := parseEnds(s.Local, s.Remote)
	if !ok && s.Cookie != 0 {
		at = h.cookieEnds[s.Cookie] // its connection has ended, or not begun
		if own, err := netip.ParseAddrPort(s.Local); err == nil && own.Port() != 0 &&
			own.Port() != at.local.Port() {
			return // another connection of the same descriptor
		}
	}
	if h.connections[at] == nil {
		return // without packets and samples there is nothing that a step could add
	}
	conn := h.connections[at]
	conn.owner = s.Actor
	if s.Cookie != 0 {
		h.cookieEnds[s.Cookie] = at
	}
	done := s.Errno == "" && s.Problem == ""
	if s.Op == "connect" {
		conn.connects = append(conn.connects, window{s.Began, e.T})
	}
	switch {
	case s.Op == "connect" && done, s.Op == "accept" && done:
		conn.add(item{at: e.T, kind: up, event: i})
	case slices.Contains(fatal[s.Op], s.Errno):
		conn.add(item{at: e.T, kind: down, event: i})
	case s.Op == "recv" && done && s.Result == 0 && !conn.deaf:
		conn.add(item{at: e.T, kind: eof, event: i})
	case s.Op == "close", s.Op == "shutdown" && s.Value != "read":
		conn.closings = append(conn.closings, ending{window{s.Began, e.T}, done, s.Cookie})
	}
	conn.deaf = conn.deaf || s.Op == "shutdown" && s.Value != "write"
}

// fatal are the errors of steps after which a connection is gone: the kernel reports them once it
// has closed the socket (sk_err). A connect with a route to nowhere fails with others.
var fatal = map[string][]string{
	"connect": {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"},
	"recv":    {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET"},
	"send":    {"ECONNREFUSED", "ETIMEDOUT", "ECONNRESET"},
}

// listenStep notes the steps that made and closed a listener.
func (c *collection) listenStep(h *host, i int, s *trace.Step) {
	switch {
	case s.Op == "listen" && s.Errno == "" && s.Problem == "":
		r := h.record(identity{cookie: s.Cookie, local: s.Local})
		r.listens = append(r.listens, i)
	case s.Op == "close" || s.Op == "shutdown":
		if r := h.records[identity{cookie: s.Cookie}]; r != nil {
			r.closes = append(r.closes, i)
		}
	}
}
