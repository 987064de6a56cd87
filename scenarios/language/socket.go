package language

import (
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// SocketSelector selects sockets of a host.
type SocketSelector struct {
	Host   string `json:"host" jsonschema_description:"The host that the socket is on."`
	Local  Ports  `json:"local,omitempty" jsonschema_description:"Local port, a range such as 40000..40010, or a list of these."`
	Remote Ports  `json:"remote,omitempty" jsonschema_description:"Remote port, a range such as 40000..40010, or a list of these."`
	State  States `json:"state,omitempty" jsonschema_description:"TCP state, or a list: ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING."`
}

// String returns the selector in words: "server local port 8080 in LISTEN", "client in ESTABLISHED
// or CLOSE_WAIT".
func (s *SocketSelector) String() string {
	text := s.Host
	if len(s.Local) > 0 {
		text += " local port " + s.Local.String()
	}
	if len(s.Remote) > 0 {
		text += " remote port " + s.Remote.String()
	}
	if len(s.State) > 0 {
		text += " in " + strings.Join(texts(s.State...), " or ")
	}
	return text
}

func (v *validation) socketSelector(s *SocketSelector, pos Pos) {
	v.host(&s.Host, pos, s.Host, true)
	v.ports(&s.Local, pos, "local")
	v.ports(&s.Remote, pos, "remote")
	for i := range s.State {
		switch s.State[i] {
		case Closed:
			v.errorf(code.Unsupported, &s.State[i], pos,
				"CLOSED means that the socket is gone, and is only for the states of a path")
		case Unbound:
			v.errorf(code.Unsupported, &s.State[i], pos, "%s", unboundUnseen)
		}
	}
}

// ports reports an empty list of ports.
func (v *validation) ports(p *Ports, pos Pos, key string) {
	if v.has(p) && len(*p) == 0 {
		v.errorf(code.MissingValue, p, pos, "%s is empty; give it a port, or remove the key", key)
	}
}

// unboundUnseen says why no expectation may name the state CLOSE.
const unboundUnseen = "nobody can see a socket in CLOSE: the kernel lists sockets that listen or " +
	"have a connection; remove CLOSE"

// State is a TCP state. Its name is that of netstat and the kernel.
type State string

// The TCP states of the kernel (include/net/tcp_states.h), with NEW_SYN_RECV shown as SYN_RECV, and
// Closed for a socket that no longer exists.
const (
	Established State = "ESTABLISHED"
	SynSent     State = "SYN_SENT"
	SynRecv     State = "SYN_RECV"
	FinWait1    State = "FIN_WAIT1"
	FinWait2    State = "FIN_WAIT2"
	TimeWait    State = "TIME_WAIT"
	Unbound     State = "CLOSE"
	CloseWait   State = "CLOSE_WAIT"
	LastAck     State = "LAST_ACK"
	Listening   State = "LISTEN"
	Closing     State = "CLOSING"
	Closed      State = "CLOSED"
)

// Words returns the TCP states that expectations can name. Nobody can see a socket in [Unbound].
func (State) Words() []string {
	return texts(Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, CloseWait, LastAck,
		Listening, Closing, Closed)
}

// stateAliases are the other names of states, without what stands between their words: those of ss,
// and those of RFC 9293 and other systems.
var stateAliases = map[string]State{
	"ESTAB":       Established,
	"SYNRECEIVED": SynRecv,
	"SYNRCVD":     SynRecv,
	"NEWSYNRECV":  SynRecv,
	"CLOSE":       Unbound,
	"UNCONN":      Unbound,
	"LISTENING":   Listening,
	"UNCONNECTED": Unbound,
}

// betweenWords are the characters that may stand between the words of a state, but not around them.
const betweenWords = "-_ "

// bareState returns the name of a state in upper case, without what stands between its words.
func bareState(name string) string {
	if strings.Trim(name, betweenWords) != name {
		return ""
	}
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(betweenWords, r) {
			return -1
		}
		return r
	}, name))
}

// Set reads a state by any of its names, in upper or lower case: TIME_WAIT, TIME-WAIT, time-wait.
func (s *State) Set(text string) error {
	bare := bareState(text)
	if state, known := stateAliases[bare]; known {
		*s = state
		return nil
	}
	words := s.Words()
	for _, name := range words {
		if bareState(name) == bare {
			*s = State(name)
			return nil
		}
	}
	words = words[:len(words)-1] // CLOSED is the end of a socket
	return code.Errorf(code.UnknownWord,
		"invalid state %q%s; want one of %s, or at the end of a path CLOSED",
		say.Clip(text), spell.DidYouMean(text, words), strings.Join(words, ", "))
}

// StatePath joins states that follow each other: "SYN_SENT > ESTABLISHED".
func StatePath(states []State) string { return strings.Join(texts(states...), " > ") }
