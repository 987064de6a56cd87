package language

import (
	"iter"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Expectation is one entry of the expect list of a scenario. Exactly one field of its kinds is set.
type Expectation struct {
	Step     *StepExpectation     `json:"step,omitempty"`
	Process  *ProcessExpectation  `json:"process,omitempty"`
	Log      *LogExpectation      `json:"log,omitempty"`
	Calls    *CallsExpectation    `json:"calls,omitempty"`
	Packets  *PacketsExpectation  `json:"packets,omitempty"`
	Counters *CountersExpectation `json:"counters,omitempty"`
	Fault    *FaultExpectation    `json:"fault,omitempty"`
	Drops    *DropsExpectation    `json:"drops,omitempty"`
	Reaches  *ReachesExpectation  `json:"reaches,omitempty"`
	Holds    *HoldsExpectation    `json:"holds,omitempty"`
	Never    *NeverExpectation    `json:"never,omitempty"`
	Path     *PathExpectation     `json:"path,omitempty"`
	Sockets  *SocketsExpectation  `json:"sockets,omitempty"`

	// Every kind can have Only and Where.
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Where *Where `json:"where,omitempty" jsonschema_description:"Only on kernels that have, or lack, some sysctls; on others the expectation is skipped, and the report says so."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

// Kind returns the key of the kind that is set; "" for none.
func (e *Expectation) Kind() string {
	key, _ := chosen[expectationKind](e)
	return key
}

// String returns the expectation in one line: the title of its verdict. It is "" if no kind is set.
func (e *Expectation) String() string {
	_, kind := chosen[expectationKind](e)
	if kind == nil {
		return ""
	}
	return kind.String()
}

// Observed reports whether the expectation relies on packets or sockets that were seen. If some
// were missed, a pass proves nothing.
func (e *Expectation) Observed() bool {
	_, kind := chosen[expectationKind](e)
	return kind != nil && kind.observed()
}

// SampledAt returns the events, in canonical form, at which the expectation needs the state of all
// sockets.
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

// lasts returns how long the run must last after an event, or after the start of the actors if it
// is "", for the expectation to be judged; with latest, at most.
func (e *Expectation) lasts(latest bool) (since EventRef, d time.Duration) {
	_, kind := chosen[expectationKind](e)
	if kind == nil {
		return "", 0
	}
	return kind.begins(), kind.lasts(latest)
}

// ExpectationKinds returns the keys of all kinds of expectations, in the order of the
// documentation.
func ExpectationKinds() []string {
	var keys []string
	for key := range kinds[expectationKind, Expectation]() {
		keys = append(keys, key)
	}
	return keys
}

// expectationKind is a kind of expectation: the type of each pointer of [Expectation] except Where,
// in its own file. Package assertions has a judge for each.
type expectationKind interface {
	// String returns in one line what is expected: "client.connect: ETIMEDOUT after 63s".
	String() string
	// check reports mistakes; pos is the place of the expectation.
	check(v *validation, pos Pos)
	// lasts returns how long the run must last after the event that begins returns, or after the
	// start of the actors if that is "", so that the expectation can be judged; 0 if it need not
	// last longer. With latest it returns the longest time that the expectation allows, see
	// [Span.lasts].
	lasts(latest bool) time.Duration
	// begins returns the event that lasts counts from, as written in the file, or "".
	begins() EventRef
	// observed reports whether the expectation relies on packets or sockets that were seen.
	observed() bool
	// sampledAt returns the events at which the expectation needs the state of all sockets, as
	// written in the file; "" is ignored.
	sampledAt() []EventRef
}

// Where restricts an expectation to kernels that have some sysctls, and lack others. They are probed
// in the lab.
type Where struct {
	Sysctl   Names `json:"sysctl,omitempty" jsonschema_description:"The kernel has this sysctl, or all of a list."`
	NoSysctl Names `json:"no-sysctl,omitempty" jsonschema_description:"The kernel does not have this sysctl, or any of a list."`
}

// Conditions returns the sysctls of the condition in their order, each with whether the kernel must
// have it.
func (w *Where) Conditions() iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for _, name := range w.Sysctl {
			if !yield(name, true) {
				return
			}
		}
		for _, name := range w.NoSysctl {
			if !yield(name, false) {
				return
			}
		}
	}
}

// String returns the condition in words: "where the kernel has net.ipv4.tcp_ecn_option".
func (w *Where) String() string {
	var words []string
	for name, has := range w.Conditions() {
		if has {
			words = append(words, name)
		} else {
			words = append(words, "no "+name)
		}
	}
	return "where the kernel has " + say.List(words)
}

func (v *validation) expectation(e *Expectation) {
	pos := e.Pos
	if w := e.Where; w != nil {
		v.condition(w, pos)
	}
	if _, kind := chosen[expectationKind](e); kind != nil {
		kind.check(v, pos)
	}
}

func (v *validation) condition(w *Where, pos Pos) {
	if len(w.Sysctl)+len(w.NoSysctl) == 0 {
		v.errorf(code.MissingKey, w, pos, "where: want at least one of sysctl and no-sysctl")
	}
	seen := map[string]bool{}
	for _, names := range []Names{w.Sysctl, w.NoSysctl} {
		for i := range names {
			v.sysctlName(&names[i], pos, names[i])
			if seen[names[i]] {
				v.errorf(code.DuplicateEntry, &names[i], pos,
					"where: %s is named twice; keep one", say.Clip(names[i]))
			}
			seen[names[i]] = true
		}
	}
}

// lastsOf returns how long something takes of which a span is expected, see [Span.lasts]; 0 for nil.
func lastsOf(s *Span, latest bool) time.Duration {
	if s == nil {
		return 0
	}
	return s.lasts(latest)
}

func (v *validation) since(since *EventRef, at bool, pos Pos) {
	v.event(since, pos)
	if v.has(since) && !at {
		v.errorf(code.NoEffect, since, pos,
			"since without at: the time of at begins at since; set at, or remove since")
	}
}

// count reports a range that contains no number from 0 up.
func (v *validation) count(c *Count, key string, pos Pos) {
	if c != nil && c.Max < 0 {
		v.errorf(code.OutOfRange, c, pos, "invalid %s %q: want 0 or more", key, c)
	}
}
