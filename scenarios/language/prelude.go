package language

import (
	"strconv"
	"strings"

	"halfopen/internal/code"
)

// Prelude returns the number of leading steps that run on Prepare, before any actor starts. These
// are the steps that prepare a socket ([Preparing]), provided that peers can reach it
// after one of them. A step that waits for an event ends the prelude.
func Prelude(steps []Step) int {
	n, serves := 0, false
	for i := range steps {
		op, ok := steps[i].Op.Operation().(Preparing)
		if !ok || steps[i].After != "" {
			break
		}
		serves = serves || op.Serves()
		n++
	}
	if !serves {
		return 0
	}
	return n
}

// reachings are the ways in which one actor reaches another: serves returns the port of a step that
// makes a server reachable, 0 for any, and reaches returns where a step of a client goes.
var reachings = []struct {
	serves  func(*Op) (port int, ok bool)
	reaches func(*Op) (to string)
}{
	{
		func(o *Op) (int, bool) {
			if o.Listen == nil {
				return 0, false
			}
			return o.Listen.Port, true
		},
		func(o *Op) string {
			if o.Connect == nil {
				return ""
			}
			return o.Connect.To
		},
	},
	{
		func(o *Op) (int, bool) {
			if o.Bind == nil {
				return 0, false
			}
			return o.Bind.Port, true
		},
		func(o *Op) string {
			if o.Sendto == nil {
				return ""
			}
			return o.Sendto.To
		},
	},
}

// races returns a note for each actor that another one may reach too early: one that listens, or
// binds for datagrams, without waiting for anything but not in its prelude, while the other connects
// or sends to it at once.
func (s *Scenario) races() []*Error {
	var notes []*Error
	for i := range s.Actors {
		for j := range s.Actors {
			for _, r := range reachings {
				if i == j {
					continue
				}
				if note := race(&s.Actors[i], &s.Actors[j], r.serves, r.reaches); note != nil {
					notes = append(notes, note)
					break
				}
			}
		}
	}
	return notes
}

// race returns a note if the client may reach the server too early, else nil.
func race(server, client *Actor, serves func(*Op) (int, bool), reaches func(*Op) string) *Error {
	listen, before := early(server, func(o *Op) bool { _, ok := serves(o); return ok })
	if listen == nil || before == nil {
		return nil
	}
	port, _ := serves(&listen.Op)
	connect, _ := early(client, func(o *Op) bool {
		host, to, _ := strings.Cut(reaches(o), ":")
		host, address, _ := strings.Cut(host, ".") // any of its addresses
		return host == server.Host && address != "absent" && (port == 0 || to == strconv.Itoa(port))
	})
	if connect == nil {
		return nil
	}
	return &Error{before.Pos, code.Errorf(code.EarlyConnect,
		"%[1]s.%[2]s may come before %[3]s.%[4]s: %[5]s is not one of the steps "+
			"that are done before others start (socket, setsockopt, bind, listen); "+
			"move it after %[4]s, or add after: %[3]s.%[4]s to %[2]s",
		client.Name, connect.ID, server.Name, listen.ID, before.ID)}
}

// early returns the first step of an actor that is as wanted, and the first step that keeps it out
// of the prelude. Both are nil if the actor first waits: for an event, for time, or for a peer.
func early(a *Actor, wanted func(*Op) bool) (found, before *Step) {
	prelude := Prelude(a.Steps)
	for i := range a.Steps {
		st := &a.Steps[i]
		if wanted(&st.Op) {
			if st.After != "" {
				return nil, nil
			}
			return st, before
		}
		if st.After != "" || !immediate(st) {
			return nil, nil
		}
		if _, prepares := st.Op.Operation().(Preparing); before == nil && i >= prelude && !prepares {
			before = st
		}
	}
	return nil, nil
}

// immediate reports whether a step waits for nobody, and for no time that the scenario sets.
func immediate(st *Step) bool {
	o := &st.Op
	_, prepares := o.Operation().(Preparing)
	return prepares || o.Getsockopt != nil || o.Signal != nil || o.Limit != nil || o.Sysctl != nil ||
		o.Sockstat != nil || o.Launch() != nil || o.Sendto != nil
}
