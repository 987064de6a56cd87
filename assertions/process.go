package assertions

import (
	"fmt"
	"strings"

	"halfopen/scenarios/language"
)

// judgeProcess judges a program that an exec step ran, in each of its executions, or the process of
// an actor. It judges only the keys given; but with exit, a program that a signal killed fails
// whatever the status.
func judgeProcess(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Process
	actor, id, n := language.StepRef(x.Process).Split()
	if actor == "" {
		ev.actorProcess(x, v)
		return
	}
	done := ev.outcomes(actor, id, n)
	if len(done) == 0 {
		ev.missing(&language.StepExpectation{Step: language.StepRef(x.Process)}, nil,
			ev.inProgress(actor, id, n), 1, v)
		return
	}
	for _, i := range done {
		event := &ev.t.Events[i]
		s := event.Step
		if s.Problem != "" {
			v.fail("a program that runs", "not run",
				fmt.Sprintf("%s could not be run: %s", ev.execution(i), s.Problem))
			continue
		}
		v.ended(x, s.Exit, s.Killed)
		if x.Took != nil {
			v.sawSpan("it took", x.Took, event.T-s.Began)
		}
		for _, o := range []struct {
			name string
			want *language.Text
			got  string
		}{{"stdout", x.Stdout, s.Stdout}, {"stderr", x.Stderr, s.Stderr}} {
			if o.want != nil {
				v.saw(textHolds(o.want, o.got), o.name+" "+o.want.String(),
					o.name+" "+quoted(o.got))
			}
		}
		if v.Status == Fail {
			for _, o := range []struct{ name, text string }{{"stdout", s.Stdout}, {"stderr", s.Stderr}} {
				if text := strings.TrimSpace(o.text); text != "" {
					v.list(fmt.Sprintf("%s of %s:", o.name, ev.execution(i)))
					for line := range strings.Lines(text) {
						v.list("  " + strings.TrimRight(line, "\n"))
					}
				}
			}
		}
	}
}

// actorProcess judges the process of an actor. Its duration counts from the start of the actors.
func (ev *evidence) actorProcess(x *language.ProcessExpectation, v *draft) {
	for i := range ev.t.Events {
		if p := ev.t.Events[i].Process; p != nil && p.Actor == x.Process {
			v.ended(x, p.Exit, p.Signal)
			if x.Took != nil {
				v.sawSpan("it took", x.Took, ev.t.Events[i].T-ev.started)
			}
			return
		}
	}
	v.fail("the end of the process", "none",
		fmt.Sprintf("the process of %s had not ended when the run did: %s", x.Process,
			ev.whereIs(x.Process)))
}

// ended compares how a process ended with exit and signal.
func (v *draft) ended(x *language.ProcessExpectation, exit int, signal string) {
	signal = strings.TrimPrefix(signal, "SIG")
	if x.Exit != nil {
		v.saw(signal == "" && x.Exit.Contains(int64(exit)), "exit status "+x.Exit.String(),
			exitText(exit, signal))
	}
	if x.Signal != "" {
		v.saw(signal == strings.TrimPrefix(x.Signal, "SIG"),
			"killed by SIG"+strings.TrimPrefix(x.Signal, "SIG"), exitText(exit, signal))
	}
}

// exitText says how a process ended.
func exitText(exit int, signal string) string {
	if signal != "" {
		return "killed by SIG" + strings.TrimPrefix(signal, "SIG")
	}
	return fmt.Sprintf("exit status %d", exit)
}
