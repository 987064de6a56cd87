package language

import (
	"reflect"
	"slices"
	"strconv"

	"halfopen/internal/code"
)

// For returns the fault of the phrase for a scenario that has begun: checked against its hosts, placed,
// and with a name that no other of its faults has. The scenario stays as it is. Such a fault cannot
// wait for events: those of the past are over, and nobody watches for others.
func (p *Phrase) For(s *Scenario) (*Fault, error) {
	if len(s.Faults) >= maxFaults {
		return nil, code.Errorf(code.LimitExceeded,
			"%d faults are too many: want at most %d", len(s.Faults)+1, maxFaults)
	}
	with := *s
	with.Faults = append(slices.Clone(s.Faults), Fault{})
	d, f := newDecoder(""), &with.Faults[len(s.Faults)]
	d.Plain(p.YAML(), reflect.ValueOf(f).Elem())
	if mistakes := d.Mistakes(); len(mistakes) > 0 {
		return nil, code.Errorf(code.InvalidValue, "%s: %s", p.Action, mistakes[0].Problem)
	}
	if refs := EventRefs(f); len(refs) > 0 {
		return nil, code.Errorf(code.Unsupported,
			"%s: a fault that is added to a lab waits for no event, such as %s; switch it by hand",
			p.Action, refs[0])
	}
	f.Name = p.Name()
	for n := 2; s.Fault(f.Name) != nil; n++ {
		f.Name = p.Name() + "-" + strconv.Itoa(n)
	}
	with.placeFaults()
	v := &validation{s: &with, d: d, steps: map[string]*knownStep{}}
	v.names()
	v.errs = nil // those of the scenario were reported when it was read
	v.fault(f)
	if len(v.errs) > 0 {
		return nil, code.Errorf(code.InvalidValue, "%s: %s", p.Action, v.errs[0].Problem)
	}
	return f, nil
}
