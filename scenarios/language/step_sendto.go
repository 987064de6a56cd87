package language

import "time"

// Sendto is sendto(2).
type Sendto struct {
	Data
	To string `json:"to" jsonschema_description:"HOST:PORT, as for connect."`
}

func (s *Sendto) check(v *validation, _ *Actor, st *Step) {
	v.data(&s.Data, st.Pos)
	v.target(&s.To, st.Pos, s.To)
}

// sockets reports a socket that was bound in vain: sendto takes none of TCP, and would make another.
func (*Sendto) sockets(v *validation, st *Step, made *socketsMade) {
	if st.Socket == "" && made.bound && !made.datagrams && !made.connection && !made.listener {
		v.needsDatagrams(st)
	}
	made.made(st.Socket, "sock")
	made.datagrams = true
}

func (*Sendto) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Sendto) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeBytes} }

// Arguments returns the destination.
func (s *Sendto) Arguments() string { return s.To }

// Shows names the number of bytes.
func (*Sendto) Shows() Shown { return Shown{Part: OutcomeBytes} }
