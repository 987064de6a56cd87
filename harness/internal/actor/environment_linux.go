package actor

import (
	"slices"
	"strings"
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
