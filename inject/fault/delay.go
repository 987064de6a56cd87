package fault

func (c *compilation) delay() (*Planned, error) {
	d := c.fault.Do.Delay
	switch viaTC := c.fault.Via == string(TC); {
	case viaTC && d.Distribution == "normal":
		return nil, c.needsQueue("draw jitter from a normal distribution")
	case viaTC && d.Jitter > 0 && d.Order != "free":
		return nil, c.needsQueue("keep packets in order under jitter (netem needs order: free)")
	}
	return c.netem("delay", Netem{Delay: timeOf(d.By), Jitter: timeOf(d.Jitter)})
}
