package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

const (
	// lastLines is how many lines of a program are shown, the last ones.
	lastLines = 10
	// mostPrograms is how many programs are shown below the line of a run, the last ones: a step may be
	// done very often.
	mostPrograms = 6
)

// programsText shows the last lines of the programs of a run, of most at most (0 means all), but for
// those that skip holds for. Each line begins with indent. It is "" if there are none. The files with
// all that a program wrote are named where lines are left out, and where all programs are shown.
func programsText(
	r *result.Result, k Look, indent string, most int, skip func(*trace.Program) bool,
) string {
	t := r.Trace
	programs := slices.DeleteFunc(t.Programs(), func(p trace.ProgramRun) bool {
		return skip != nil && skip(t.Events[p.Started].Program)
	})
	var b strings.Builder
	if left := len(programs) - most; most > 0 && left > 0 {
		fmt.Fprintf(&b, "%s%s before these\n", indent, say.Count(left, "program"))
		programs = programs[left:]
	}
	for i := range programs {
		writeProgram(&b, t, &programs[i], k, indent)
		if p := &programs[i]; most == 0 || p.Cut >= 0 || len(p.Lines) > lastLines {
			writeLogs(&b, r, p, indent)
		}
	}
	return b.String()
}

func writeProgram(b *strings.Builder, t *trace.Trace, p *trace.ProgramRun, k Look, indent string) {
	width := cmp.Or(k.Width, 100)
	started := &t.Events[p.Started]
	head := programName(started.Program) + ": "
	fate := programFate(t, p)
	command := cut(say.Printable(strings.Join(started.Program.Command, " ")),
		max(width-widthOf(indent+head+fate)-3, 10), "…")
	fmt.Fprintf(b, "%s%s%s (%s)\n", indent, paint(k.Color, bold, head), command, fate)
	if p.Cut >= 0 {
		c := t.Events[p.Cut].Program
		fmt.Fprintf(b, "%s    ... %s of %s are not in the trace ...\n", indent,
			say.Count(c.Lines, "line"), say.Count(c.Bytes, "byte"))
	}
	lines := p.Lines
	if left := len(lines) - lastLines; left > 0 {
		fmt.Fprintf(b, "%s    ... %s before these ...\n", indent, say.Count(left, "line"))
		lines = lines[left:]
	}
	for _, i := range lines {
		e := &t.Events[i]
		mark := ""
		switch {
		case e.Line.Bytes > 0:
			mark = fmt.Sprintf("  (%d bytes)", e.Line.Bytes)
		case e.Line.Open:
			mark = "  (no newline)"
		}
		line := fmt.Sprintf("%s%9.3f %s  ", indent, (e.T - t.Started()).Seconds(), e.Line.Stream)
		text := say.Printable(strings.ReplaceAll(string(e.Line.Text), "\t", "    "))
		b.WriteString(line + cut(text, max(width-widthOf(line+mark), 20), "…") + mark + "\n")
	}
}

// writeLogs says which files have what a program wrote.
func writeLogs(b *strings.Builder, r *result.Result, run *trace.ProgramRun, indent string) {
	p := r.Trace.Events[run.Started].Program
	var files []string
	for _, stream := range []trace.Stream{trace.Stdout, trace.Stderr} {
		name := trace.LogName(hostOf(r.Scenario, p.Actor), p.Actor, p.Step, p.N, stream)
		if i := slices.IndexFunc(r.Logs, func(l result.Log) bool { return l.Name == name }); i >= 0 {
			size := say.Count(r.Logs[i].Bytes, "byte")
			if all := bytesOf(r.Trace, run, stream); all > r.Logs[i].Bytes {
				size = fmt.Sprintf("the first %s of %d", size, all)
			}
			files = append(files, fmt.Sprintf("%s (%s)", filepath.Join(r.Dir, name), size))
		}
	}
	if len(files) > 0 {
		fmt.Fprintf(b, "%s    files: %s\n", indent, say.Printable(strings.Join(files, ", ")))
	}
}

// bytesOf returns how many bytes a program wrote until it ended; 0 if that is not known.
func bytesOf(t *trace.Trace, run *trace.ProgramRun, stream trace.Stream) int64 {
	p := t.Events[run.Started].Program
	stdout, stderr := int64(0), int64(0)
	if run.Ended >= 0 && p.Beside {
		if printed := t.Events[run.Ended].Program.Printed; printed != nil {
			stdout, stderr = printed.StdoutBytes, printed.StderrBytes
		}
	}
	for i := range t.Events {
		if st := t.Events[i].Step; !p.Beside && st != nil && st.Actor == p.Actor && st.ID == p.Step && st.N == p.N {
			stdout, stderr = st.StdoutBytes, st.StderrBytes
		}
	}
	if stream == trace.Stderr {
		return stderr
	}
	return stdout
}

// programName names a program as references do: client.exec, client.exec[2].
func programName(p *trace.Program) string {
	name := p.Actor + "." + p.Step
	if p.N > 1 {
		name += fmt.Sprintf("[%d]", p.N)
	}
	return say.Printable(name)
}

// programFate says what became of a program, and of its lines: "exit 0 after 2.1s, 12 lines".
func programFate(t *trace.Trace, p *trace.ProgramRun) string {
	text := programEnd(t, p)
	n := int64(len(p.Lines))
	if p.Cut >= 0 {
		n += t.Events[p.Cut].Program.Lines
	}
	switch {
	case n == 0:
		text += ", printed nothing"
	case n > lastLines:
		text += ", " + say.Count(n, "line")
	}
	return text
}

// programEnd says how a program ended, and after how long.
func programEnd(t *trace.Trace, p *trace.ProgramRun) string {
	if p.Ended < 0 {
		return "still running at the end"
	}
	e := &t.Events[p.Ended]
	return exitText(e.Program) + " after " + say.Duration(e.T-t.Events[p.Started].T)
}

// listedPrograms returns whether a verdict has the lines of a program in its reason.
func listedPrograms(r *result.Result) func(*trace.Program) bool {
	listed := map[string]bool{}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Index < 0 || v.Index >= len(r.Scenario.Expect) || v.Status != assertions.Fail && v.Status != assertions.Inconclusive {
			continue
		}
		if x := r.Scenario.Expect[v.Index].Process; x != nil {
			actor, step, _ := language.StepRef(x.Process).Split()
			listed[actor+"."+step] = strings.Contains(v.Reason, "\n")
		}
	}
	return func(p *trace.Program) bool { return listed[p.Actor+"."+p.Step] }
}

// programRows has a row for the end of each program that ran beside the steps of its actor.
func programRows(s *language.Scenario, t *trace.Trace) []row {
	var rows []row
	for _, p := range t.Programs() {
		started := t.Events[p.Started].Program
		if !started.Beside || p.Ended < 0 {
			continue
		}
		e := &t.Events[p.Ended]
		rows = append(rows, row{
			at: e.T, host: hostOf(s, started.Actor), style: bold,
			text: actorPrefix(s, started.Actor) + programName(started) + " ended:",
			end:  " " + exitText(e.Program),
		})
	}
	return rows
}

// exitText says how a program ended.
func exitText(p *trace.Program) string {
	if p.Killed != "" {
		return "killed by SIG" + p.Killed
	}
	return fmt.Sprintf("exit %d", p.Exit)
}

// lineRows has a row for each line of the programs of a run, of most at most: the first and the last
// ones, and a remark in place of the others.
func lineRows(s *language.Scenario, t *trace.Trace, most int) []row {
	var lines []int
	for i := range t.Events {
		if t.Events[i].Line != nil {
			lines = append(lines, i)
		}
	}
	if most == 0 || len(lines) == 0 {
		return nil
	}
	rowOf := func(i int) row {
		e := &t.Events[i]
		return row{
			at: e.T, host: hostOf(s, e.Line.Actor), line: true, style: dim,
			text: actorPrefix(s, e.Line.Actor) + e.Line.Step + "| " +
				strings.ReplaceAll(string(e.Line.Text), "\t", "    "),
		}
	}
	head, tail := len(lines), len(lines)
	if len(lines) > most {
		head, tail = most*2/3, len(lines)-most/3
	}
	var rows []row
	for _, i := range lines[:head] {
		rows = append(rows, rowOf(i))
	}
	if tail > head {
		rows = append(rows, row{
			at: t.Events[lines[head]].T, elided: true, others: tail - head,
			text: fmt.Sprintf("... %s of programs more ...", say.Count(tail-head, "line")),
		})
	}
	for _, i := range lines[tail:] {
		rows = append(rows, rowOf(i))
	}
	return rows
}
