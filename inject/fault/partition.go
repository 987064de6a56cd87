package fault

import "halfopen/internal/code"

// partition drops the packets that a host sends, receives, or both, without notice to either side.
// The link itself stays up; a step of kind link takes the carrier away.
func (c *compilation) partition() (*Planned, error) {
	p := c.fault.Do.Partition
	if k := c.fault.Match.Beyond(); k != "" {
		return nil, c.errorf(code.ConflictingKeys,
			"partition cuts off a host, whatever its packets: remove %s", k)
	}
	list, err := c.addresses(p.Host)
	if err != nil {
		return nil, err
	}
	out, in := []string{"-s", list}, []string{"-d", list}
	specs := [][]string{out, in}
	switch p.Direction {
	case "in":
		specs = [][]string{in}
	case "out":
		specs = [][]string{out}
	}
	return c.chains("a partition is a stateless drop by address", specs, []string{"-j", "DROP"})
}
