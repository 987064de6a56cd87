package language

import (
	"reflect"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Start runs a program beside the steps of the actor. The step ends when the program is ready, or
// without ready when it has been executed. If the first steps of an actor are such steps, they are done
// before any actor starts, so that clients find the servers ready. A program that still runs when all actors are done is stopped then.
type Start struct {
	Launch `yaml:",short"`
	As     string   `json:"as,omitempty" jsonschema_description:"The name of the program: the program is ACTOR.NAME, as with the key id of the step."`
	Ready  *Ready   `json:"ready,omitempty" jsonschema_description:"When the program is ready, and the step ends: one of listens, prints, exec and file. Default: when it has been executed."`
	Within Duration `json:"within,omitempty" jsonschema_description:"If the program is not ready after this, the step ends with ETIMEDOUT. Default: 10s."`
	Stop   *Ending  `json:"stop,omitempty" jsonschema_description:"How it is stopped, at the end of the run or by a step stop that does not say it: {signal, within}."`
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
		v.errorf(code.OutOfRange, &e.Within, st.Pos, "within: want more than 0s, such as 3s")
	}
}

func (d *decoder) start(n *yaml.Node, s *Start) {
	d.launch(n, &s.Launch, reflect.ValueOf(s).Elem())
	if ready := decode.Child(n, "ready"); ready != nil && s.Ready != nil {
		s.Ready.Exec = shellText(decode.Child(ready, "exec"), s.Ready.Exec)
	}
}

func (s *Start) check(v *validation, _ *Actor, st *Step) {
	s.Launch.check(v, s, st)
	if s.As != "" && s.As != st.ID {
		v.errorf(code.ConflictingKeys, &s.As, st.Pos,
			"as: %s and id: %s name the same step; keep one", s.As, st.ID)
	}
	if s.Ready != nil {
		s.Ready.check(v, st)
	}
	switch {
	case !v.has(&s.Within):
	case s.Ready == nil:
		v.errorf(code.NoEffect, &s.Within, st.Pos,
			"within is for ready, which is not there; for the end write stop: {within: ...}")
	case s.Within <= 0 || time.Duration(s.Within) > mostReadyWithin:
		v.errorf(code.OutOfRange, &s.Within, st.Pos, "within: want more than 0s and at most 2m")
	}
	if s.Stop != nil {
		s.Stop.check(v, st)
	}
}

// WithinOrDefault returns how long the program has to get ready; 0 without ready.
func (s *Start) WithinOrDefault() time.Duration {
	switch {
	case s.Ready == nil:
		return 0
	case s.Within != 0:
		return time.Duration(s.Within)
	}
	return readyWithin
}

// Serves reports whether clients find a server ready after the step.
func (s *Start) Serves() bool { return s.Ready != nil }

func (*Start) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

// lasts returns how long the program may take to get ready, and to end when it is stopped, as far as
// the file says.
func (s *Start) lasts() time.Duration {
	d := time.Duration(s.Within)
	if s.Stop != nil {
		d = plus(d, time.Duration(s.Stop.Within))
	}
	return d
}

// Outcomes lists what expectations can judge: the value is "ready", or "running" without ready, or else
// says what was missing. A [ProcessExpectation] judges
// the program.
func (*Start) Outcomes() []Outcome { return []Outcome{OutcomeValue} }

// Shows says that the program runs.
func (*Start) Shows() Shown { return Shown{Part: OutcomeValue} }
