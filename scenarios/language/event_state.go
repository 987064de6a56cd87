package language

import (
	"slices"

	"halfopen/internal/code"
)

// mostSockets bounds which socket an event can be about.
const mostSockets = 10_000

// StateEvent is the event that the nth socket of a selector is seen in a state. Each socket counts once.
type StateEvent struct {
	SocketSelector
	Nth int `json:"nth,omitempty" jsonschema_description:"Which of the sockets, counted from 1, in the order in which they are seen in the state. Default: the first."`
}

func (s *StateEvent) event() Event { return Event{Kind: EventState, N: max(s.Nth, 1), State: s} }

func (s *StateEvent) check(v *validation, pos Pos) bool {
	before := len(v.errs)
	v.socketSelector(&s.SocketSelector, pos)
	if len(s.State) == 0 {
		v.errorf(code.MissingValue, &s.State, pos, "state is empty; give it a state")
	}
	v.nth(&s.Nth, pos, s.Nth, "sockets")
	if s.Nth > mostSockets {
		v.errorf(code.OutOfRange, &s.Nth, pos,
			"invalid nth %d: want at most %d", s.Nth, mostSockets)
	}
	return len(v.errs) == before
}

func (s *StateEvent) watched(*Scenario) string {
	if s.Exact() {
		return "by the kernel's tracepoints, or by looks at the sockets"
	}
	return "by looks at the sockets"
}

// Exact reports whether the kernel's tracepoints show each socket that comes to the states. They do not
// show requests, and what the kernel keeps of sockets that are closed.
func (s *StateEvent) Exact() bool {
	return !slices.ContainsFunc(s.State, func(st State) bool {
		return st == SynRecv || st == FinWait2 || st == TimeWait
	})
}

// Takes reports whether a socket of a host, with its ports and its state, is one of those selected.
func (s *SocketSelector) Takes(host string, local, remote int, state State) bool {
	return s.Host == host && (len(s.Local) == 0 || s.Local.Contain(local)) &&
		(len(s.Remote) == 0 || s.Remote.Contain(remote)) &&
		(len(s.State) == 0 || slices.Contains(s.State, state))
}
