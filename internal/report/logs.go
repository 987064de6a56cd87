package report

import (
	"fmt"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
)

// logs writes what programs print, as it comes, if it is asked for.
type logs struct {
	on   bool
	runs int
	look Look
}

func newLogs(o Output, k Look) logs { return logs{o.Logs, o.Runs, k} }

// event calls write for an event that is a line of a program.
func (l *logs) event(r *result.Run, e *trace.Event, write func(string)) {
	if !l.on {
		return
	}
	if line := logLine(r, e, l.look, l.runs); line != "" {
		write(line)
	}
}

// logLine returns a line that a program has just printed, for --logs: "server.web| listening". The
// prefix names the host and the program, of several runs also the run. It is "" for other events.
func logLine(r *result.Run, e *trace.Event, k Look, runs int) string {
	var actor, step string
	var n int
	var text string
	switch p := e.Program; {
	case e.Line != nil:
		l := e.Line
		actor, step, n = l.Actor, l.Step, l.N
		text = "| " + strings.ReplaceAll(string(l.Text), "\t", "    ")
		if l.Bytes > 0 {
			text += fmt.Sprintf(" ... (%d bytes)", l.Bytes)
		}
	case p != nil && p.What == trace.ProgramCut:
		actor, step, n = p.Actor, p.Step, p.N
		text = fmt.Sprintf(": %s of %s before the next ones are left out", say.Count(p.Lines, "line"),
			say.Count(p.Bytes, "byte"))
	default:
		return ""
	}
	prefix := hostOf(r.Scenario, actor) + "." + step
	if n > 1 {
		prefix += fmt.Sprintf("[%d]", n)
	}
	if runs > 1 {
		prefix = k.id(r) + " " + prefix
	}
	return k.plain(say.Printable(prefix + text))
}
