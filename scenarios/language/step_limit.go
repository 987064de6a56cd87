package language

import (
	"fmt"
	"time"
)

// Limit is setrlimit(2): it sets the soft limit of the process of the actor, and of the programs
// that it starts after that.
type Limit struct {
	Nofile int `json:"nofile" jsonschema_description:"RLIMIT_NOFILE, 32 to 1048576: one more than the highest file descriptor that the process may have. About a dozen are in use from the start."`
}

// lowNofile leaves an actor the descriptors that its runtime needs, and some for sockets.
const (
	lowNofile  = 32
	highNofile = 1 << 20 // fs.nr_open, as kernels have it
)

func (l *Limit) check(v *validation, _ *Actor, st *Step) {
	if l.Nofile < lowNofile || l.Nofile > highNofile {
		v.errorf(&l.Nofile, st.Pos,
			"limit: invalid nofile %d: want %d to %d", l.Nofile, lowNofile, highNofile)
	}
}

func (*Limit) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Limit) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Limit) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the limit.
func (l *Limit) Arguments() string { return fmt.Sprintf("nofile=%d", l.Nofile) }
