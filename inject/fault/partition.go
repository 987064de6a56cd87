package fault

// partition drops what a host sends, what it is sent, or both, so that nobody is told; the link itself stays up. A step
// of kind link takes the carrier away.
func (c *compilation) partition() (*Planned, error) {
	p := c.fault.Do.Partition
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
