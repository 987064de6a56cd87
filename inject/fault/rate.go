package fault

import (
	"math"

	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

func (c *compilation) rate() (*Planned, error) {
	r := c.fault.Do.Rate
	q := &Rate{To: uint64(r.To), Queue: uint32(r.QueueLength()), Burst: uint32(r.BurstLength())}
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

// checkBurst refuses a burst that tc cannot set: it hands the kernel the time that the burst takes,
// in whole microseconds, as a number of 32 bits in units of 64 ns (psched_tick in
// net/sched/sch_api.c). The classes of htb take less than a microsecond for none.
func (c *compilation) checkBurst(q *Rate, class bool) error {
	const least, most = 1e-6, 274 // seconds
	bytes := float64(q.To) / 8    // in a second
	switch takes := float64(q.Burst) / bytes; {
	case takes < least && !class:
		return c.errorf(code.OutOfRange,
			"rate: a burst of %s takes less than 1 µs at %s, the least that tc can set: "+
				"want burst: %d or more, or %s or less",
			language.Size(q.Burst), language.BitRate(q.To),
			int64(math.Ceil(bytes*least)), language.BitRate(q.Burst)*8e6)
	case takes > most:
		return c.errorf(code.OutOfRange,
			"rate: a burst of %s takes more than %d s at %s, the most that tc can set: "+
				"want burst: %d or less, or %s or more",
			language.Size(q.Burst), most, language.BitRate(q.To),
			int64(bytes*most), language.BitRate(math.Ceil(float64(q.Burst)*8/most)))
	}
	return nil
}
