package language

import (
	"maps"
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
)

// CallsExpectation judges the system calls that a program made on sockets.
type CallsExpectation struct {
	Calls  CallSelector `json:"calls" jsonschema_description:"Which calls."`
	Error  Errno        `json:"error,omitempty" jsonschema_description:"Only calls that ended with this errno, such as ECONNREFUSED, or none. Default: any outcome."`
	Result *Count       `json:"result,omitempty" jsonschema_description:"Only calls that returned this; -1 with any error."`
	Took   *Span        `json:"took,omitempty" jsonschema_description:"Only calls that took so long."`
	Hangs  bool         `json:"hangs,omitempty" jsonschema_description:"true: only calls that had not returned, or whose program still waited, when the run ended."`
	Count  *Count       `json:"count,omitempty" jsonschema_description:"How many calls. Default: at least one."`
	Since  EventRef     `json:"since,omitempty" jsonschema_description:"Only calls that began at this event or after it."`
}

// CallSelector selects calls of a program.
type CallSelector struct {
	Program StepRef `json:"program" jsonschema_description:"The program, and all that it starts: ACTOR.STEP of a step start or exec; ACTOR.STEP[N] is one of its executions."`
	Name    string  `json:"name" jsonschema_description:"The call: connect, accept, close, ...; send and recv are all calls that send and receive, poll all that wait for several files."`
	To      string  `json:"to,omitempty" jsonschema_description:"The address that was passed in, or the peer of the socket: HOST, HOST.N, HOST:PORT or ADDRESS:PORT."`
}

// callNames are the names of calls in scenarios, each with the system calls that it stands for.
var callNames = map[string][]string{
	"socket": {"socket"}, "connect": {"connect"}, "bind": {"bind"}, "listen": {"listen"},
	"accept":   {"accept", "accept4"},
	"send":     {"sendto", "sendmsg", "sendmmsg", "write", "writev", "sendfile"},
	"recv":     {"recvfrom", "recvmsg", "recvmmsg", "read", "readv"},
	"shutdown": {"shutdown"}, "close": {"close"},
	"setsockopt": {"setsockopt"}, "getsockopt": {"getsockopt"},
	"poll": {
		"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	},
}

// CallNames returns the names of calls in scenarios, sorted.
func CallNames() []string { return slices.Sorted(maps.Keys(callNames)) }

// SystemCalls returns the names of the system calls that are selected.
func (s *CallSelector) SystemCalls() []string { return callNames[s.Name] }

// String returns the selector in words: "connect of client.exec to server:80".
func (s *CallSelector) String() string {
	text := s.Name + " of " + string(s.Program)
	if s.To != "" {
		text += " to " + s.To
	}
	return text
}

func (c *CallsExpectation) check(v *validation, pos Pos) {
	s := &c.Calls
	v.programRef(&s.Program, pos, s.Program)
	v.oneOf(&s.Name, pos, "call", s.Name, CallNames())
	if s.To != "" {
		v.peer(&s.To, pos, s.To)
		if s.Name == "socket" || s.Name == "listen" || s.Name == "poll" {
			v.errorf(code.MisplacedKey, &s.To, pos, "%s goes to no address; remove to", s.Name)
		}
	}
	v.count(c.Count, "count", pos)
	v.since(&c.Since, true, pos)
	if c.Hangs && (c.Error != "" || c.Result != nil) {
		v.errorf(code.Contradiction, &c.Hangs, pos,
			"a call that hangs has no outcome; remove hangs, or error and result")
	}
	if c.Error != "" && c.Result != nil {
		v.errorf(code.ConflictingKeys, c.Result, pos,
			"want error or result, not both: a call that fails returns -1")
	}
}

// String is the title of its verdict: "calls connect of client.exec to server:80: ECONNREFUSED, after
// 1s, at least 1".
func (c *CallsExpectation) String() string {
	title := "calls " + c.Calls.String()
	if c.Since != "" {
		title += " since " + string(c.Since)
	}
	parts := c.conditions()
	if c.Count != nil {
		parts = append(parts, c.Count.Of("time"))
	}
	if len(parts) == 0 {
		return title
	}
	return title + ": " + strings.Join(parts, ", ")
}

// conditions says how the calls must have ended.
func (c *CallsExpectation) conditions() []string {
	var parts []string
	switch {
	case c.Hangs:
		parts = append(parts, "hangs")
	case c.Error == NoError:
		parts = append(parts, "no error")
	case c.Error != "":
		parts = append(parts, string(c.Error))
	case c.Result != nil:
		parts = append(parts, "returns "+c.Result.String())
	}
	if c.Took != nil {
		parts = append(parts, "after "+c.Took.Source)
	}
	return parts
}

func (c *CallsExpectation) lasts(latest bool) time.Duration { return lastsOf(c.Took, latest) }

func (c *CallsExpectation) begins() EventRef { return c.Since }

func (*CallsExpectation) observed() bool { return false }

func (*CallsExpectation) sampledAt() []EventRef { return nil }
