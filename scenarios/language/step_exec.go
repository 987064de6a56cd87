package language

import (
	"reflect"
	"time"

	"gopkg.in/yaml.v3"
)

// Exec runs a program on the host and waits for it. The outcome has the exit status, and the first 64
// KiB and the last 16 KiB each of what came on standard output and standard error until the program
// ended.
type Exec struct {
	Launch  `yaml:",short"`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"The program gets SIGTERM after this, SIGKILL a second later, and the step ends with ETIMEDOUT. Default: the scenario's deadline."`
}

func (d *decoder) exec(n *yaml.Node, e *Exec) {
	d.launch(n, &e.Launch, reflect.ValueOf(e).Elem())
}

func (e *Exec) check(v *validation, _ *Actor, st *Step) { e.Launch.check(v, e, st) }

func (*Exec) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (e *Exec) lasts() time.Duration { return time.Duration(e.Timeout) }

// Outcomes lists what expectations can judge. There is no result, because the step makes no system
// call.
func (*Exec) Outcomes() []Outcome { return []Outcome{OutcomeExit} }

// Shows names the exit status, or the signal that ended the program.
func (*Exec) Shows() Shown { return Shown{Part: OutcomeExit} }
