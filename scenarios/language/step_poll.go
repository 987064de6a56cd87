package language

import (
	"strings"
	"time"
)

// Poll is poll(2) on one socket. The result of the outcome is the return value, its value the
// events, such as "out,err,hup".
type Poll struct {
	For     []string  `yaml:",short" json:"for,omitempty" jsonschema_description:"Events to wait for: in, out, pri, rdhup. Default: [in]."`
	Timeout *Duration `json:"timeout,omitempty" jsonschema_description:"Longest wait. Default: none."`
}

func (p *Poll) check(v *validation, _ *Actor, st *Step) {
	v.flags(p.For, st.Pos, "in", "out", "pri", "rdhup")
}

func (*Poll) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (p *Poll) lasts() time.Duration {
	if p.Timeout == nil {
		return 0
	}
	return time.Duration(*p.Timeout)
}

// Outcomes lists what expectations can judge.
func (*Poll) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeValue} }

// Arguments returns the events it waits for.
func (p *Poll) Arguments() string { return strings.Join(p.For, ",") }

// Shows names the events that came.
func (*Poll) Shows() Shown { return Shown{Part: OutcomeValue, Nothing: "0, timeout"} }
