package language

import "time"

// SocketOp is socket(2).
type SocketOp struct {
	Type     string `yaml:",short" json:"type,omitempty" jsonschema:"enum=tcp,enum=udp" jsonschema_description:"tcp (default) or udp."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"true: O_NONBLOCK."`
	As       string `json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: sock, then sock2, sock3, ..."`
}

func (s *SocketOp) check(v *validation, _ *Actor, st *Step) { v.socketAs(&s.As, st.Pos, s.As) }

func (s *SocketOp) sockets(_ *validation, _ *Step, made *socketsMade) {
	made.made(s.As, "sock")
	made.typed = true
	made.datagrams = made.datagrams || s.Type == "udp"
}

func (*SocketOp) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*SocketOp) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the type of socket.
func (s *SocketOp) Arguments() string {
	if s.Type == "" {
		return "tcp"
	}
	return s.Type
}

// Serves reports false: the socket has no address yet.
func (*SocketOp) Serves() bool { return false }
