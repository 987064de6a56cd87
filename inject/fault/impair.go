package fault

// Duplication and corruption of every packet of a link have no use, and netem's probabilities cannot repeat a seed, so
// these are planned only where via: tc asks for netem in so many words.

func (c *compilation) duplicate() (*Planned, error) {
	if c.fault.Via != string(TC) {
		return nil, c.needsQueue("duplicate")
	}
	if c.fault.Do.Duplicate.Copies > 1 {
		return nil, c.needsQueue("more than one copy")
	}
	p, ok := c.chanceOnly()
	if !ok {
		return nil, c.needsQueue("duplicate with a trigger other than chance")
	}
	return c.withoutChance().netem("duplicate", Netem{Duplicate: p})
}

func (c *compilation) corrupt() (*Planned, error) {
	if c.fault.Via != string(TC) {
		return nil, c.needsQueue("corrupt")
	}
	k := c.fault.Do.Corrupt
	if k.Bytes > 1 || k.Offset != 0 || k.Checksum == "fix" {
		return nil, c.needsQueue("corrupt with bytes, offset or checksum (netem flips one random bit)")
	}
	p, ok := c.chanceOnly()
	if !ok {
		return nil, c.needsQueue("corrupt with a trigger other than chance")
	}
	return c.withoutChance().netem("corrupt", Netem{Corrupt: p})
}

// chanceOnly returns the fault's probability, 1 where it has none; ok is false where it has another trigger.
func (c *compilation) chanceOnly() (p float64, ok bool) {
	f := *c.fault
	if f.Chance == nil {
		return 1, !f.Triggered()
	}
	p = float64(*f.Chance)
	f.Chance = nil
	return p, !f.Triggered()
}

func (c *compilation) withoutChance() *compilation {
	fault := *c.fault
	fault.Chance = nil
	return &compilation{fault: &fault, topology: c.topology, features: c.features}
}
