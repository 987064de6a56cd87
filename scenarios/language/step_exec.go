package language

import (
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
)

// Exec runs a program on the host. The outcome has the exit status, and the first 64 KiB and
// the last 16 KiB each of what came on standard output and standard error until the program ended.
type Exec struct {
	Command []string     `yaml:",short" json:"command" jsonschema_description:"Program and arguments; a single text is run by sh -c."`
	Stdin   string       `json:"stdin,omitempty" jsonschema_description:"Its standard input. Default: empty."`
	Env     *Environment `json:"env,omitempty" jsonschema_description:"Variables of its environment, NAME: VALUE, next to PATH, HOME, LANG, TZ, TERM and HALFOPEN_*; inherit: [NAME] takes more from the environment of halfopen."`
	Dir     string       `json:"dir,omitempty" jsonschema_description:"Its working directory, absolute or below the default: the directory of the scenario's file, or its home directory if there is no file."`
	Timeout Duration     `json:"timeout,omitempty" jsonschema_description:"The program gets SIGTERM after this, SIGKILL a second later, and the step ends with ETIMEDOUT. Default: the scenario's deadline."`
}

// exec reads a program and its arguments, or a command of the shell. The command may also stand in
// place of the list.
func (d *decoder) exec(n *yaml.Node, e *Exec) {
	if decode.IsScalar(n) && n.Value != "" {
		e.Command = []string{"sh", "-c", n.Value}
		return
	}
	d.Plain(n, reflect.ValueOf(e).Elem())
	if c := decode.Child(n, "command"); c != nil && decode.IsScalar(c) && len(e.Command) == 1 {
		e.Command = []string{"sh", "-c", c.Value}
	}
}

func (e *Exec) check(v *validation, _ *Actor, st *Step) {
	if len(e.Command) == 0 || e.Command[0] == "" {
		v.errorf(e, st.Pos, "exec: want a command, such as \"echo hello\"")
	}
	if e.Env != nil {
		e.Env.check(v)
	}
}

func (*Exec) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (e *Exec) lasts() time.Duration { return time.Duration(e.Timeout) }

// Outcomes lists what expectations can judge. There is no result, because the step makes no system
// call.
func (*Exec) Outcomes() []Outcome { return []Outcome{OutcomeExit} }

// Arguments returns the command.
func (e *Exec) Arguments() string { return strings.Join(e.Command, " ") }

// Shows names the exit status, or the signal that ended the program.
func (*Exec) Shows() Shown { return Shown{Part: OutcomeExit} }

// RunsPrograms reports whether one of the steps, or of those in them, runs a program.
func RunsPrograms(steps []Step) bool {
	found := false
	EachStep(steps, func(st *Step) { found = found || st.Op.Exec != nil })
	return found
}

// RunProgram is a step that runs a program.
type RunProgram struct {
	// Actor and Step name it; Pos is its place in the file.
	Actor, Step string
	Pos         Pos
	// Command is what it runs: a text for the shell, or a program and its arguments.
	Command string
}

// Programs returns the steps that run programs, in the order of the file, one for each command.
func (s *Scenario) Programs() []RunProgram {
	var all []RunProgram
	seen := map[string]bool{}
	for i := range s.Actors {
		a := &s.Actors[i]
		EachStep(a.Steps, func(st *Step) {
			if st.Op.Exec == nil || seen[st.Op.Exec.text()] {
				return
			}
			command := st.Op.Exec.text()
			seen[command] = true
			all = append(all, RunProgram{a.Name, st.ID, st.Pos, command})
		})
	}
	return all
}

// text returns the command as it was written.
func (e *Exec) text() string {
	if len(e.Command) == 3 && e.Command[0] == "sh" && e.Command[1] == "-c" {
		return e.Command[2]
	}
	return e.Arguments()
}
