package suite

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"halfopen/inject"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/code"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// Expand returns the cases of scenario files in their order, with parameters set as by halfopen run
// --set. With several files, a parameter is set in the files that have it; it is an error if no
// file has it. Expand also checks the cases: the error has every mistake of every file.
func Expand(files []*language.File, set map[string]string) ([]*language.Scenario, error) {
	all, wrong, err := ExpandEach(files, set)
	if mistakes := errors.Join(wrong...); mistakes != nil {
		return nil, mistakes
	}
	return all, err
}

// ExpandEach is [Expand] where a wrong file does not keep the others from being run: wrong has the
// mistakes of each file, nil for those that are right. The error is about set.
func ExpandEach(
	files []*language.File, set map[string]string,
) (all []*language.Scenario, wrong []error, err error) {
	unused := maps.Clone(set)
	for _, f := range files {
		own := map[string]string{}
		for name, value := range set {
			// A single scenario reports an unknown parameter itself.
			if len(files) == 1 || slices.Contains(f.Params, name) {
				own[name] = value
				delete(unused, name)
			}
		}
		cases, err := f.Expand(own)
		if err == nil {
			err = Check(cases)
		}
		if wrong = append(wrong, err); err == nil {
			all = append(all, cases...)
		}
	}
	if names := slices.Sorted(maps.Keys(unused)); len(names) > 0 {
		var known []string
		for _, f := range files {
			known = append(known, f.Params...)
		}
		return nil, wrong, fmt.Errorf("--set %s: none of the %d scenarios has this parameter%s",
			names[0], len(files), spell.DidYouMean(names[0], known))
	}
	return all, wrong, nil
}

// Pick returns the wanted cases. Each wanted is a case's label, a parameter as NAME=VALUE, or an IP
// version, v4 or v6. In a file that has a case of this label, it is no parameter. A case must match one of the labels and parameters, if there are any, and one
// of the IP versions, if there are any. It is an error if a wanted matches no case, or if no case
// is left.
func Pick(cases []*language.Scenario, wanted ...string) ([]*language.Scenario, error) {
	for _, want := range wanted {
		if !slices.ContainsFunc(cases, func(s *language.Scenario) bool { return isFamily(s, want) || isCase(s, want) }) {
			return nil, fmt.Errorf("unknown case %q: %s", want, knownCases(cases))
		}
	}
	labelled := map[caseKey]bool{}
	for _, s := range cases {
		labelled[caseKey{s.Pos.File, s.Name, s.Case}] = true
	}
	families, labels := false, false
	for _, want := range wanted {
		isLabel := want != string(language.V4) && want != string(language.V6)
		families, labels = families || !isLabel, labels || isLabel
	}
	kept := slices.DeleteFunc(slices.Clone(cases), func(s *language.Scenario) bool {
		return families && !slices.ContainsFunc(wanted, func(want string) bool { return isFamily(s, want) }) ||
			labels && !slices.ContainsFunc(wanted, func(want string) bool {
				return isCase(s, want) && (s.Case == want || !labelled[caseKey{s.Pos.File, s.Name, want}])
			})
	})
	if len(kept) == 0 && len(cases) > 0 {
		return nil, fmt.Errorf("no case matches all of --case %s", strings.Join(wanted, ", "))
	}
	return kept, nil
}

// Plan plans the network and the faults of a case, for a kernel that has everything; the lab of a
// run finds out what its kernel lacks. The error is a *inject.MissingError for a mechanism that
// this version of halfopen lacks; any other means that the scenario is wrong.
func Plan(s *language.Scenario) (*network.Topology, *fault.Plan, error) {
	topology, err := network.Plan(s)
	if err != nil {
		return nil, nil, err
	}
	plan, err := fault.Compile(s, topology, fault.Features{Netem: true})
	return topology, plan, err
}

// Check plans the cases of a file and returns the mistakes found, each once.
func Check(cases []*language.Scenario) error {
	var mistakes language.CaseErrors
	for _, s := range cases {
		_, _, err := Plan(s)
		var lacking *inject.MissingError
		var mistake *language.Error
		switch {
		case err == nil || errors.As(err, &lacking):
			mistakes.Add(s)
		case errors.As(err, &mistake):
			mistakes.Add(s, mistake)
		default:
			mistakes.Add(s, &language.Error{Problem: code.Of(err, code.CannotPlan)})
		}
	}
	return mistakes.Join()
}

// caseKey is a case of a file, on all IP versions.
type caseKey struct{ file, scenario, label string }

func isFamily(s *language.Scenario, want string) bool { return want == string(s.Family) }

// isCase reports whether want is the case's label, or one of its parameters as NAME=VALUE.
func isCase(s *language.Scenario, want string) bool {
	if want == s.Case && want != "" {
		return true
	}
	name, value, ok := strings.Cut(want, "=")
	if !ok {
		return false
	}
	has, ok := s.Params[name]
	return ok && has == value
}

// knownCases lists the labels to choose from, for an error.
func knownCases(cases []*language.Scenario) string {
	var labels []string
	for _, s := range cases {
		if s.Case != "" && !slices.Contains(labels, s.Case) {
			labels = append(labels, s.Case)
		}
	}
	switch {
	case len(labels) == 0:
		return "the scenario has no cases"
	case len(labels) > 20:
		return fmt.Sprintf("halfopen show NAME lists all %d", len(labels))
	}
	return "want one of " + strings.Join(labels, ", ")
}
