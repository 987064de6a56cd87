package fault

func (c *compilation) duplicate() (*Planned, error) {
	if c.fault.Via == string(TC) && c.fault.Do.Duplicate.Copies > 1 {
		return nil, c.needsQueue("make more than one copy")
	}
	p, rest := c.chanceOnly()
	return rest.netem("duplicate", Netem{Duplicate: p})
}
