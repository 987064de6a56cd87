package language

import (
	"cmp"
	"time"

	"halfopen/internal/code"
)

// LinkOp takes the link of a host down or up, at the end of the wire. The interface of the host
// only loses its carrier.
type LinkOp struct {
	Host  string `json:"host,omitempty" jsonschema_description:"The host whose link it is. Default: the actor's."`
	State string `yaml:",short" json:"state" jsonschema:"enum=down,enum=up" jsonschema_description:"down or up."`
}

func (l *LinkOp) check(v *validation, _ *Actor, st *Step) {
	if v.has(&l.Host) {
		v.host(&l.Host, st.Pos, l.Host, false)
	}
	if v.s.Network.Shape == ShapeLoopback {
		v.errorf(code.WrongShape, l, st.Pos,
			"no link in the shape loopback: want shape: wire or shape: direct")
	}
}

func (*LinkOp) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*LinkOp) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*LinkOp) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the state, after the host if the step names one.
func (l *LinkOp) Arguments() string {
	if l.Host != "" {
		return l.Host + ": " + l.State
	}
	return l.State
}

// AtHost fills in the host.
func (l *LinkOp) AtHost(host string) Op {
	return Op{Link: &LinkOp{Host: cmp.Or(l.Host, host), State: l.State}}
}
