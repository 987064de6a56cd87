package actor

import (
	"os"
	"slices"
	"strings"

	"halfopen/harness/internal/sandbox"
	"halfopen/scenarios/language"
)

// quiet is the setting of Go's runtime with which it does not interrupt system calls by its signals.
// It counts only at the start of a process.
const quiet = "asyncpreemptoff=1"

const debug = "GODEBUG="

// Environment returns the environment of an actor's process, made from that of its parent.
func Environment(parent []string) []string {
	env := slices.Clone(parent)
	i := slices.IndexFunc(env, isDebug)
	if i < 0 {
		return append(env, debug+quiet)
	}
	// Of two variables with one name, the runtime reads the first.
	env[i] += "," + quiet
	return env
}

// forPrograms returns the environment of the programs of an actor, made from the actor's: that of the
// parent again.
func forPrograms(env []string) []string {
	env = slices.Clone(env)
	i := slices.IndexFunc(env, isDebug)
	if i < 0 {
		return env
	}
	if value, ok := strings.CutSuffix(env[i], ","+quiet); ok {
		env[i] = value
	} else if env[i] == debug+quiet {
		env = slices.Delete(env, i, i+1)
	}
	return env
}

func isDebug(variable string) bool { return strings.HasPrefix(variable, debug) }

// environ returns the environment of a program of a step, NAME=VALUE. "ps e" shows which program a
// process belongs to.
func (s *session) environ(step string, l *language.Launch) []string {
	return environment(s.Host, s.Actor+"."+step, s.Users[l.OtherUser()], l.Env)
}

// environment returns the environment of a program on a host. program names it as ACTOR.STEP; a program
// that is run by hand has no such name. as is the user that it runs as; nil is root of the lab.
func environment(host, program string, as *User, e *language.Environment) []string {
	env := []string{"HOME=" + sandbox.Home}
	if as != nil {
		env = []string{"HOME=" + as.Home, "USER=" + as.Name, "LOGNAME=" + as.Name}
	}
	for _, v := range forPrograms(os.Environ()) {
		name, _, _ := strings.Cut(v, "=")
		if e.PassesOn(name) {
			env = append(env, v)
		}
	}
	env = append(env, "HALFOPEN_HOST="+host)
	if program != "" {
		env = append(env, "HALFOPEN_PROGRAM="+program)
	}
	if e != nil {
		for _, v := range e.Variables {
			env = append(env, v.Name+"="+v.Value) // the last of a name counts (os/exec)
		}
	}
	return env
}
