package fault

// The defaults of a rate, in bytes. A burst must hold a whole packet of the usual MTU with its link layer header.
const (
	defaultQueue = 64 << 10
	defaultBurst = 3 << 10
)

func (c *compilation) rate() (*Planned, error) {
	r := c.fault.Do.Rate
	ends, err := c.wholeLink("rate")
	if err != nil {
		return nil, err
	}
	queue, burst := uint32(r.Queue), uint32(r.Burst)
	if queue == 0 {
		queue = defaultQueue
	}
	if burst == 0 {
		burst = defaultBurst
	}
	p := &Planned{Mechanism: TC, Why: "rate of a whole link: tc tbf is made for it"}
	for _, e := range ends {
		p.Rules = append(p.Rules, &QdiscRule{Host: e.host, Device: e.device, Rate: uint64(r.To), Queue: queue, Burst: burst})
	}
	return p, nil
}
