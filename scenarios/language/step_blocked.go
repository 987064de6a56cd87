package language

import (
	"time"

	"halfopen/internal/code"
)

// Blocked finds out which system call the step of another actor is blocked in, as /proc/PID/syscall
// and strace -p show. The text of the outcome is the name of the call. If steps run in parallel, it
// has the calls of all blocked ones, in the order in which the steps are written.
type Blocked struct {
	Actor string `yaml:",short" json:"actor" jsonschema_description:"The actor to look at; not the step's own."`
}

func (b *Blocked) check(v *validation, a *Actor, st *Step) {
	if b.Actor == a.Name {
		v.errorf(code.WrongStep, &b.Actor, st.Pos,
			"blocked: the actor %s is not blocked while it asks about itself; name another actor, or ask from another",
			a.Name)
		return
	}
	v.actorRef(&b.Actor, st.Pos, b.Actor)
}

func (*Blocked) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Blocked) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Blocked) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeText} }

// Arguments returns the other actor.
func (b *Blocked) Arguments() string { return b.Actor }

// Shows names the names of the system calls.
func (*Blocked) Shows() Shown { return Shown{Part: OutcomeText, Nothing: "no system call"} }

// AtHost returns the operation as it is: it has no host.
func (b *Blocked) AtHost(string) Op { return Op{Blocked: b} }
