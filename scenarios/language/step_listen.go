package language

import (
	"fmt"
	"time"

	"halfopen/internal/code"
)

// Listen is listen(2). If there is no socket yet, it also does socket(2), SO_REUSEADDR 1 and
// bind(2).
type Listen struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N (its Nth address), or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"Port, 1 to 65535; required unless the socket is bound."`
	Backlog *int   `json:"backlog,omitempty" jsonschema_description:"Length of the accept queue as given to listen(). Default: 128."`
}

func (l *Listen) check(v *validation, _ *Actor, st *Step) {
	v.localAddress(&l.Address, st.Pos, l.Address)
	v.port(&l.Port, st.Pos, 1)
	if b := l.Backlog; b != nil && *b < 0 {
		v.errorf(code.OutOfRange, b, st.Pos, "invalid backlog %d: want 0 or more", *b)
	}
}

func (l *Listen) sockets(v *validation, st *Step, made *socketsMade) {
	if !v.has(&l.Port) && !made.bound {
		v.errorf(code.MissingStep, l, st.Pos,
			"listen needs a port; name one, or add a bind step before it")
	}
	made.made(st.Socket, "listener")
	made.listener = true
}

func (*Listen) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Listen) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the port, if the step binds the socket.
func (l *Listen) Arguments() string {
	if l.Port == 0 {
		return ""
	}
	return fmt.Sprintf(":%d", l.Port)
}

// Serves reports true: a connection can arrive from now on.
func (*Listen) Serves() bool { return true }

// LocalPort returns the port.
func (l *Listen) LocalPort() int { return l.Port }
