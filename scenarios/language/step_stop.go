package language

import (
	"time"

	"halfopen/internal/code"
)

// Stop makes a program of any actor end, and waits for its end. The outcome has its exit status. A
// program that does not end in time is killed, and the error is ETIMEDOUT.
type Stop struct {
	Program StepRef `yaml:",short" json:"program" jsonschema_description:"The program: ACTOR.STEP of a step start, or of a step exec in progress."`
	Ending
}

func (s *Stop) check(v *validation, _ *Actor, st *Step) {
	v.programRef(&s.Program, st.Pos, s.Program)
	s.Ending.check(v, st)
}

// programRef wants a step that runs a program.
func (v *validation) programRef(field *StepRef, pos Pos, ref StepRef) {
	actor, id, n := ref.Split()
	if actor == "" {
		v.errorf(code.InvalidName, field, pos,
			"invalid program %q: want ACTOR.STEP of a step start or exec", ref)
		return
	}
	if st := v.stepRef(field, pos, actor, id, n); st != nil && st.Op.Launch() == nil {
		v.errorf(code.WrongStep, field, pos,
			"%s (%s) runs no program; want a step start or exec", ref, st.Op.Kind())
	}
}

func (*Stop) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (s *Stop) lasts() time.Duration { return time.Duration(s.Within) }

// Outcomes lists what expectations can judge: the result is the exit status, or -1.
func (*Stop) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeExit} }

// Arguments returns the program, and the signal if it is named.
func (s *Stop) Arguments() string {
	if s.Signal == "" {
		return string(s.Program)
	}
	return string(s.Program) + ", " + s.Signal
}

// Shows names the exit status, or the signal that ended the program.
func (*Stop) Shows() Shown { return Shown{Part: OutcomeExit} }

// AtHost returns the operation as it is: it has no host.
func (s *Stop) AtHost(string) Op { return Op{Stop: s} }
