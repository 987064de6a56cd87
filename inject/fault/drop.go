package fault

import (
	"strings"

	"halfopen/internal/code"
)

// drop is an iptables rule. With via: tc it is a loss by chance, which netem hides from senders, or
// a queue without room at a host's output, which that host's stack notices.
func (c *compilation) drop() (*Planned, error) {
	switch {
	case c.fault.Via != string(TC):
		return c.stateless("stateless drop", "-j", "DROP")
	case c.fault.Chance != nil:
		p, rest := c.chanceOnly()
		return rest.netem("loss", Netem{Loss: p})
	case !strings.HasSuffix(c.fault.At, ".output"):
		return nil, c.errorf(code.WrongMechanism,
			`tc drops only by chance, or everything at HOST.output; remove "via" to use iptables`)
	}
	return c.tc("local drop", Full{})
}
