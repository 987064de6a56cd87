package language

import "regexp"

// Expectation is one entry of a scenario's expect list: exactly one of its kinds, told apart by its first key.
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
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Where *Where `json:"where,omitempty" jsonschema_description:"Only on kernels of which this holds; elsewhere the expectation is skipped, and says so."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

// Kind names the expectation's kind, as written in YAML; "" for none.
func (e *Expectation) Kind() string { return oneOfKind(e) }

// Where restricts an expectation to kernels that have, or lack, a sysctl. It is probed in the lab.
type Where struct {
	Sysctl   string `json:"sysctl,omitempty" jsonschema_description:"The kernel has this sysctl."`
	NoSysctl string `json:"no-sysctl,omitempty" jsonschema_description:"The kernel does not have this sysctl."`
}

// String says on which kernels the expectation holds.
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
			v.errorf(w, pos, "where: want one of sysctl and no-sysctl")
		}
		for _, name := range []*string{&w.Sysctl, &w.NoSysctl} {
			if *name != "" {
				v.sysctlName(name, pos, *name)
			}
		}
	}
	switch {
	case e.Step != nil:
		v.stepExpectation(e.Step, pos)
	case e.Process != nil:
		v.process(e.Process, pos)
	case e.Packets != nil:
		v.packets(e.Packets, pos)
	case e.Counters != nil:
		v.counters(e.Counters, pos)
	case e.Fault != nil:
		v.faultRef(&e.Fault.Fault, pos, e.Fault.Fault)
		v.count(&e.Fault.Hits, "hits", pos)
	case e.Reaches != nil:
		v.socketSelector(&e.Reaches.Reaches, pos)
		v.since(&e.Reaches.Since, e.Reaches.At != nil, pos)
	case e.Holds != nil:
		v.socketSelector(&e.Holds.Holds, pos)
		v.window(&e.Holds.From, &e.Holds.Until, pos)
	case e.Never != nil:
		v.socketSelector(&e.Never.Never, pos)
		v.window(&e.Never.From, &e.Never.Until, pos)
	case e.Path != nil:
		v.path(e.Path, pos)
	case e.Sockets != nil:
		v.socketsExpectation(e.Sockets, pos)
	}
}

func (v *validation) since(since *EventRef, at bool, pos Pos) {
	v.event(since, pos, *since)
	if v.has(since) && !at {
		v.errorf(since, pos, "since says from when at counts, but there is no at")
	}
}

// count refuses a range that no count can lie in.
func (v *validation) count(c *Count, key string, pos Pos) {
	if c != nil && c.Max < 0 {
		v.errorf(c, pos, "%s: %s is negative, and nothing is there less than 0 times", key, c)
	}
}

func (v *validation) text(t *Text, pos Pos) {
	if t.Matches == nil {
		return
	}
	if _, err := regexp.Compile(*t.Matches); err != nil {
		v.errorf(t.Matches, pos, "matches: %v", err)
	}
}
