package fault

import "time"

// overtaking is how long netem delays a packet that others are to overtake.
const overtaking = 10 * time.Millisecond

// reorder makes netem pass most packets at once and delay some. If all were delayed, they would
// keep their order.
func (c *compilation) reorder() (*Planned, error) {
	p, rest := c.chanceOnly()
	switch viaTC := c.fault.Via == string(TC); {
	case viaTC && c.fault.Do.Reorder.By > 1:
		return nil, c.needsQueue("reorder by a number of packets (netem reorders by time)")
	case viaTC && p == 1:
		return nil, c.needsQueue("reorder all packets (netem needs a chance)")
	}
	return rest.netem("reorder", Netem{Delay: overtaking, AtOnce: 1 - p})
}
