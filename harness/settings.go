package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

// setting is a kernel parameter that a scenario sets.
type setting struct {
	language.Sysctl
	Host string
	// NeededBy is who sets it: "host client", "step client.sysctl".
	NeededBy string
	ByStep   bool
}

// settingsOf returns the parameters that a scenario sets on each of its hosts: first those of the
// host, then those of steps, in the order of the file. The congestion control of a socket is among
// them. Steps that are expected to fail are left out.
func settingsOf(s *language.Scenario) [][]setting {
	hosts := map[string]int{}
	var all [][]setting
	add := func(host string, list []language.Sysctl, neededBy string, byStep bool) {
		i, ok := hosts[host]
		if !ok {
			i = len(all)
			hosts[host], all = i, append(all, nil)
		}
		for _, p := range list {
			all[i] = append(all[i], setting{p, host, neededBy, byStep})
		}
	}
	for i := range s.Hosts {
		if h := &s.Hosts[i]; len(h.Sysctl) > 0 {
			add(h.Name, h.Sysctl, "host "+h.Name, false)
		}
	}
	for i := range s.Actors {
		a := &s.Actors[i]
		language.EachStep(a.Steps, func(st *language.Step) {
			if s.ExpectsError(a.Name, st.ID) {
				return
			}
			needs := fmt.Sprintf("step %s.%s", a.Name, st.ID)
			if st.Op.Sysctl != nil {
				op := st.Op.Sysctl.AtHost(a.Host).Sysctl
				add(op.Host, op.Set, needs, true)
			}
			if st.Op.Setsockopt != nil {
				for _, o := range st.Op.Setsockopt.Options {
					if o.Name == "TCP_CONGESTION" {
						add(a.Host, []language.Sysctl{
							{Name: language.CongestionControl, Value: o.Value, Pos: o.Pos},
						}, needs, true)
					}
				}
			}
		})
	}
	return all
}

// tracked reports whether connection tracking has the parameter.
func tracked(name string) bool { return strings.HasPrefix(name, "net.netfilter.nf_conntrack") }

// CheckSysctls tries the kernel parameters that scenarios set, in namespaces made for this alone,
// and returns what is wrong with each scenario: a *[inject.MissingError] if a namespace of this
// machine does not have the parameter, a *[inject.RefusedError] if the kernel refuses the value.
// Each has its place in the file. Where no namespaces can be made, no values are tried; on other
// systems than Linux, only parameters that are known to be set for the whole machine are found.
func CheckSysctls(ctx context.Context, scenarios []*language.Scenario) [][]error {
	var lists [][]language.Sysctl
	index := map[string]int{} // by the list as JSON
	trials := make([][]int, len(scenarios))
	settings := make([][][]setting, len(scenarios))
	for i, s := range scenarios {
		settings[i] = settingsOf(s)
		for _, list := range settings[i] {
			plain := make([]language.Sysctl, len(list))
			for k := range list {
				plain[k] = language.Sysctl{Name: list[k].Name, Value: list[k].Value}
			}
			key, err := json.Marshal(plain)
			if err != nil {
				panic(err) // strings can be encoded
			}
			trial, ok := index[string(key)]
			if !ok {
				trial = len(lists)
				index[string(key)], lists = trial, append(lists, plain)
			}
			trials[i] = append(trials[i], trial)
		}
	}
	if len(lists) == 0 {
		return make([][]error, len(scenarios))
	}
	tried, err := trySysctls(ctx, lists)
	if err != nil {
		tried = look(lists)
	}
	problems := make([][]error, len(scenarios))
	for i := range scenarios {
		for h, list := range settings[i] {
			for k := range list {
				if err := list[k].problem(tried[trials[i][h]][k]); err != nil {
					problems[i] = append(problems[i], err)
				}
			}
		}
	}
	return problems
}

// problem returns what is wrong with a setting whose trial had an error; nil if nothing is.
func (s *setting) problem(err error) error {
	var lacking *inject.MissingError
	var refused *inject.RefusedError
	switch {
	case errors.As(err, &lacking) && !s.Optional:
		named := *lacking
		named.NeededBy = s.NeededBy
		return &language.PlacedError{Pos: s.Pos, Err: &named}
	case errors.As(err, &refused):
		return &language.PlacedError{Pos: s.Pos, Err: refused}
	}
	return nil // any other error may be that of the trial
}

// look returns what is known about parameters without a namespace to try them in.
func look(lists [][]language.Sysctl) [][]error {
	found := make([][]error, len(lists))
	for i, list := range lists {
		found[i] = make([]error, len(list))
		for k, s := range list {
			found[i][k] = network.LookAtSysctl(s.Name)
		}
	}
	return found
}

// isMachineWide reports whether a parameter is known to be set for the whole machine.
func isMachineWide(name string) bool {
	p, _ := sysctl.Find(name)
	return p.Scope == sysctl.Machine
}
