package language

import "time"

// Kill sends a signal to the process of an actor.
type Kill struct {
	Actor   string `yaml:",short" json:"actor" jsonschema_description:"The actor whose process gets the signal."`
	Signal  string `json:"signal,omitempty" jsonschema_description:"The signal: KILL (default; the step ends when the process is gone), TERM, STOP, CONT, USR1, ..."`
	Restart *bool  `json:"restart,omitempty" jsonschema_description:"For USR1: whether its handler is installed with SA_RESTART. Default: true."`
}

func (k *Kill) check(v *validation, _ *Actor, st *Step) {
	v.actorRef(&k.Actor, st.Pos, k.Actor)
	if k.Signal != "" {
		v.oneOf(&k.Signal, st.Pos, "signal", k.Signal, signalNames())
	}
	if k.Restart != nil && k.Signal != "USR1" {
		v.errorf(k.Restart, st.Pos,
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

// Arguments returns the actor, and the signal unless it is KILL.
func (k *Kill) Arguments() string {
	if k.SignalOrDefault() == "KILL" {
		return k.Actor
	}
	return k.Actor + ", " + k.Signal
}

// AtHost returns the operation as it is: it has no host.
func (k *Kill) AtHost(string) Op { return Op{Kill: k} }
