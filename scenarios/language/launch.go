package language

import (
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Launch is how a step runs a program.
type Launch struct {
	Command []string     `yaml:",short" json:"command" jsonschema_description:"Program and arguments; a single text is run by sh -c."`
	Stdin   string       `json:"stdin,omitempty" jsonschema_description:"Its standard input. Default: empty."`
	Env     *Environment `json:"env,omitempty" jsonschema_description:"Variables of its environment, NAME: VALUE, next to PATH, HOME, LANG, TZ, TERM and HALFOPEN_*; inherit: [NAME] takes more from the environment of halfopen."`
	User    string       `json:"user,omitempty" jsonschema_description:"The user that it runs as, without capabilities: a number, or a name of /etc/passwd, also with a group: postgres:ssl-cert. Default: root of the lab."`
	Dir     string       `json:"dir,omitempty" jsonschema_description:"Its working directory, absolute or below the default: the directory of the scenario's file, or its home directory if there is no file."`
}

// launch reads a step that runs a program, into v: a program and its arguments, or a command of the
// shell. The command may also stand in place of the list.
func (d *decoder) launch(n *yaml.Node, l *Launch, v reflect.Value) {
	if decode.IsScalar(n) && n.Value != "" {
		l.Command = []string{"sh", "-c", n.Value}
		return
	}
	d.Plain(n, v)
	l.Command = shellText(decode.Child(n, "command"), l.Command)
}

// shellText returns the command that n is: of a text, one for the shell. A list of one is a program.
func shellText(n *yaml.Node, command []string) []string {
	if n != nil && decode.IsScalar(n) && n.Value != "" && len(command) == 1 {
		return []string{"sh", "-c", n.Value}
	}
	return command
}

// check reports mistakes; field is the operation.
func (l *Launch) check(v *validation, field any, st *Step) {
	if len(l.Command) == 0 || l.Command[0] == "" {
		v.errorf(code.MissingValue, field, st.Pos,
			"%s: want a command, such as \"echo hello\"", st.Op.Kind())
	}
	if l.Env != nil {
		l.Env.check(v)
	}
	l.checkUser(v, st)
}

// Arguments returns the command.
func (l *Launch) Arguments() string { return strings.Join(l.Command, " ") }

// commandText returns a command as it was written.
func commandText(command []string) string {
	if len(command) == 3 && command[0] == "sh" && command[1] == "-c" {
		return command[2]
	}
	return strings.Join(command, " ")
}

// Commands returns the commands that the operation runs: that of its program, and the one that says
// whether the program is ready.
func (o *Op) Commands() [][]string {
	l := o.Launch()
	if l == nil {
		return nil
	}
	all := [][]string{l.Command}
	if o.Start != nil && o.Start.Ready != nil && len(o.Start.Ready.Exec) > 0 {
		all = append(all, o.Start.Ready.Exec)
	}
	return all
}

// Launch returns how the operation runs a program; nil if it runs none.
func (o *Op) Launch() *Launch {
	switch {
	case o.Exec != nil:
		return &o.Exec.Launch
	case o.Start != nil:
		return &o.Start.Launch
	}
	return nil
}

// boundsProgram reports whether the times of the operation only bound how long a program may take.
func (o *Op) boundsProgram() bool { return o.Launch() != nil || o.Stop != nil }

// RunsProgram reports whether the operation with that key runs a program.
func RunsProgram(key string) bool { return key == "exec" || key == "start" }

// RunsPrograms reports whether one of the steps, or of those in them, runs a program.
func RunsPrograms(steps []Step) bool {
	found := false
	EachStep(steps, func(st *Step) { found = found || st.Op.Launch() != nil })
	return found
}

// RunsPrograms reports whether a step of the scenario runs a program.
func (s *Scenario) RunsPrograms() bool {
	return slices.ContainsFunc(s.Actors, func(a Actor) bool { return RunsPrograms(a.Steps) })
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
			for _, command := range st.Op.Commands() {
				text := commandText(command)
				if !seen[text] {
					seen[text] = true
					all = append(all, RunProgram{a.Name, st.ID, st.Pos, text})
				}
			}
		})
	}
	return all
}
