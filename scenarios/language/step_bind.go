package language

import (
	"fmt"
	"time"
)

// Bind is bind(2).
type Bind struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N (its Nth address), or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"Port, 0 to 65535; 0 (default): the kernel chooses."`
}

func (b *Bind) check(v *validation, _ *Actor, st *Step) {
	v.localAddress(&b.Address, st.Pos, b.Address)
	v.port(&b.Port, st.Pos, 0)
}

func (*Bind) sockets(_ *validation, st *Step, made *socketsMade) {
	made.made(st.Socket, "sock")
	made.bound = true
}

func (*Bind) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Bind) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the address and port.
func (b *Bind) Arguments() string { return fmt.Sprintf("%s:%d", b.Address, b.Port) }

// Serves reports true: a datagram can arrive from now on.
func (*Bind) Serves() bool { return true }

// LocalPort returns the port.
func (b *Bind) LocalPort() int { return b.Port }
