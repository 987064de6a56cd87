package assertions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"halfopen/harness/trace"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// judgeCounters wants kernel counters to have risen by the given numbers between the readings
// before and after the actors. A counter that the host's kernel does not have is a failure, not a
// zero. In a sum one counter that rose is enough: kernels count some things under different names.
func judgeCounters(ev *evidence, e *language.Expectation, v *draft) {
	for i := range e.Counters.Counters {
		c := &e.Counters.Counters[i]
		want := c.Name + " to rise by " + c.Is.String()
		var sum rise
		for _, term := range c.Terms() {
			sum.add(ev, term)
		}
		switch {
		case sum.unread != "":
			v.unseen(want, "no reading",
				fmt.Sprintf("wanted %s, but the counters of %s were not read before and after the run",
					want, sum.unread))
		case len(sum.missing) > 0 && sum.rose == 0:
			v.fail(NoSuchCounter, want, "no such counter", strings.Join(sum.missing, "; "))
		case c.Is.Contains(sum.rose):
			v.saw(CounterDiffers, true, want, fmt.Sprintf("%s %d", c.Name, sum.rose))
		default:
			v.saw(CounterDiffers, false, want, sum.String())
		}
	}
}

// rise is how much counters rose together.
type rise struct {
	rose int64
	// names and readings are of the counters that the kernel has; missing says which it lacks.
	names, readings, missing []string
	// unread is a host of which the counters, or this one, were not read; or "".
	unread string
}

// add adds a counter, HOST.GROUP.NAME.
func (s *rise) add(ev *evidence, counter string) {
	host, name, _ := strings.Cut(counter, ".")
	before, began := ev.counters(host, trace.Before)
	after, ended := ev.counters(host, trace.After)
	if !began || !ended {
		s.unread = host
		return
	}
	first, read := before[name]
	last, changed := after[name]
	switch {
	case !read && changed:
		s.unread = host
		return
	case !read:
		hint := spell.DidYouMean(name, slices.Sorted(maps.Keys(before)))
		s.missing = append(s.missing, fmt.Sprintf("the kernel of %s has no counter %s%s", host,
			name, hint))
		return
	case !changed:
		last = first
	}
	rose := last - first
	s.rose += rose
	s.names = append(s.names, counter)
	s.readings = append(s.readings, fmt.Sprintf("%d (%d before, %d after)", rose, first, last))
}

// String says what was seen: the readings of a single counter, or of each in a sum.
func (s *rise) String() string {
	if len(s.names) == 1 && len(s.missing) == 0 {
		return s.readings[0]
	}
	var parts []string
	for i := range s.names {
		parts = append(parts, s.names[i]+" "+s.readings[i])
	}
	return fmt.Sprintf("%d: %s", s.rose, strings.Join(append(parts, s.missing...), "; "))
}

// counters returns a reading of a host's counters; ok is false if there is none.
func (ev *evidence) counters(host string, at trace.Moment) (values map[string]int64, ok bool) {
	for i := range ev.t.Events {
		if c := ev.t.Events[i].Counters; c != nil && c.Host == host && c.At == at {
			return c.Values, true
		}
	}
	return nil, false
}
