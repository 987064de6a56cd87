package language

import (
	"strings"
	"time"
)

// Signal raises a named event.
type Signal struct {
	Name string `yaml:",short" json:"name" jsonschema_description:"Name of the signal: its event is ACTOR.signal.NAME."`
}

func (s *Signal) check(v *validation, _ *Actor, st *Step) {
	v.name(&s.Name, st.Pos, "a signal", s.Name)
}

func (*Signal) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Signal) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Signal) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the signal's name.
func (s *Signal) Arguments() string { return s.Name }

// raises returns the step of an actor that raises a signal; nil if there are several.
func (v *validation) raises(actor, signal string) *knownStep {
	var found *knownStep
	for _, id := range v.ids {
		k := v.steps[id]
		if k.step.Op.Signal == nil || k.step.Op.Signal.Name != signal ||
			!strings.HasPrefix(id, actor+".") {
			continue
		}
		if found != nil {
			return nil
		}
		found = k
	}
	return found
}
