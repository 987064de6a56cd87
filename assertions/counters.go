package assertions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"halfopen/scenarios"
)

// judgeCounters wants kernel counters to have risen by so much between the readings before and after the actors. A counter
// the host's kernel does not have is a failure, not a zero.
func judgeCounters(r *run, e *scenarios.Expectation, v *draft) {
	var title []string
	for i := range e.Counters.Counters {
		c := &e.Counters.Counters[i]
		title = append(title, c.Name+" "+c.Is.String())
		host, name, _ := strings.Cut(c.Name, ".")
		before, after := r.counters(host, "before"), r.counters(host, "after")
		want := c.Name + " to rise by " + c.Is.String()
		if before == nil || after == nil {
			v.fault(want, "no reading", fmt.Sprintf("wanted %s, but the counters of %s were not read before and after the run", want, host))
			continue
		}
		last, there := after[name]
		if !there {
			hint := didYouMean(name, slices.Collect(maps.Keys(after)))
			v.fault(want, "no such counter", fmt.Sprintf("the kernel of %s has no counter %s%s", host, name, hint))
			continue
		}
		rose := last - before[name]
		v.saw(c.Is.Contains(rose), want, fmt.Sprintf("%d (%d before, %d after)", rose, before[name], last))
	}
	v.Title = "counters: " + strings.Join(title, ", ")
}

// counters returns a reading of a host's counters, or nil.
func (r *run) counters(host, at string) map[string]int64 {
	for i := range r.t.Events {
		if c := r.t.Events[i].Counters; c != nil && c.Host == host && c.At == at {
			return c.Values
		}
	}
	return nil
}
