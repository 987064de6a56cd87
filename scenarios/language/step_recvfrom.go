package language

import "time"

// Recvfrom is recvfrom(2); the peer of the outcome is the sender.
type Recvfrom struct {
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer. Default: 64kB."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"Flags: dontwait, peek."`
}

func (r *Recvfrom) check(v *validation, _ *Actor, st *Step) {
	v.flags(r.Flags, st.Pos, "dontwait", "peek")
}

func (*Recvfrom) sockets(v *validation, st *Step, made *socketsMade) {
	v.needsSocket(st, made)
	if made.any && !made.typed && !made.datagrams && !made.connection {
		v.needsDatagrams(st)
	}
}

func (*Recvfrom) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Recvfrom) Outcomes() []Outcome {
	return []Outcome{OutcomeResult, OutcomeBytes, OutcomeText, OutcomeSHA256, OutcomePeer}
}

// Arguments returns the length of the buffer and the flags.
func (r *Recvfrom) Arguments() string { return recvArguments(nil, r.Max, r.Flags) }

// Shows names the number of bytes.
func (*Recvfrom) Shows() Shown { return Shown{Part: OutcomeBytes} }
