package language

import (
	"reflect"
	"time"

	"gopkg.in/yaml.v3"
)

// Start runs a program beside the steps of the actor. The step ends when the program has been
// executed. A program that still runs when all actors are done is stopped then.
type Start struct {
	Launch `yaml:",short"`
	As     string  `json:"as,omitempty" jsonschema_description:"The name of the program: the program is ACTOR.NAME, as with the key id of the step."`
	Stop   *Ending `json:"stop,omitempty" jsonschema_description:"How it is stopped, at the end of the run or by a step stop that does not say it: {signal, within}."`
}

// Ending is how a program is made to end.
type Ending struct {
	Signal string   `yaml:",short" json:"signal,omitempty" jsonschema_description:"The signal that asks it to end: TERM (default), QUIT, INT, ..."`
	Within Duration `json:"within,omitempty" jsonschema_description:"Its process group gets SIGKILL after this. Default: 3s."`
}

// stopWithin is how long a program has to end if nothing else is said.
const stopWithin = 3 * time.Second

// Or returns the ending, with what another one says where this one says nothing, and the defaults.
func (e *Ending) Or(other *Ending) Ending {
	all := Ending{Signal: "TERM", Within: Duration(stopWithin)}
	for _, from := range []*Ending{other, e} {
		if from != nil && from.Signal != "" {
			all.Signal = from.Signal
		}
		if from != nil && from.Within != 0 {
			all.Within = from.Within
		}
	}
	return all
}

func (e *Ending) check(v *validation, st *Step) {
	if e.Signal != "" {
		v.oneOf(&e.Signal, st.Pos, "signal", e.Signal, signalNames())
	}
	if v.has(&e.Within) && e.Within <= 0 {
		v.errorf(&e.Within, st.Pos, "within: want more than 0s, such as 3s")
	}
}

func (d *decoder) start(n *yaml.Node, s *Start) {
	d.launch(n, &s.Launch, reflect.ValueOf(s).Elem())
}

func (s *Start) check(v *validation, _ *Actor, st *Step) {
	s.Launch.check(v, s, st)
	if s.As != "" && s.As != st.ID {
		v.errorf(&s.As, st.Pos, "as: %s and id: %s name the same step; keep one", s.As, st.ID)
	}
	if s.Stop != nil {
		s.Stop.check(v, st)
	}
}

func (*Start) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

// lasts returns how long the program may take to end when it is stopped.
func (s *Start) lasts() time.Duration {
	if s.Stop == nil {
		return 0
	}
	return time.Duration(s.Stop.Within)
}

// Outcomes lists what expectations can judge: the value is "running". A [ProcessExpectation] judges
// the program.
func (*Start) Outcomes() []Outcome { return []Outcome{OutcomeValue} }

// Shows says that the program runs.
func (*Start) Shows() Shown { return Shown{Part: OutcomeValue} }
