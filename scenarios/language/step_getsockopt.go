package language

import "time"

// Getsockopt is getsockopt(2) of one option, or the ioctls SIOCINQ and SIOCOUTQ.
type Getsockopt struct {
	Option string `yaml:",short" json:"option" jsonschema_description:"The option: SO_ERROR, SO_SNDBUF, TCP_NODELAY, SIOCOUTQ, ..."`
}

func (g *Getsockopt) check(v *validation, _ *Actor, st *Step) {
	if _, ok := sockOptionForms[g.Option]; !ok {
		v.unknownSockOption(&g.Option, st.Pos, g.Option)
	}
}

func (*Getsockopt) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Getsockopt) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Getsockopt) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeValue} }

// Arguments returns the option.
func (g *Getsockopt) Arguments() string { return g.Option }

// Shows names the option's value.
func (*Getsockopt) Shows() Shown { return Shown{Part: OutcomeValue, Nothing: `""`} }
