package language

import (
	"regexp"
	"time"
)

// Expectation is one entry of a scenario's expect list: exactly one of its kinds, named by its
// first key.
type Expectation struct {
	Step     *StepExpectation     `json:"step,omitempty"`
	Process  *ProcessExpectation  `json:"process,omitempty"`
	Packets  *PacketsExpectation  `json:"packets,omitempty"`
	Counters *CountersExpectation `json:"counters,omitempty"`
	Fault    *FaultExpectation    `json:"fault,omitempty"`
	Reaches  *ReachesExpectation  `json:"reaches,omitempty"`
	Holds    *HoldsExpectation    `json:"holds,omitempty"`
	Never    *NeverExpectation    `json:"never,omitempty"`
	Path     *PathExpectation     `json:"path,omitempty"`
	Sockets  *SocketsExpectation  `json:"sockets,omitempty"`

	// Only and Where may stand in every kind.
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Where *Where `json:"where,omitempty" jsonschema_description:"Only on kernels that have this sysctl, or lack it; on others the expectation is skipped, and the report says so."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

// Kind names the expectation's kind, as written in YAML; "" for none.
func (e *Expectation) Kind() string {
	key, _ := chosen[expectationKind](e)
	return key
}

// String says what is expected, in one line: the title of the verdict. "" if there is no kind.
func (e *Expectation) String() string {
	_, kind := chosen[expectationKind](e)
	if kind == nil {
		return ""
	}
	return kind.String()
}

// Observed reports whether the expectation rests on packets or sockets that were seen. If some were
// missed, its passing means nothing.
func (e *Expectation) Observed() bool {
	_, kind := chosen[expectationKind](e)
	return kind != nil && kind.observed()
}

// SampledAt returns the events, in canonical form, at which the expectation needs to know the state
// of all sockets.
func (e *Expectation) SampledAt() []EventRef {
	_, kind := chosen[expectationKind](e)
	if kind == nil {
		return nil
	}
	var events []EventRef
	for _, ref := range kind.sampledAt() {
		if ref != "" {
			events = append(events, ref.Canonical())
		}
	}
	return events
}

// lasts returns how long the run must last for the expectation to be judged.
func (e *Expectation) lasts() time.Duration {
	_, kind := chosen[expectationKind](e)
	if kind == nil {
		return 0
	}
	return kind.lasts()
}

// ExpectationKinds returns the kinds of expectations, as written in YAML, in the order of the
// documentation.
func ExpectationKinds() []string {
	var keys []string
	for key := range kinds[expectationKind, Expectation]() {
		keys = append(keys, key)
	}
	return keys
}

// expectationKind is what a kind of expectation says of itself. Each pointer of [Expectation] but
// Where is one, in a file of its own; assertions has the judge of each.
type expectationKind interface {
	// String says in one line what is expected: "client.connect: ETIMEDOUT after 63s".
	String() string
	// check reports what is wrong with it; pos is where it stands.
	check(v *validation, pos Pos)
	// lasts returns how long the run must last for it to be judged, from the start of the actors; 0
	// if that does not matter.
	lasts() time.Duration
	// observed reports whether it rests on packets or sockets that were seen.
	observed() bool
	// sampledAt returns the events at which it needs to know the state of all sockets, as they are
	// written; "" is none.
	sampledAt() []EventRef
}

// Where restricts an expectation to kernels that have, or lack, a sysctl. It is probed in the lab.
type Where struct {
	Sysctl   string `json:"sysctl,omitempty" jsonschema_description:"The kernel has this sysctl."`
	NoSysctl string `json:"no-sysctl,omitempty" jsonschema_description:"The kernel does not have this sysctl."`
}

// String says where the expectation holds: "where the kernel has net.ipv4.tcp_ecn_option".
func (w *Where) String() string {
	if w.NoSysctl != "" {
		return "where the kernel has no " + w.NoSysctl
	}
	return "where the kernel has " + w.Sysctl
}

func (v *validation) expectation(e *Expectation) {
	pos := e.Pos
	if w := e.Where; w != nil {
		if (w.Sysctl == "") == (w.NoSysctl == "") {
			v.errorf(w, pos, "where: want exactly one of sysctl and no-sysctl")
		}
		for _, name := range []*string{&w.Sysctl, &w.NoSysctl} {
			if *name != "" {
				v.sysctlName(name, pos, *name)
			}
		}
	}
	if _, kind := chosen[expectationKind](e); kind != nil {
		kind.check(v, pos)
	}
}

// longestOf returns the longest of the durations wanted; those not given count as 0.
func longestOf(spans ...*Span) time.Duration {
	var most time.Duration
	for _, s := range spans {
		if s != nil {
			most = max(most, s.Want)
		}
	}
	return most
}

func (v *validation) since(since *EventRef, at bool, pos Pos) {
	v.event(since, pos, *since)
	if v.has(since) && !at {
		v.errorf(since, pos,
			"since without at: the time of at begins at since; set at, or remove since")
	}
}

// count refuses a range that no count can lie in.
func (v *validation) count(c *Count, key string, pos Pos) {
	if c != nil && c.Max < 0 {
		v.errorf(c, pos, "invalid %s %q: want 0 or more", key, c)
	}
}

func (v *validation) text(t *Text, pos Pos) {
	if t.Matches == nil {
		return
	}
	if _, err := regexp.Compile(*t.Matches); err != nil {
		v.errorf(t.Matches, pos, "matches: want a regular expression (RE2): %v", err)
	}
}
