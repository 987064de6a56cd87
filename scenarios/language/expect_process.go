package language

import (
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
)

// ProcessExpectation judges a program that a step ran, from its start to its end, or the process of an actor.
type ProcessExpectation struct {
	Process string `json:"process" jsonschema_description:"ACTOR.STEP of a step exec or start, or ACTOR."`
	Exit    *Count `json:"exit,omitempty" jsonschema_description:"Exit status, 0 to 255."`
	Signal  string `json:"signal,omitempty" jsonschema_description:"Signal that ended it: KILL, TERM, ..."`
	Stdout  *Text  `json:"stdout,omitempty" jsonschema_description:"Standard output until the program ended, the first 64 KiB and the last 16 KiB; not of an actor."`
	Stderr  *Text  `json:"stderr,omitempty" jsonschema_description:"Standard error until the program ended, the first 64 KiB and the last 16 KiB; not of an actor."`
	Took    *Span  `json:"took,omitempty" jsonschema_description:"Duration; of an actor, from the start of the actors."`
}

func (p *ProcessExpectation) check(v *validation, pos Pos) {
	actor, id, n := StepRef(p.Process).Split()
	switch {
	case actor != "":
		if st := v.stepRef(&p.Process, pos, actor, id, n); st != nil && st.Op.Launch() == nil {
			v.errorf(code.WrongStep, &p.Process, pos,
				"%s (%s) runs no program; want a step exec or start, or an actor",
				p.Process, st.Op.Kind())
		}
	case !slices.Contains(v.actors, p.Process):
		v.actorRef(&p.Process, pos, p.Process)
	case p.Stdout != nil || p.Stderr != nil:
		v.errorf(code.WrongStep, &p.Process, pos,
			"the process of the actor %s prints nothing; want an exec step, such as %s.exec",
			p.Process, p.Process)
	}
	if p.Exit != nil && p.Signal != "" {
		v.errorf(code.ConflictingKeys, &p.Signal, pos,
			"want exit or signal, not both: a process ended by a signal has no exit status")
	}
	if p.Exit != nil && (p.Exit.Max < 0 || p.Exit.Min > 255) {
		v.errorf(code.OutOfRange, p.Exit, pos, "invalid exit %q: want 0 to 255", p.Exit)
	}
	if p.Signal != "" {
		v.oneOf(&p.Signal, pos, "signal", p.Signal, signalNames())
	}
	if *p == (ProcessExpectation{Process: p.Process}) {
		v.errorf(code.MissingKey, &p.Process, pos,
			"process: want at least one of exit, signal, stdout, stderr and took")
	}
	for _, t := range []*Text{p.Stdout, p.Stderr} {
		if t != nil {
			v.text(t, pos)
		}
	}
}

// String is the title of its verdict: "process client.exec: exit 7, stderr containing "refused"".
func (p *ProcessExpectation) String() string {
	var parts []string
	if p.Exit != nil {
		parts = append(parts, "exit "+p.Exit.String())
	}
	if p.Signal != "" {
		parts = append(parts, "killed by SIG"+strings.TrimPrefix(p.Signal, "SIG"))
	}
	if p.Stdout != nil {
		parts = append(parts, "stdout "+p.Stdout.String())
	}
	if p.Stderr != nil {
		parts = append(parts, "stderr "+p.Stderr.String())
	}
	if p.Took != nil {
		parts = append(parts, "after "+p.Took.Source)
	}
	return "process " + p.Process + ": " + strings.Join(parts, ", ")
}

func (p *ProcessExpectation) lasts(latest bool) time.Duration { return lastsOf(p.Took, latest) }

func (*ProcessExpectation) begins() EventRef { return "" }

func (p *ProcessExpectation) observed() bool { return false }

func (p *ProcessExpectation) sampledAt() []EventRef { return nil }
