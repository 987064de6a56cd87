package language

import (
	"path"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// maxNeeds bounds the programs that a scenario needs.
const maxNeeds = 64

// needs checks what the scenario asks the machine to have: names of programs, and absolute paths,
// which may be patterns.
func (v *validation) needs() {
	seen := map[string]bool{}
	for i := range v.s.Needs {
		need := &v.s.Needs[i]
		_, bad := path.Match(*need, "")
		switch {
		case *need == "" || strings.ContainsRune(*need, 0) || !path.IsAbs(*need) && strings.Contains(*need, "/"):
			v.errorf(code.InvalidPath, need, v.s.Pos,
				"needs: invalid program %q: want its name, or an absolute path", say.Clip(*need))
		case path.IsAbs(*need) && bad != nil:
			v.errorf(code.InvalidPattern, need, v.s.Pos,
				"needs: invalid pattern %q: want a [ to be closed", say.Clip(*need))
		case !path.IsAbs(*need) && strings.ContainsAny(*need, "*?["):
			v.errorf(code.InvalidPattern, need, v.s.Pos,
				"needs: %q: only an absolute path may be a pattern", say.Clip(*need))
		case seen[*need]:
			v.errorf(code.DuplicateEntry, need, v.s.Pos, "needs: %s is there twice", *need)
		}
		seen[*need] = true
	}
	if len(v.s.Needs) > 0 && !v.s.RunsPrograms() {
		v.errorf(code.NoEffect, &v.s.Needs, v.s.Pos, "needs: the scenario runs no program")
	}
}
