package assertions

import (
	"fmt"
	"strings"

	"halfopen/harness/trace"
	"halfopen/internal/say"
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
	if st := ev.s.Step(actor, id); st != nil && st.Op.Start != nil {
		ev.programBeside(x, v)
		return
	}
	done := ev.outcomes(actor, id, n)
	asked := 1
	if n == 0 {
		asked = executions(ev.s, actor, id)
	}
	if len(done) < asked {
		ev.missing(&language.StepExpectation{Step: language.StepRef(x.Process)}, done,
			ev.inProgress(actor, id, n), asked, v)
		ev.listLastLines(actor, id, n, false, v)
	}
	for _, i := range done {
		event := &ev.t.Events[i]
		s := event.Step
		if s.Problem != "" {
			ev.reported[i] = true
			v.fail(ProgramNotRun, "a program that runs", "not run",
				fmt.Sprintf("%s could not be run: %s", ev.execution(i), s.Problem))
			continue
		}
		v.ended(x, s.Exit, s.Killed)
		if x.Took != nil {
			v.sawSpan("process took", "it took", x.Took, s.Began, event.T)
		}
		v.sawOutputs(x, ev.execution(i), &trace.Printed{
			Stdout: s.Stdout, StdoutEnd: s.StdoutEnd, StdoutBytes: s.StdoutBytes,
			Stderr: s.Stderr, StderrEnd: s.StderrEnd, StderrBytes: s.StderrBytes, Left: s.Left,
		})
	}
}

// programBeside judges a program of a start step, from its start to its end, in each of its
// executions.
func (ev *evidence) programBeside(x *language.ProcessExpectation, v *draft) {
	actor, id, n := language.StepRef(x.Process).Split()
	found := 0
	asked := 1
	if n == 0 {
		asked = executions(ev.s, actor, id)
	}
	for _, p := range ev.t.Programs() {
		started := &ev.t.Events[p.Started]
		if a := started.Program; a.Actor != actor || a.Step != id || n > 0 && a.N != n {
			continue
		}
		found++
		name := fmt.Sprintf("%s.%s[%d]", actor, id, started.Program.N)
		if p.Ended < 0 {
			v.fail(ProgramRunning, "the end of the program", "still running", name+" was still running when the run ended")
			ev.listLastLines(actor, id, started.Program.N, false, v)
			continue
		}
		e := &ev.t.Events[p.Ended]
		v.ended(x, e.Program.Exit, e.Program.Killed)
		if x.Took != nil {
			v.sawSpan("process took", "it took", x.Took, started.T, e.T)
		}
		switch printed := e.Program.Printed; {
		case printed != nil:
			v.sawOutputs(x, name, printed)
		case x.Stdout != nil || x.Stderr != nil:
			v.unseen("its output", "not kept", "what "+name+" printed is not known: the process of its actor "+
				"ended before it")
		}
	}
	if found >= asked {
		return
	}
	for _, i := range ev.outcomes(actor, id, n) {
		if s := ev.t.Events[i].Step; s.Problem != "" {
			ev.reported[i] = true
			v.fail(ProgramNotRun, "a program that runs", "not run",
				fmt.Sprintf("%s could not be run: %s", ev.execution(i), s.Problem))
			return
		}
	}
	v.fail(ProgramNotRun, say.Count(asked, "program"), fmt.Sprint(found),
		fmt.Sprintf("%s did not start: %s", x.Process, ev.whereIs(actor)))
}

// sawOutputs compares what a program printed with stdout and stderr, and lists it in a failure.
func (v *draft) sawOutputs(x *language.ProcessExpectation, name string, p *trace.Printed) {
	stdout := outputOf(p.Stdout, p.StdoutEnd, p.StdoutBytes)
	stderr := outputOf(p.Stderr, p.StderrEnd, p.StderrBytes)
	for _, o := range []struct {
		name string
		want *language.Text
		got  seenText
	}{{"stdout", x.Stdout, stdout}, {"stderr", x.Stderr, stderr}} {
		if o.want == nil {
			continue
		}
		if v.sawText(o.name, o.want, o.got); p.Left {
			v.note("a process that %s left running could still write: only what came until "+
				"the program ended is kept", name)
		}
	}
	if v.Status == Fail {
		v.listOutput("stdout of "+name, stdout)
		v.listOutput("stderr of "+name, stderr)
	}
}

// lastListed is how many lines of a program are listed that has not ended.
const lastListed = 10

// listLastLines lists what the executions of a step's program printed last, those that have not ended
// unless ended is set; n 0 means all.
func (ev *evidence) listLastLines(actor, id string, n int, ended bool, v *draft) {
	for _, p := range ev.t.Programs() {
		program := ev.t.Events[p.Started].Program
		if p.Ended >= 0 && !ended || program.Actor != actor || program.Step != id || n > 0 && n != program.N {
			continue
		}
		name := fmt.Sprintf("%s.%s[%d]", actor, id, program.N)
		if len(p.Lines) == 0 {
			v.list(name + " had printed nothing")
			continue
		}
		v.list("last lines of " + name + ":")
		for _, i := range p.Lines[max(len(p.Lines)-lastListed, 0):] {
			e := &ev.t.Events[i]
			v.list(fmt.Sprintf("  %9.3f %s  %s", (e.T - ev.started).Seconds(), e.Line.Stream,
				printable(string(e.Line.Text))))
		}
	}
}

// mostOfOutputs is how many bytes are kept of what a program writes to standard output, and of what
// it writes to standard error.
const mostOfOutputs = 64 << 10

func outputOf(kept, end trace.Output, written int64) seenText {
	got := seenText{text: string(kept), cut: written > int64(len(kept)), end: string(end), of: written}
	if written == 0 && len(kept) >= mostOfOutputs {
		got.cut = true // in traces of earlier versions, which do not say so
	}
	return got
}

// listOutput lists the lines that a program wrote.
func (v *draft) listOutput(name string, got seenText) {
	text := strings.TrimSpace(got.text)
	if text == "" {
		return
	}
	head := name
	if got.cut {
		head += ", " + got.part()
	}
	v.list(head + ":")
	lines := strings.Split(text, "\n")
	end := lines
	missing := len(lines) - beginningListed - endListed
	if got.end != "" {
		end = strings.Split(strings.TrimSpace(got.end), "\n")
	}
	if got.end == "" && missing <= 1 {
		v.listLines(lines)
		return
	}
	v.listLines(lines[:min(beginningListed, len(lines))])
	if got.end != "" {
		v.list("  ...")
	} else {
		v.list(fmt.Sprintf("  ... %d lines ...", missing))
	}
	v.listLines(end[max(len(end)-endListed, 0):])
}

// Of a long output, its first and its last lines are listed.
const (
	beginningListed = 6
	endListed       = 12
)

func (v *draft) listLines(lines []string) {
	for _, line := range lines {
		v.list("  " + printable(line))
	}
}

// actorProcess judges the process of an actor. Its duration counts from the start of the actors.
func (ev *evidence) actorProcess(x *language.ProcessExpectation, v *draft) {
	if e := ev.processEnd(x.Process); e != nil {
		v.ended(x, e.Process.Exit, e.Process.Signal)
		if x.Took != nil {
			v.sawSpan("process took", "it took", x.Took, ev.started, e.T)
		}
		return
	}
	v.fail(ProgramRunning, "the end of the process", "none",
		fmt.Sprintf("the process of %s had not ended when the run did: %s", x.Process,
			ev.whereIs(x.Process)))
}

// ended compares how a process ended with exit and signal.
func (v *draft) ended(x *language.ProcessExpectation, exit int, signal string) {
	signal = strings.TrimPrefix(signal, "SIG")
	if x.Exit != nil {
		v.saw(ProgramExit, signal == "" && x.Exit.Contains(int64(exit)), "exit status "+x.Exit.String(),
			exitText(exit, signal))
	}
	if x.Signal != "" {
		v.saw(ProgramExit, signal == strings.TrimPrefix(x.Signal, "SIG"),
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
