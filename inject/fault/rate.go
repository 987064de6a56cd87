package fault

import "halfopen/scenarios/language"

// The defaults of a rate, in bytes. A burst must hold a whole packet of the usual MTU with its link
// layer header.
const (
	defaultQueue = language.DefaultRateQueue
	defaultBurst = 3 << 10
)

func (c *compilation) rate() (*Planned, error) {
	r := c.fault.Do.Rate
	q := &Rate{To: uint64(r.To), Queue: uint32(r.Queue), Burst: uint32(r.Burst)}
	if q.Queue == 0 {
		q.Queue = defaultQueue
	}
	if q.Burst == 0 {
		q.Burst = defaultBurst
	}
	if c.fault.Via == string(TC) {
		return c.tc("rate", q)
	}
	// tc is made for the rate of a whole link. For anything less, nfqueue not only counts the
	// packets that had to wait but says which ones.
	_, whole, err := c.linkEnds("rate")
	switch {
	case err != nil:
		return nil, err
	case c.fault.Triggered():
		return nil, c.needsQueue("carry out rate with a trigger")
	case !whole || c.fault.At != "" && c.fault.At != "wire":
		return nil, &queueNeeded{
			what: "carry out rate",
			why:  "rate of selected packets: nfqueue says which had to wait; via: tc would use an htb",
		}
	}
	p, err := c.tc("rate", q)
	if err == nil {
		p.Why = "rate of a whole link: tc tbf is made for it"
	}
	return p, err
}
