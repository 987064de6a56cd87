package language

import (
	"cmp"
	"strings"
	"time"

	"halfopen/internal/code"
)

// Kill sends a signal to the process of an actor, or of a program.
type Kill struct {
	Actor   string  `yaml:",short" json:"actor,omitempty" jsonschema_description:"The actor whose process gets the signal; its programs do not get it."`
	Program StepRef `json:"program,omitempty" jsonschema_description:"In place of an actor, a program: ACTOR.STEP of a step start, or of a step exec in progress."`
	Signal  string  `json:"signal,omitempty" jsonschema_description:"The signal: KILL (default; the step ends when the process is gone), TERM, STOP, CONT, USR1, ..."`
	Restart *bool   `json:"restart,omitempty" jsonschema_description:"For USR1: whether its handler is installed with SA_RESTART. Default: true."`
}

func (k *Kill) check(v *validation, _ *Actor, st *Step) {
	switch {
	case k.Actor != "" && k.Program != "":
		v.errorf(code.ConflictingKeys, &k.Program, st.Pos,
			"kill: want an actor or a program, not both")
	case k.Actor == "" && k.Program == "":
		v.errorf(code.MissingValue, k, st.Pos, "kill: want an actor, or {program: ACTOR.STEP}")
	case k.Program != "":
		v.programRef(&k.Program, st.Pos, k.Program)
	case strings.Contains(k.Actor, "."):
		v.errorf(code.UnknownName, &k.Actor, st.Pos,
			"unknown actor %q; for a program write {program: %[1]s}", k.Actor)
	default:
		v.actorRef(&k.Actor, st.Pos, k.Actor)
	}
	if k.Signal != "" {
		v.oneOf(&k.Signal, st.Pos, "signal", k.Signal, signalNames())
	}
	if k.Restart != nil && k.Program != "" {
		v.errorf(code.MisplacedKey, k.Restart, st.Pos,
			"restart is only for actors: a program has its own handlers")
	} else if k.Restart != nil && k.Signal != "USR1" {
		v.errorf(code.MisplacedKey, k.Restart, st.Pos,
			"restart is only for the signal USR1; set signal: USR1, or remove restart")
	}
}

// SignalOrDefault returns the name of the signal, without SIG.
func (k *Kill) SignalOrDefault() string {
	if k.Signal == "" {
		return "KILL"
	}
	return k.Signal
}

func (*Kill) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Kill) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Kill) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the actor or the program, and the signal unless it is KILL.
func (k *Kill) Arguments() string {
	who := cmp.Or(k.Actor, string(k.Program))
	if k.SignalOrDefault() == "KILL" {
		return who
	}
	return who + ", " + k.Signal
}

// AtHost returns the operation as it is: it has no host.
func (k *Kill) AtHost(string) Op { return Op{Kill: k} }
