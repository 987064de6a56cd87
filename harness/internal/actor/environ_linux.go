package actor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/harness/internal/sandbox"
	"halfopen/scenarios/language"
)

// passed are the variables of the environment of halfopen that every program gets, if they are set:
// where programs are, and how people and terminals want their text.
var passed = []string{"PATH", "LANG", "TZ", "TERM"}

// environ returns the environment of a program, NAME=VALUE.
func environ(e *language.Environment) []string {
	env := []string{"HOME=" + sandbox.Home}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(passed, name) || strings.HasPrefix(name, "HALFOPEN_") ||
			e != nil && slices.Contains(e.Inherit, name) {
			env = append(env, v)
		}
	}
	if e != nil {
		for _, v := range e.Variables {
			env = append(env, v.Name+"="+v.Value) // the last of a name counts (os/exec)
		}
	}
	return env
}

// directory returns the working directory of a program: dir, below that of the actor's programs.
func (s *session) directory(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(s.Dir, dir)
}
