package language

import "time"

// Sleep does nothing for a duration.
type Sleep struct {
	For Duration `yaml:",short" json:"for" jsonschema_description:"How long."`
}

func (*Sleep) check(*validation, *Actor, *Step) {}

func (*Sleep) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (s *Sleep) lasts() time.Duration { return time.Duration(s.For) }

// Outcomes lists what expectations can judge.
func (*Sleep) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the duration.
func (s *Sleep) Arguments() string { return s.For.String() }
