package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Expand makes a scenario of each case on each IP family, with every parameter replaced and everything validated. set
// overrides parameters, in params and in every case; a name the file does not have is an error. All mistakes of the file
// are returned joined.
func (f *File) Expand(set map[string]string) ([]*Scenario, error) {
	rows, err := f.apply(set)
	if err != nil {
		return nil, err
	}
	var scenarios []*Scenario
	var errs []*Error
	nodes := 0
	for _, r := range rows {
		for _, family := range f.IP {
			s, used, found := f.expand(r, family)
			errs = append(errs, found...)
			scenarios = append(scenarios, s)
			if nodes += used; nodes > maxTotalNodes {
				errs = append(errs, &Error{Pos{File: f.Path}, fmt.Sprintf("more than %d YAML nodes in all cases together; this is no scenario", maxTotalNodes)})
				return nil, joinErrors(errs)
			}
			if len(errs) > maxErrors {
				return nil, joinErrors(errs)
			}
		}
	}
	if err := joinErrors(errs); err != nil {
		return nil, err
	}
	return scenarios, nil
}

// expand makes the scenario of one case on one family and says how many nodes that took.
func (f *File) expand(r expandedRow, family Family) (*Scenario, int, []*Error) {
	d := &decoder{file: f.Path, pos: map[any]Pos{}, family: family, label: r.written, labels: f.Cases, seen: map[string]bool{}}
	x := &substitution{d: d, label: r.label, params: map[string]*yaml.Node{
		"ip":   {Kind: yaml.ScalarNode, Tag: "!!str", Value: string(family)},
		"case": {Kind: yaml.ScalarNode, Tag: "!!str", Value: r.label},
	}, names: slices.Concat(f.Params, reservedParams)}
	for _, p := range r.params {
		x.params[p.name] = p.value
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Line: f.root.Line, Column: f.root.Column}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		key := f.root.Content[i]
		if key.Value == "params" || key.Value == "cases" {
			root.Content = append(root.Content, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: key.Line, Column: key.Column})
			continue
		}
		if value := x.node(f.root.Content[i+1]); value != nil {
			root.Content = append(root.Content, key, value)
		}
	}
	s := &Scenario{Case: r.label, Family: family}
	if len(r.params) > 0 {
		s.Params = map[string]string{}
		for _, p := range r.params {
			s.Params[p.name] = flow(p.value)
		}
	}
	if x.nodes > MaxNodes || x.text > maxText {
		return s, x.nodes, append(d.errs, &Error{Pos{File: f.Path}, fmt.Sprintf("more than %d YAML nodes or %d MiB of text once parameters are put in; this is no scenario", MaxNodes, maxText>>20)})
	}
	d.mapping(root, reflect.ValueOf(s).Elem(), []string{"params", "cases"})
	if len(s.IP) == 0 {
		s.IP = []Family{V4}
	}
	return s, x.nodes, append(d.errs, validate(s, d)...)
}

// substitution copies a tree with parameters replaced and aliases put in.
type substitution struct {
	d      *decoder
	label  string
	params map[string]*yaml.Node
	names  []string
	nodes  int
	text   int
}

var (
	wholeParam = regexp.MustCompile(`^\$\{([^{}]*)\}$`)
	anyParam   = regexp.MustCompile(`\$?\$\{([^{}]*)\}`)
)

// badTag marks a scalar about which an error has been reported; the decoder then says nothing more of it.
const badTag = "!!bad"

// node returns the copy, or nil for a parameter whose value is null, which leaves out the key or item it stands for.
func (x *substitution) node(n *yaml.Node) *yaml.Node {
	n = resolve(n)
	if x.nodes++; x.nodes > MaxNodes || x.text > maxText {
		return nil
	}
	c := *n
	c.Anchor, c.Alias, c.Content = "", nil, nil
	switch n.Kind {
	case yaml.ScalarNode:
		if m := wholeParam.FindStringSubmatch(n.Value); m != nil {
			value := x.param(n, m[1])
			if value == nil {
				c.Tag = badTag
				return &c
			}
			if isNull(value) {
				return nil
			}
			copied := x.literal(value)
			return copied
		}
		before := len(x.d.errs)
		c.Value = x.splice(n)
		if len(x.d.errs) > before {
			c.Tag = badTag
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := x.node(n.Content[i]), x.node(n.Content[i+1])
			if key != nil && value != nil {
				c.Content = append(c.Content, key, value)
			}
		}
	default:
		for _, item := range n.Content {
			if value := x.node(item); value != nil {
				c.Content = append(c.Content, value)
			}
		}
	}
	return &c
}

// literal copies a parameter's value as it is.
func (x *substitution) literal(n *yaml.Node) *yaml.Node {
	n = resolve(n)
	x.nodes++
	x.text += len(n.Value)
	c := *n
	c.Anchor, c.Alias, c.Content = "", nil, nil
	for _, item := range n.Content {
		if x.nodes > MaxNodes || x.text > maxText {
			break
		}
		c.Content = append(c.Content, x.literal(item))
	}
	return &c
}

// param looks a parameter up; it is an error for it to have no value in this case.
func (x *substitution) param(n *yaml.Node, name string) *yaml.Node {
	value, ok := x.params[name]
	switch {
	case ok:
		return value
	case slices.Contains(x.names, name):
		x.d.errorf(n, "parameter ${%s} has no value in the case %q; give it one there, or under params", name, x.label)
	default:
		x.d.errorf(n, "undefined parameter ${%s}%s", clip(name), suggestParam(name, x.names))
	}
	return nil
}

func suggestParam(name string, known []string) string {
	if s := didYouMean(name, known); s != "" {
		return s
	}
	return "; there are " + list(known) + "; for the text itself write $${" + clip(name) + "}"
}

// splice replaces parameters within a text.
func (x *substitution) splice(n *yaml.Node) string {
	if !strings.Contains(n.Value, "${") {
		return n.Value
	}
	return anyParam.ReplaceAllStringFunc(n.Value, func(m string) string {
		if strings.HasPrefix(m, "$$") {
			return m[1:]
		}
		value := x.param(n, m[2:len(m)-1])
		if value == nil || x.text > maxText {
			return ""
		}
		text := flow(value)
		x.text += len(text)
		return text
	})
}
