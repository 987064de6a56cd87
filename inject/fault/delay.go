package fault

func (c *compilation) delay() (*Planned, error) {
	d := c.fault.Do.Delay
	switch viaTC := c.fault.Via == string(TC); {
	case viaTC && d.Distribution == "normal":
		return nil, c.needsQueue("normal jitter")
	case viaTC && d.Jitter > 0 && d.Order != "free":
		return nil, c.needsQueue("jitter that keeps the order (netem's reorders: order: free)")
	}
	return c.netem("delay", Netem{Delay: timeOf(d.By), Jitter: timeOf(d.Jitter)})
}
