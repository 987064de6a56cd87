package language

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// Limits of a lab: far more than a scenario needs, and not too much for one machine.
const (
	maxHosts  = 64
	maxFaults = 256
	maxActors = 64
	maxExpect = 1000
	maxFiles  = 256
	maxTimes  = 100_000
	// maxAtOnce bounds the lists of steps of an actor that run at once: each has a thread.
	maxAtOnce  = 2000
	maxName    = 32
	maxWord    = 64
	minMTU     = 68   // RFC 791
	minMTUv6   = 1280 // RFC 8200, section 5
	maxMTU     = 65535
	defaultMTU = 1500

	minSnaplen = 134 // Ethernet, and IPv4 and TCP with all options
	maxAddress = 100
)

// MaxSnaplen is the largest number of bytes of a frame that a capture keeps: all of them.
const MaxSnaplen = 65535

var (
	kebab    = pattern.New(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	stepName = pattern.New(`^[a-z0-9]+([_-][a-z0-9]+)*$`)
	// number matches names that programs read as an IPv4 address (inet_aton(3)).
	number     = pattern.New(`^([0-9]+|0x[0-9a-f]*)$`)
	sysctlName = pattern.New(`^net(\.[A-Za-z0-9_*-]+)+$`)
)

// validation checks a decoded scenario for mistakes that its types allow.
type validation struct {
	s    *Scenario
	d    *decoder
	errs []*Error

	hosts, faults, actors []string
	// steps has the steps by ACTOR.STEP; ids has its keys in the order of the file. signals are
	// ACTOR.NAME.
	steps   map[string]*knownStep
	ids     []string
	signals []string
}

// knownStep is a step that references can name.
type knownStep struct {
	step *Step
	// runs is the number of its executions in all.
	runs int
	// order is its place among the steps of the actor, from 1. It is 0 for a step that is repeated
	// or runs in parallel, because the file does not fix its order.
	order int
}

// validate returns the mistakes of a decoded scenario.
func validate(s *Scenario, d *decoder) []*Error {
	v := &validation{s: s, d: d, steps: map[string]*knownStep{}}
	v.limits()
	if len(v.errs) > 0 {
		return v.errs
	}
	v.names()
	v.head()
	v.checkHosts()
	v.needs()
	v.calls()
	v.placed()
	v.resolution()
	for i := range s.Faults {
		v.fault(&s.Faults[i])
	}
	for i := range s.Actors {
		v.actor(&s.Actors[i])
	}
	for i := range s.Expect {
		v.expectation(&s.Expect[i])
	}
	v.control()
	for i := range s.Awaits {
		v.event(&s.Awaits[i], s.Pos)
	}
	return v.errs
}

// CheckEvent returns an error of one line if the scenario has no such event: an unknown step, fault or
// host, or a form that no event has.
func (s *Scenario) CheckEvent(ref EventRef) error {
	v := &validation{s: s, d: newDecoder(s.Pos.File), steps: map[string]*knownStep{}}
	v.names()
	if _, ok := v.event(&ref, s.Pos); ok {
		return nil
	}
	if len(v.errs) == 0 {
		return errors.New("want the name of an event")
	}
	return errors.New(v.errs[0].Msg)
}

// errorf reports a mistake at a field, given by pointer, or at otherwise if the field is not in the
// file.
func (v *validation) errorf(c code.Code, field any, otherwise Pos, format string, args ...any) {
	if len(v.errs) > maxErrors {
		return
	}
	place, ok := v.d.Place(field)
	if !ok {
		// If decoding failed, a missing field may be one that could not be decoded.
		if len(v.d.Mistakes()) > 0 && field != nil {
			return
		}
		place = decode.Place(otherwise)
	}
	if !v.d.Reported(place) {
		v.errs = append(v.errs, &Error{Pos(place), code.Errorf(c, format, args...)})
	}
}

// has reports whether the field is in the file.
func (v *validation) has(field any) bool {
	_, ok := v.d.Place(field)
	return ok
}

func (v *validation) limits() {
	check := func(field any, n, limit int, what string) {
		if n > limit {
			v.errorf(code.LimitExceeded, field, v.s.Pos,
				"%d %s are too many: want at most %d", n, what, limit)
		}
	}
	check(&v.s.Hosts, len(v.s.Hosts), maxHosts, "hosts")
	check(&v.s.Needs, len(v.s.Needs), maxNeeds, "needs")
	check(&v.s.Files, len(v.s.Files), maxFiles, "files")
	check(&v.s.Faults, len(v.s.Faults), maxFaults, "faults")
	check(&v.s.Actors, len(v.s.Actors), maxActors, "actors")
	check(&v.s.Expect, len(v.s.Expect), maxExpect, "expectations")
	for i := range v.s.Actors {
		a := &v.s.Actors[i]
		if n := atOnce(a.Steps); n > maxAtOnce {
			v.errorf(code.LimitExceeded, nil, a.Pos,
				"actor %s: %d lists of steps at once are too many: want at most %d; "+
					"shorten or unnest parallel",
				a.Name, n, maxAtOnce)
		}
	}
}

// names collects the names that references can use.
func (v *validation) names() {
	for i := range v.s.Hosts {
		if h := &v.s.Hosts[i]; h.Name != Wire {
			v.hosts = append(v.hosts, h.Name)
		}
	}
	for i := range v.s.Faults {
		v.faults = append(v.faults, v.s.Faults[i].Name)
	}
	for i := range v.s.Actors {
		a := &v.s.Actors[i]
		v.actors = append(v.actors, a.Name)
		order := 0
		v.collect(a, a.Steps, 1, &order, false)
	}
}

func (v *validation) collect(a *Actor, steps []Step, runs int, order *int, unordered bool) {
	for i := range steps {
		st := &steps[i]
		runs := min(runs*max(st.Times, 1), maxTimes*maxTimes)
		known := &knownStep{step: st, runs: runs}
		if *order++; !unordered && runs == 1 {
			known.order = *order
		}
		key := a.Name + "." + st.ID
		if _, twice := v.steps[key]; twice {
			v.errorf(code.DuplicateName, &st.ID, st.Pos,
				"duplicate step %q in the actor %s: give one of them another id", st.ID, a.Name)
		} else {
			v.steps[key] = known
			v.ids = append(v.ids, key)
		}
		if s := st.Op.Signal; s != nil {
			v.signals = append(v.signals, a.Name+"."+s.Name)
		}
		lists, n := st.Op.Nested()
		for _, list := range lists {
			v.collect(a, list, min(runs*max(n, 1), maxTimes*maxTimes), order, true)
		}
	}
}

// name checks the form of a name.
func (v *validation) name(field any, pos Pos, what, name string) {
	v.nameOf(field, pos, what, name, maxName)
}

func (v *validation) nameOf(field any, pos Pos, what, name string, most int) {
	if !kebab.MatchString(name) || len(name) > most {
		v.errorf(code.InvalidName, field, pos,
			"invalid name %q for %s: want words of lower-case letters and digits, joined by -, at most %d characters",
			say.Clip(name), what, most)
	}
}

// wordName checks the form of the name of a step or a socket, which may have _ too.
func (v *validation) wordName(field any, pos Pos, what, name string) {
	if !stepName.MatchString(name) || len(name) > maxWord {
		v.errorf(code.InvalidName, field, pos,
			"invalid %s %q: want words of lower-case letters and digits, joined by - or _, at most %d characters",
			what, say.Clip(name), maxWord)
	}
}

// controlIn returns the first control character of a text, if it has one: it could move the cursor of
// a terminal, break a line, or turn the direction of what follows.
func controlIn(text string) (rune, bool) {
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return r, true
		}
	}
	return 0, false
}

func (v *validation) head() {
	s := v.s
	v.nameOf(&s.Name, s.Pos, "a scenario", s.Name, maxWord)
	if strings.TrimSpace(s.Title) == "" || strings.Contains(s.Title, "\n") {
		v.errorf(code.InvalidText, &s.Title, s.Pos,
			"title: want one line that says what will be seen")
	}
	for _, text := range []struct {
		field *string
		key   string
	}{{&s.Title, "title"}, {&s.Teaches, "teaches"}} {
		if r, has := controlIn(strings.NewReplacer("\n", "", "\t", "").Replace(*text.field)); has {
			v.errorf(code.InvalidText, text.field, s.Pos,
				"%s: remove the control character %+q", text.key, r)
		}
	}
	for i := range s.Tags {
		v.name(&s.Tags[i], s.Pos, "a tag", s.Tags[i])
	}
	if v.has(&s.Deadline) && s.Deadline == 0 {
		v.errorf(code.OutOfRange, &s.Deadline, s.Pos, "invalid deadline 0s: want more than 0s")
	}
	if v.has(&s.Duration) && s.Duration == 0 {
		v.errorf(code.OutOfRange, &s.Duration, s.Pos, "invalid duration 0s: want more than 0s")
	}
	if s.Deadline > 0 && s.Duration > s.Deadline {
		v.errorf(code.OutOfRange, &s.Deadline, s.Pos,
			"invalid deadline %v: want at least the duration, %v", s.Deadline, s.Duration)
	}
	switch n := len(v.hosts); {
	case n == 0:
		v.errorf(code.MissingKey, &s.Hosts, s.Pos, "hosts: want at least one")
	case s.Network.Shape == ShapeDirect && n != 2:
		v.errorf(code.WrongShape, &s.Network.Shape, s.Pos,
			"shape: direct joins exactly two hosts, not %d", n)
	case s.Network.Shape == ShapeLoopback && n != 1:
		v.errorf(code.WrongShape, &s.Network.Shape, s.Pos,
			"shape: loopback has exactly one host, not %d", n)
	}
	v.mtu(&s.Network.MTU, s.Network.MTU)
	if n := s.Network.Snaplen; v.has(&s.Network.Snaplen) && (n < minSnaplen || n > MaxSnaplen) {
		v.errorf(code.OutOfRange, &s.Network.Snaplen, s.Pos,
			"invalid snaplen %d: want %d to %d", n, minSnaplen, MaxSnaplen)
	}
	held := v.d.file != nil && v.d.file.Held
	if len(s.Actors) == 0 && !held {
		v.errorf(code.MissingKey, &s.Actors, s.Pos, "actors: want at least one")
	}
	if len(s.Expect) == 0 && !held {
		v.errorf(code.MissingKey, &s.Expect, s.Pos,
			"expect: want at least one expectation; a scenario without any cannot fail")
	}
}

func (v *validation) mtu(field *int, mtu int) {
	switch {
	case !v.has(field):
	case mtu < minMTU || mtu > maxMTU:
		v.errorf(code.OutOfRange, field, v.s.Pos,
			"invalid mtu %d: want %d to %d", mtu, minMTU, maxMTU)
	case v.s.Family == V6 && mtu < minMTUv6:
		v.errorf(code.OutOfRange, field, v.s.Pos,
			"invalid mtu %[2]d: IPv6 needs at least %[1]d", minMTUv6, mtu)
	}
}

func (v *validation) checkHosts() {
	for i := range v.s.Hosts {
		h := &v.s.Hosts[i]
		switch {
		case h.Name == Wire && v.wireless():
			v.errorf(code.WrongShape, nil, h.Pos,
				"no wire in the shape %s: remove this host, or choose shape: wire",
				v.s.Network.Shape)
		case h.Name == Wire && (v.has(&h.Addresses) || v.has(&h.MTU) || v.has(&h.Route)):
			v.errorf(code.MisplacedKey, nil, h.Pos,
				"the wire is the router between the hosts; only its sysctls can be set")
		case slices.Contains([]string{"any", "absent", "fault"}, h.Name):
			v.errorf(code.InvalidName, nil, h.Pos,
				"invalid name %q for a host: the word has a meaning in addresses and events",
				h.Name)
		case number.MatchString(h.Name):
			v.errorf(code.InvalidName, nil, h.Pos,
				"invalid name %q for a host: programs take a number for an address; begin with a letter",
				say.Clip(h.Name))
		default:
			v.name(nil, h.Pos, "a host", h.Name)
		}
		if v.has(&h.Addresses) && (h.Addresses < 1 || h.Addresses > maxAddress) {
			v.errorf(code.OutOfRange, &h.Addresses, h.Pos,
				"invalid addresses %d: want 1 to %d", h.Addresses, maxAddress)
		}
		v.mtu(&h.MTU, h.MTU)
		v.sysctls(h.Sysctl)
	}
}

// wireless reports whether the lab has no wire.
func (v *validation) wireless() bool {
	return v.s.Network.Shape == ShapeDirect || v.s.Network.Shape == ShapeLoopback
}

func (v *validation) sysctls(list []Sysctl) {
	for i := range list {
		s := &list[i]
		v.sysctlName(&s.Name, s.Pos, s.Name)
		if strings.ContainsAny(s.Value, "\n\x00") || len(s.Value) > 4000 {
			v.errorf(code.InvalidText, &s.Value, s.Pos,
				"invalid value of %s: want one line of at most 4000 bytes", s.Name)
		}
		if err := unitless(s.Name, s.Value); err != nil {
			v.errorf(code.InvalidSysctl, &s.Value, s.Pos, "%v", err)
		}
		if s.Name == PortRange {
			if err := portRange(s.Value, list[:i]); err != nil {
				v.errorf(code.InvalidSysctl, &s.Value, s.Pos, "%v", err)
			}
		}
	}
}

func (v *validation) sysctlName(field any, pos Pos, name string) {
	switch {
	case sysctlName.MatchString(name):
	case strings.HasPrefix(name, "net/"):
		v.errorf(code.InvalidSysctl, field, pos,
			"invalid sysctl %q: want dots in the name: %s",
			say.Clip(name), say.Clip(strings.ReplaceAll(name, "/", ".")))
	default:
		v.errorf(code.InvalidSysctl, field, pos,
			"invalid sysctl %q: want a name that begins with net.; others belong to the whole machine, not to a host of the lab",
			say.Clip(name))
	}
}

// host checks a reference to a host. The wire counts as a host only if wireToo is set.
func (v *validation) host(field any, pos Pos, name string, wireToo bool) {
	switch {
	case slices.Contains(v.hosts, name):
	case name == Wire && wireToo && !v.wireless():
	case name == Wire:
		v.errorf(code.Unsupported, field, pos,
			"the wire cannot be named here; known here: %s", say.List(v.hosts))
	default:
		v.errorf(code.UnknownName, field, pos,
			"unknown host %q%s", say.Clip(name), suggestName(name, v.hosts))
	}
}

// suggestName returns a suggestion for a message: the nearest name, or else all known names if
// there are not too many.
func suggestName(name string, known []string) spell.Hint {
	near := spell.DidYouMean(name, known)
	if len(known) > 12 {
		return near
	}
	return near.Or("; known here: " + say.List(known))
}
