package language

import (
	"time"

	"halfopen/internal/code"
)

// Accept is accept4(2).
type Accept struct {
	As string `yaml:",short" json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: conn, then conn2, conn3, ..."`
}

func (a *Accept) check(v *validation, _ *Actor, st *Step) { v.socketAs(&a.As, st.Pos, a.As) }

func (a *Accept) sockets(v *validation, st *Step, made *socketsMade) {
	if st.Socket == "" && !made.listener {
		v.errorf(code.MissingStep, nil, st.Pos,
			"accept needs a listening socket; add a listen step before it")
	}
	v.madeBefore(st, made)
	made.made(a.As, "conn")
	made.connection = true
}

func (*Accept) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Accept) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomePeer} }

// Arguments returns the name of the new socket, if the step gives it one.
func (a *Accept) Arguments() string {
	if a.As == "" {
		return ""
	}
	return "as " + a.As
}

// Shows names the peer.
func (*Accept) Shows() Shown { return Shown{Part: OutcomePeer} }
