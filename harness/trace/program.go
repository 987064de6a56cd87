package trace

import "fmt"

// Program is a change of a program that a step of an actor runs.
type Program struct {
	Actor string `json:"actor"`
	Step  string `json:"step"`
	// N counts the executions of the step, from 1.
	N    int           `json:"n"`
	What ProgramChange `json:"what"`
	// PID is the number of its process in the lab's PID namespace.
	PID int `json:"pid,omitempty"`
	// Command is the program and its arguments, set with ProgramStarted.
	Command []string `json:"command,omitempty"`
	// Exit and Killed are as in [Step], set with ProgramEnded.
	Exit   int    `json:"exit,omitempty"`
	Killed string `json:"killed,omitempty"`
	// Beside is set for a program of a start step, which may run on after its step. Printed is what it
	// wrote, set with ProgramEnded, nil if its actor ended before it.
	Beside  bool     `json:"beside,omitempty"`
	Printed *Printed `json:"printed,omitempty"`
	// Lines and Bytes are how much is left out, set with ProgramCut.
	Lines int64 `json:"lines,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
}

// Printed is what a program wrote until it ended, as the fields of these names in [Step].
type Printed struct {
	Stdout      Output `json:"stdout,omitempty"`
	Stderr      Output `json:"stderr,omitempty"`
	StdoutEnd   Output `json:"stdout_end,omitempty"`
	StderrEnd   Output `json:"stderr_end,omitempty"`
	StdoutBytes int64  `json:"stdout_bytes,omitempty"`
	StderrBytes int64  `json:"stderr_bytes,omitempty"`
	Left        bool   `json:"left,omitempty"`
}

// ProgramChange is the subject of a [Program] event.
type ProgramChange string

// The changes of a program.
const (
	// ProgramStarted says that the kernel has executed it (execve(2)).
	ProgramStarted ProgramChange = "started"
	// ProgramReady says that it is ready, as its start step wants it.
	ProgramReady ProgramChange = "ready"
	// ProgramEnded says that its process has ended.
	ProgramEnded ProgramChange = "ended"
	// ProgramCut says that lines of the program are left out of the trace, from T on, because there
	// were too many. Its last lines, which follow, are not among those.
	ProgramCut ProgramChange = "cut"
)

// Line is a line that a program wrote. The event's T is the time at which its end was read, within
// the lateness of the machine.
type Line struct {
	Actor string `json:"actor"`
	Step  string `json:"step"`
	// N counts the executions of the step, from 1.
	N      int    `json:"n"`
	Stream Stream `json:"stream"`
	// Text is the line without its newline, or its first 4096 bytes.
	Text Output `json:"text"`
	// Bytes is the length of a line of which Text is only the beginning; 0 for all others.
	Bytes int64 `json:"bytes,omitempty"`
	// Open is set if the program, or the run, ended before a newline came.
	Open bool `json:"open,omitempty"`
}

// Stream is an output of a program.
type Stream string

// The streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// LogName returns the name of the file with all that a program wrote to a stream, in the directory of a
// stored run: server.web.stdout is of the step web on the host server. The actor is named if its name is
// not the host's, and the execution of the step from the second on: server.worker.web+2.stdout.
func LogName(host, actor, step string, n int, stream Stream) string {
	name := host + "."
	if actor != host {
		name += actor + "."
	}
	name += step
	if n > 1 {
		name += fmt.Sprintf("+%d", n)
	}
	return name + "." + string(stream)
}

// ProgramRun is a program of a run, from its start to its end.
type ProgramRun struct {
	// Started is the index of its [ProgramStarted] in the trace, Ended that of its [ProgramEnded]; -1
	// if it was still running when the run ended.
	Started, Ended int
	// Lines are the indexes of its lines, in order.
	Lines []int
	// Cut is the index of its [ProgramCut]; -1 if all lines are there.
	Cut int
}

// Programs returns the programs of a run, in the order of their starts. A trace of an earlier version
// has none.
func (t *Trace) Programs() []ProgramRun {
	type key struct {
		actor, step string
		n           int
	}
	var all []ProgramRun
	index := map[key]int{}
	for i := range t.Events {
		e := &t.Events[i]
		switch {
		case e.Line != nil:
			if k, ok := index[key{e.Line.Actor, e.Line.Step, e.Line.N}]; ok {
				all[k].Lines = append(all[k].Lines, i)
			}
		case e.Program != nil:
			p := e.Program
			k, ok := index[key{p.Actor, p.Step, p.N}]
			switch {
			case p.What == ProgramStarted:
				index[key{p.Actor, p.Step, p.N}] = len(all)
				all = append(all, ProgramRun{Started: i, Ended: -1, Cut: -1})
			case !ok:
			case p.What == ProgramEnded:
				all[k].Ended = i
			case p.What == ProgramCut:
				all[k].Cut = i
			}
		}
	}
	return all
}
