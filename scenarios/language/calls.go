package language

import "halfopen/internal/code"

// CallsBy is how the calls of programs are seen where the kernel's tracepoints do not show them.
type CallsBy string

// CallsByStrace runs programs under strace(1) there.
const CallsByStrace CallsBy = "strace"

// calls checks that there are programs whose calls can be seen.
func (v *validation) calls() {
	if v.s.Calls != "" && !v.s.RunsPrograms() {
		v.errorf(code.NoEffect, &v.s.Calls, v.s.Pos, "calls: the scenario runs no program")
	}
}
