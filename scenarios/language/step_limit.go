package language

import (
	"fmt"
	"strings"
	"time"

	"halfopen/internal/code"
)

// Limit is setrlimit(2): it sets soft limits of the process of the actor, and of the programs that it
// starts after that.
type Limit struct {
	Nofile    int `json:"nofile,omitempty" jsonschema_description:"RLIMIT_NOFILE, 32 to 1048576: one more than the highest file descriptor that the process may have. About a dozen are in use from the start."`
	Processes int `json:"processes,omitempty" jsonschema_description:"RLIMIT_NPROC of the programs, 64 to 30000: how many processes and threads the lab may have when one of them starts another. Default: 4096. For root it needs Linux 6.14, holds for the whole lab, and up to 300 more are possible."`
}

const (
	// lowNofile leaves an actor the descriptors that its runtime needs, and some for sockets.
	lowNofile  = 32
	highNofile = 1 << 20 // fs.nr_open, as kernels have it
	// lowProcesses leaves a lab the threads of its own processes, about ten each.
	lowProcesses  = 64
	highProcesses = 30000 // kernel.pid_max is 32768 on small machines
)

// DefaultProcesses is the number of processes and threads of a lab at which its programs can start no
// more, unless a step sets another.
const DefaultProcesses = 4096

func (l *Limit) check(v *validation, _ *Actor, st *Step) {
	if l.Nofile == 0 && l.Processes == 0 {
		v.errorf(code.MissingKey, l, st.Pos, "limit: want nofile, processes, or both")
	}
	if l.Nofile != 0 && (l.Nofile < lowNofile || l.Nofile > highNofile) {
		v.errorf(code.OutOfRange, &l.Nofile, st.Pos,
			"limit: invalid nofile %d: want %d to %d", l.Nofile, lowNofile, highNofile)
	}
	if l.Processes != 0 && (l.Processes < lowProcesses || l.Processes > highProcesses) {
		v.errorf(code.OutOfRange, &l.Processes, st.Pos,
			"limit: invalid processes %d: want %d to %d", l.Processes, lowProcesses, highProcesses)
	}
}

func (*Limit) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Limit) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Limit) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the limits.
func (l *Limit) Arguments() string {
	var limits []string
	if l.Nofile != 0 {
		limits = append(limits, fmt.Sprintf("nofile=%d", l.Nofile))
	}
	if l.Processes != 0 {
		limits = append(limits, fmt.Sprintf("processes=%d", l.Processes))
	}
	return strings.Join(limits, ", ")
}
