package language

import (
	"time"

	"halfopen/internal/code"
)

// Shutdown is shutdown(2).
type Shutdown struct {
	How string `yaml:",short" json:"how,omitempty" jsonschema:"enum=read,enum=write,enum=both" jsonschema_description:"What to shut down: read (SHUT_RD), write (SHUT_WR) or both (SHUT_RDWR)."`
}

func (s *Shutdown) check(v *validation, _ *Actor, st *Step) {
	if s.How == "" {
		v.errorf(code.MissingValue, s, st.Pos, "shutdown: want read, write or both")
	}
}

func (*Shutdown) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Shutdown) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Shutdown) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the direction.
func (s *Shutdown) Arguments() string { return s.How }
