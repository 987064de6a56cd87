package assertions

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// timeline is the events of one socket in order. A socket is identified by its host, addresses and
// ports.
type timeline struct {
	local, remote string
	events        []int
}

// stay is a time during which a socket was in a selected state.
type stay struct {
	line *timeline
	from time.Duration
	// to is when it left that state; the end of the run if open.
	to   time.Duration
	open bool
	// first and last are the events that began and ended it; last is -1 if open.
	first, last int
}

// timelines returns the sockets with a selector's host and ports, in the order they were first
// seen.
func (ev *evidence) timelines(s *language.SocketSelector) []*timeline {
	var lines []*timeline
	known := map[[2]string]*timeline{}
	for _, i := range ev.sockets {
		k := ev.t.Events[i].Socket
		if k.Host != s.Host || !portIs(s.Local, k.Local) || !portIs(s.Remote, k.Remote) {
			continue
		}
		id := [2]string{k.Local, k.Remote}
		if known[id] == nil {
			known[id] = &timeline{local: k.Local, remote: k.Remote}
			lines = append(lines, known[id])
		}
		known[id].events = append(known[id].events, i)
	}
	return lines
}

func portIs(want language.Ports, address string) bool {
	if len(want) == 0 {
		return true
	}
	a, err := netip.ParseAddrPort(address)
	return err == nil && want.Contain(int(a.Port()))
}

// stateIs reports whether a state is selected. A selector without states takes every state but
// CLOSED.
func stateIs(states language.States, state string) bool {
	if len(states) == 0 {
		return state != string(language.Closed)
	}
	return slices.Contains(states, language.State(state))
}

// stays returns the times during which sockets were in a selected state, in the order of their
// beginnings.
func (ev *evidence) stays(s *language.SocketSelector, lines []*timeline) []stay {
	var all []stay
	for _, line := range lines {
		var now *stay
		for _, i := range line.events {
			is := stateIs(s.State, ev.t.Events[i].Socket.State)
			switch {
			case is && now == nil:
				now = &stay{line: line, from: ev.t.Events[i].T, first: i, last: -1}
			case !is && now != nil:
				now.to, now.last = ev.t.Events[i].T, i
				all, now = append(all, *now), nil
			}
		}
		if now != nil {
			now.to, now.open = ev.ended, true
			all = append(all, *now)
		}
	}
	slices.SortStableFunc(all, func(a, b stay) int { return a.first - b.first })
	return all
}

// listStates lists the states that sockets went through, with their times, and makes them the
// sockets of the verdict.
func (ev *evidence) listStates(s *language.SocketSelector, lines []*timeline, v *draft) {
	if len(lines) == 0 {
		others := ev.timelines(&language.SocketSelector{Host: s.Host})
		if len(others) == 0 {
			v.list("no socket at all was seen on " + s.Host)
			return
		}
		v.list("other sockets of " + s.Host + ":")
		lines = others
	} else {
		v.list("seen on " + s.Host + ":")
	}
	for _, line := range lines {
		var words []string
		state := ""
		for _, i := range line.events {
			v.Sockets = append(v.Sockets, i)
			e := &ev.t.Events[i]
			if e.Socket.State == state {
				continue
			}
			state = e.Socket.State
			words = append(words, fmt.Sprintf("%s %s", state, ev.when(e.T)))
		}
		v.list(fmt.Sprintf("  %s > %s: %s", line.local, line.remote, strings.Join(words, ", ")))
	}
	slices.Sort(v.Sockets)
	v.Sockets = slices.Compact(v.Sockets)
}

// stayText describes a stay: "ESTABLISHED from 1s to 3s (2s), then CLOSED", or with several states
// "CLOSE_WAIT, LAST_ACK from ...".
func (ev *evidence) stayText(s *stay) string {
	var states []string
	for _, i := range s.line.events {
		if s.first <= i && (s.open || i < s.last) {
			states = append(states, ev.t.Events[i].Socket.State)
		}
	}
	state := strings.Join(slices.Compact(states), ", ")
	if s.open {
		return fmt.Sprintf("%s from %s to the end of the run (%s)", state, ev.when(s.from),
			say.Duration(s.to-s.from))
	}
	return fmt.Sprintf("%s from %s to %s (%s), then %s", state, ev.when(s.from), ev.when(s.to),
		say.Duration(s.to-s.from), ev.t.Events[s.last].Socket.State)
}

// socketLine describes a socket at one event.
func socketLine(k *trace.Socket) string {
	return fmt.Sprintf("%s recv-q %d send-q %d timer %s retrans %d", k.State, k.RecvQ, k.SendQ,
		timerName(k.Timer), k.Retrans)
}

// timerName names a timer; a trace has no name for one that is off.
func timerName(name string) string {
	if name == "" {
		return "off"
	}
	return name
}
