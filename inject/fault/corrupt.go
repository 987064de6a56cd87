package fault

func (c *compilation) corrupt() (*Planned, error) {
	k := c.fault.Do.Corrupt
	if c.fault.Via == string(TC) && (k.Bytes > 1 || k.Offset != 0 || k.Checksum == "fix") {
		return nil, c.needsQueue("corrupt with bytes, offset or checksum (netem flips one random bit)")
	}
	p, rest := c.chanceOnly()
	return rest.netem("corrupt", Netem{Corrupt: p})
}
