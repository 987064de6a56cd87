package assertions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"halfopen/scenarios"
)

// judgeCounters wants kernel counters to have risen by so much between the readings before and after the actors. A counter
// that the host's kernel does not have is a failure, not a zero; but in a sum, kernels may count the same thing under one name or another,
// and one that is there is enough.
func judgeCounters(r *run, e *scenarios.Expectation, v *draft) {
	var title []string
	for i := range e.Counters.Counters {
		c := &e.Counters.Counters[i]
		title = append(title, c.Name+" "+c.Is.String())
		want := c.Name + " to rise by " + c.Is.String()
		var sum rise
		for _, term := range c.Terms() {
			sum.add(r, term)
		}
		switch {
		case sum.unread != "":
			v.fault(want, "no reading", fmt.Sprintf("wanted %s, but the counters of %s were not read before and after the run", want, sum.unread))
		case len(sum.parts) == 0:
			v.fault(want, "no such counter", strings.Join(sum.missing, "; "))
		default:
			v.saw(c.Is.Contains(sum.rose), want, sum.String())
		}
	}
	v.Title = "counters: " + strings.Join(title, ", ")
}

// rise is how much counters rose together.
type rise struct {
	rose int64
	// parts tells of the counters that are there, missing of those that are not.
	parts, missing []string
	// unread is a host whose counters were not read, or "".
	unread string
}

// add adds a counter, HOST.GROUP.NAME.
func (s *rise) add(r *run, counter string) {
	host, name, _ := strings.Cut(counter, ".")
	before, after := r.counters(host, "before"), r.counters(host, "after")
	if before == nil || after == nil {
		s.unread = host
		return
	}
	last, there := after[name]
	if !there {
		hint := didYouMean(name, slices.Collect(maps.Keys(after)))
		s.missing = append(s.missing, fmt.Sprintf("the kernel of %s has no counter %s%s", host, name, hint))
		return
	}
	rose := last - before[name]
	s.rose += rose
	s.parts = append(s.parts, fmt.Sprintf("%s %d (%d before, %d after)", counter, rose, before[name], last))
}

// String says what was seen: of a single counter its readings, of a sum those of each.
func (s *rise) String() string {
	if len(s.parts) == 1 && len(s.missing) == 0 {
		_, text, _ := strings.Cut(s.parts[0], " ")
		return text
	}
	return fmt.Sprintf("%d: %s", s.rose, strings.Join(append(s.parts, s.missing...), "; "))
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
