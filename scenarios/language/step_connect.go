package language

import "time"

// Connect is connect(2).
type Connect struct {
	To       string `yaml:",short" json:"to" jsonschema_description:"HOST:PORT, HOST.N:PORT (its Nth address), HOST.absent:PORT (an address of its subnet that nobody has) or ADDRESS:PORT."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"true: O_NONBLOCK, on a socket that this step makes."`
}

func (c *Connect) check(v *validation, _ *Actor, st *Step) { v.target(&c.To, st.Pos, c.To) }

func (*Connect) sockets(_ *validation, st *Step, made *socketsMade) {
	made.made(st.Socket, "sock")
	made.connection = true
}

func (*Connect) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Connect) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the destination.
func (c *Connect) Arguments() string { return c.To }
