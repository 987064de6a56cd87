package language

import (
	"errors"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/expr"
)

// Expand returns a scenario for each case on each IP version, with every parameter replaced and
// everything validated. set overrides parameters, in params and in every case; a name that the file
// does not have is an error. All mistakes of the file are returned together, joined.
func (f *File) Expand(set map[string]string) ([]*Scenario, error) {
	rows, err := f.apply(set)
	if err != nil {
		return nil, err
	}
	var scenarios []*Scenario
	var mistakes CaseErrors
	nodes := 0
	read := map[string]*expr.Expression{}
	for _, r := range rows {
		for _, family := range f.IP {
			s, used, found, idle := f.expand(r, family, read)
			if len(set) > 0 {
				s.Set = set
			}
			mistakes.add(s, found, idle)
			scenarios = append(scenarios, s)
			if nodes += used; nodes > maxTotalNodes {
				return nil, errors.Join(mistakes.Join(), &Error{
					Pos{File: f.Path},
					code.Errorf(code.LimitExceeded,
						"too many YAML nodes: want at most %d in all cases together",
						maxTotalNodes),
				})
			}
			if len(mistakes.in) > maxErrors {
				return nil, mistakes.Join()
			}
		}
	}
	if err := mistakes.Join(); err != nil {
		return nil, err
	}
	return scenarios, nil
}

// tables are the keys of a file with parameters and cases, which are not part of a scenario.
var tables = []string{"params", "cases", "matrix"}

// expand returns the scenario of one case on one IP version, the number of YAML nodes used, and the
// mistakes: found are those of the scenario, idle those in the case's parameters and in what only
// leaves out. read caches expressions, by their source.
func (f *File) expand(
	r expandedRow, family Family, read map[string]*expr.Expression,
) (s *Scenario, used int, found, idle []*Error) {
	d := newDecoder(f.Path)
	d.family, d.label, d.labels = family, r.written, f.Cases
	d.file, d.row, d.left = f, &r, f.left(&r)
	x := &substitution{
		d: d, broken: map[string][]decode.Mistake{},
		params: map[string]*yaml.Node{
			"ip":   {Kind: yaml.ScalarNode, Tag: "!!str", Value: string(family)},
			"case": {Kind: yaml.ScalarNode, Tag: "!!str", Value: r.label},
		},
		names: slices.Concat(f.Params, reservedParams), read: read,
		computed: map[string]bool{"ip": true, "case": true},
	}
	for _, p := range r.params {
		x.params[p.name] = p.value
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Line: f.root.Line, Column: f.root.Column}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		key := f.root.Content[i]
		if slices.Contains(tables, key.Value) {
			root.Content = append(root.Content, key, &yaml.Node{
				Kind: yaml.ScalarNode, Tag: "!!null", Line: key.Line, Column: key.Column,
			})
			continue
		}
		if value := x.node(f.root.Content[i+1]); value != nil {
			root.Content = append(root.Content, key, value)
		}
	}
	s = &Scenario{
		Case: r.label, Matrix: r.matrix, Family: family, Dir: f.Dir, Source: f.Source, Awaits: f.Awaits,
	}
	before := len(x.found)
	if len(r.params) > 0 {
		s.Params = map[string]string{}
		for _, p := range r.params {
			if value := x.param(p.value, p.name); value != nil {
				s.Params[p.name] = flow(value)
			}
		}
	}
	if x.nodes > MaxNodes || x.text > maxText {
		return s, x.nodes, []*Error{{
			Pos{File: f.Path},
			code.Errorf(code.LimitExceeded,
				"the file is too large: want at most %d YAML nodes and %d MiB of text, with parameters replaced",
				MaxNodes, maxText>>20),
		}}, nil
	}
	d.Mapping(root, reflect.ValueOf(s).Elem(), slices.Concat(tables, f.dispensable())...)
	if len(s.IP) == 0 {
		s.IP = []Family{V4}
	}
	s.placeFaults()
	found = append(errorsOf(d.Mistakes()), validate(s, d)...)
	return s, x.nodes, found, errorsOf(slices.Concat(x.found[before:], d.Forgotten()))
}
