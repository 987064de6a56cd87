package language

import (
	"maps"
	"slices"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

// socketsMade is the set of sockets that the steps of an actor have made so far, in the order of
// the file.
type socketsMade struct {
	any, bound, listener bool
	// typed is true after a socket step, datagrams if a UDP socket was made, connection if a
	// connection was.
	typed, datagrams, connection bool
	names                        map[string]bool
}

// defaultSocket matches the names that sockets get if no step names them.
var defaultSocket = pattern.New(`^(sock|listener|conn)([0-9]*)$`)

func (m *socketsMade) made(name, base string) {
	m.any = true
	m.names[base] = true
	if name != "" {
		m.names[name] = true
	}
}

// knows reports whether a socket may have this name. Any number of sockets with default names is
// possible: how many there will be is not known before the run.
func (m *socketsMade) knows(name string) bool {
	if m.names[name] {
		return true
	}
	match := defaultSocket.FindStringSubmatch(name)
	return match != nil && m.names[match[1]]
}

func (v *validation) socketAs(field *string, pos Pos, name string) {
	if v.has(field) {
		v.wordName(field, pos, "name of a socket", name)
	}
}

// needsSocket checks that the socket exists that a step works on: the one it names, or any.
func (v *validation) needsSocket(st *Step, made *socketsMade) {
	if st.Socket == "" && !made.any {
		v.errorf(code.MissingStep, nil, st.Pos,
			"%s needs a socket; add a step before it that makes one, such as connect", st.Op.Kind())
	}
	v.madeBefore(st, made)
}

// needsDatagrams reports a step on datagrams whose actor has only made TCP sockets.
func (v *validation) needsDatagrams(st *Step) {
	v.errorf(code.MissingStep, nil, st.Pos,
		"%s needs a UDP socket, and the steps before it make only TCP sockets; "+
			"add the step {socket: udp} before bind", st.Op.Kind())
}

// madeBefore checks that an earlier step makes the socket that a step names, if it names one.
func (v *validation) madeBefore(st *Step, made *socketsMade) {
	if st.Socket != "" && !made.knows(st.Socket) {
		v.errorf(code.UnknownName, &st.Socket, st.Pos,
			"no step before this one makes a socket %q%s",
			say.Clip(st.Socket), suggestName(st.Socket, slices.Sorted(maps.Keys(made.names))))
	}
}

// needsNoSocket reports a socket that is named next to an operation that works on none.
func (v *validation) needsNoSocket(st *Step) {
	if st.Socket != "" {
		v.errorf(code.MisplacedKey, &st.Socket, st.Pos,
			"%s works on no socket; remove the key socket", st.Op.Kind())
	}
}
