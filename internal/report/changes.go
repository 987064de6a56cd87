package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// change is one change of a socket's state, or several that are drawn as one.
type change struct {
	// line is the number of the socket's timeline, ports are its ports, "" for the only socket of
	// its host.
	line  int
	ports string
	// states are those that it came to, one after the other.
	states []string
	// sends is true if the socket comes to the state before it sends the packet that shows it.
	sends bool
	// sockets is how many sockets changed in the same way.
	sockets int
}

// beforePacket are the states to which a socket comes before it sends the packet that shows them.
var beforePacket = language.States{
	language.SynSent, language.SynRecv, language.FinWait1, language.LastAck,
}

func (c *change) String() string {
	text := strings.Join(c.states, " > ")
	switch {
	case c.sockets > 1:
		text += " " + say.Count(c.sockets, "socket")
	case c.ports != "":
		text += " " + c.ports
	}
	return "[" + text + "]"
}

// stateRows has a row for each change of a socket's state. It has the ports if the host has several
// sockets.
func stateRows(all []StateLine) []row {
	var rows []row
	count := map[string]int{}
	for i := range all {
		count[all[i].Host]++
	}
	for i := range all {
		l := &all[i]
		ports := ""
		if count[l.Host] > 1 {
			ports = portsOf(l.Local, l.Remote)
		}
		for k := range l.Spans {
			sp := &l.Spans[k]
			rows = append(rows, row{at: sp.From, host: l.Host, style: warn, change: &change{
				line: i, ports: ports, states: []string{sp.String()}, sockets: 1,
				sends: slices.Contains(beforePacket, language.State(sp.State)),
			}})
		}
	}
	return rows
}

// portsOf returns LOCAL>REMOTE ports, or :LOCAL for a socket without a peer.
func portsOf(local, remote string) string {
	port := func(a string) string { return a[strings.LastIndexByte(a, ':')+1:] }
	if r := port(remote); r != "0" && r != "*" && r != "" {
		return port(local) + ">" + r
	}
	return ":" + port(local)
}

// rank is the order of rows of the same time: a state, the packet that a socket sends once it is in
// it, everything else.
func (r *row) rank() int {
	switch {
	case r.change != nil && r.change.sends:
		return 0
	case r.journey != nil:
		return 1
	}
	return 2
}

// Changes within joinTime are drawn as one where nothing else is between them: those of one socket
// always, those of several sockets to the same state if there are more than severalSockets.
const (
	joinTime       = time.Millisecond
	severalSockets = 3
)

// joinChanges draws changes of states as one where they follow each other, and makes their texts.
// The rows are in order of time.
func joinChanges(rows []row) []row {
	var out []row
	for i := 0; i < len(rows); {
		n := i
		for n < len(rows) && rows[n].change != nil && rows[n].at-rows[i].at <= joinTime {
			n++
		}
		if n == i {
			out = append(out, rows[i])
			i++
			continue
		}
		out = append(out, joinSockets(joinStates(rows[i:n]))...)
		i = n
	}
	for i := range out {
		if c := out[i].change; c != nil {
			out[i].text = c.String()
		}
	}
	return out
}

// joinStates joins the changes of each socket.
func joinStates(rows []row) []row {
	var out []row
	at := map[int]*change{}
	for _, r := range rows {
		if c := at[r.change.line]; c != nil {
			c.states = append(c.states, r.change.states...)
			continue
		}
		at[r.change.line] = r.change
		out = append(out, r)
	}
	return out
}

// joinSockets joins the same change of many sockets of a host.
func joinSockets(rows []row) []row {
	same := func(r *row) string { return fmt.Sprint(r.host, r.change.states) }
	count := map[string]int{}
	for i := range rows {
		count[same(&rows[i])]++
	}
	drawn := map[string]bool{}
	return slices.DeleteFunc(rows, func(r row) bool {
		how := same(&r)
		if count[how] <= severalSockets {
			return false
		}
		r.change.sockets = count[how]
		gone := drawn[how]
		drawn[how] = true
		return gone
	})
}
