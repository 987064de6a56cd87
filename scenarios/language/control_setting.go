package language

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// SettingKind is the sort of a [Setting].
type SettingKind string

// The kinds of settings.
const (
	SettingFault  SettingKind = "fault"
	SettingSysctl SettingKind = "sysctl"
	SettingOption SettingKind = "option"
)

// Setting is something that a scenario sets, and that a control does without: a fault, a kernel
// parameter or a socket option.
type Setting struct {
	Kind SettingKind `json:"kind"`
	// Name is the name of the fault, the kernel parameter or the socket option.
	Name string `json:"name"`
	// Host is the host that has the kernel parameter, or that the actor with the socket is on; ""
	// for a fault.
	Host string `json:"host,omitempty"`
	// Step is the step that sets it, ACTOR.STEP; "" if no step does.
	Step string `json:"step,omitempty"`
	Pos  Pos    `json:"pos,omitzero"`
}

// String returns the setting in a few words: "fault loss", "client net.ipv4.tcp_retries2",
// "client.setsockopt SO_LINGER".
func (s *Setting) String() string {
	if s.Kind == SettingFault {
		return "fault " + s.Name
	}
	return cmp.Or(s.Step, s.Host) + " " + s.Name
}

// Settings returns the settings of a scenario: its faults, the kernel parameters of its hosts, and
// those and the socket options that steps set, in the order of the file.
func (s *Scenario) Settings() []Setting {
	var all []Setting
	for i := range s.Faults {
		f := &s.Faults[i]
		all = append(all, Setting{Kind: SettingFault, Name: f.Name, Pos: f.Pos})
	}
	for i := range s.Hosts {
		for _, set := range s.Hosts[i].Sysctl {
			all = append(all, Setting{
				Kind: SettingSysctl, Name: set.Name, Host: s.Hosts[i].Name, Pos: set.Pos,
			})
		}
	}
	for i := range s.Actors {
		a := &s.Actors[i]
		EachStep(a.Steps, func(st *Step) { all = append(all, st.settings(a)...) })
	}
	return all
}

// settings returns the settings of a step of an actor, without those of the steps within it.
func (s *Step) settings(a *Actor) []Setting {
	var all []Setting
	id := a.Name + "." + s.ID
	if op := s.Op.Sysctl; op != nil {
		for _, set := range op.Set {
			all = append(all, Setting{
				SettingSysctl, set.Name, cmp.Or(op.Host, a.Host), id, set.Pos,
			})
		}
	}
	if op := s.Op.Setsockopt; op != nil {
		for _, o := range op.Options {
			all = append(all, Setting{SettingOption, o.Name, a.Host, id, o.Pos})
		}
	}
	return all
}

// Controls returns the controls of a scenario, in the order of [Scenario.Settings]: copies, each
// without one of the settings, which is its [Scenario.Without].
//
// A step that set nothing else is kept, and sets nothing. No step waits for a hit of a fault that
// is left out. Everything else that refers to such a hit stays as it is: the event never happens.
// The deadline is that of the scenario, even where a shorter one could be estimated.
func (s *Scenario) Controls() []*Scenario {
	var all []*Scenario
	for _, set := range s.Settings() {
		c := s.clone()
		c.Without = &set
		c.Deadline = Duration(s.DeadlineOrDefault())
		c.leave(&set)
		all = append(all, c)
	}
	return all
}

// clone returns a deep copy, by the form in which scenarios are sent to labs.
func (s *Scenario) clone() *Scenario {
	text, err := json.Marshal(s)
	c := &Scenario{Dir: s.Dir, Source: s.Source}
	if err == nil {
		err = json.Unmarshal(text, c)
	}
	if err != nil {
		panic(fmt.Sprintf("language: the scenario %s cannot be copied: %v", s.Name, err))
	}
	return c
}

// leave removes a setting.
func (s *Scenario) leave(set *Setting) {
	if set.Kind == SettingFault {
		s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.Name == set.Name })
	}
	for i := range s.Hosts {
		if h := &s.Hosts[i]; set.Kind == SettingSysctl && set.Step == "" && h.Name == set.Host {
			h.Sysctl = withoutSysctl(h.Sysctl, set.Name)
		}
	}
	for i := range s.Actors {
		EachStep(s.Actors[i].Steps, func(st *Step) { st.leave(s.Actors[i].Name, set) })
	}
}

// leave removes a setting from a step of an actor.
func (s *Step) leave(actor string, set *Setting) {
	if set.Kind == SettingFault {
		if isHitOf(s.After, set.Name) {
			s.After = ""
		}
		if w := s.Op.Wait; w != nil && isHitOf(w.Event, set.Name) {
			s.Op = Op{Sleep: &Sleep{}}
		}
		return
	}
	if set.Step != actor+"."+s.ID {
		return
	}
	if op := s.Op.Sysctl; op != nil {
		op.Set = withoutSysctl(op.Set, set.Name)
	}
	if op := s.Op.Setsockopt; op != nil {
		op.Options = slices.DeleteFunc(op.Options,
			func(o SockOption) bool { return o.Name == set.Name })
	}
}

func withoutSysctl(list []Sysctl, name string) []Sysctl {
	return slices.DeleteFunc(list, func(s Sysctl) bool { return s.Name == name })
}

func isHitOf(ref EventRef, fault string) bool {
	e, err := ref.Parse()
	return err == nil && e.Kind == EventFaultHit && e.Fault == fault
}

// IsAbout reports whether an expectation of the scenario names a setting, so that it fails without
// the setting whatever happens. It does if it judges the step that makes the setting, or the hits
// of the fault, or uses a hit of the fault as an event. A fault that begins at a hit of the fault
// counts as the fault itself.
func (s *Scenario) IsAbout(e *Expectation, set *Setting) bool {
	if set.Kind != SettingFault {
		if set.Step == "" || e.Step == nil {
			return false
		}
		actor, id, _ := e.Step.Step.Split()
		return actor+"."+id == set.Step
	}
	names := []string{set.Name}
	for i := 0; i < len(names); i++ {
		for _, f := range s.Faults {
			if isHitOf(f.From, names[i]) && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return e.Fault != nil && e.Fault.Fault == name ||
			slices.ContainsFunc(EventRefs(e), func(ref EventRef) bool { return isHitOf(ref, name) })
	})
}
