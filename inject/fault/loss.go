package fault

import "halfopen/scenarios/language"

func (c *compilation) loss() (*Planned, error) {
	l := c.fault.Do.Loss
	or := func(p *language.Percent, otherwise float64) float64 {
		if p == nil {
			return otherwise
		}
		return float64(*p)
	}
	return c.netem("loss", Netem{Bursts: &Bursts{
		GoodToBad: float64(l.GoodToBad), BadToGood: float64(l.BadToGood), InBad: or(l.InBad, 1),
		InGood: or(l.InGood, 0),
	}})
}
