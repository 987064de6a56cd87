package language

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/expr"
	"halfopen/internal/say"
)

// Default returns the value of a parameter under params, as written; ok is false if only cases have
// a value.
func (f *File) Default(name string) (value string, ok bool) {
	for _, p := range f.defaults {
		if p.name == name {
			return flow(p.value), true
		}
	}
	return "", false
}

// Values returns the values of a parameter in the file, as written, without duplicates: its
// default, then those of the cases.
func (f *File) Values(name string) []string {
	var values []string
	for _, n := range f.values(name) {
		if text := flow(n); !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	return values
}

func (f *File) values(name string) []*yaml.Node {
	var values []*yaml.Node
	for _, p := range f.defaults {
		if p.name == name {
			values = append(values, p.value)
		}
	}
	for _, r := range f.rows {
		for _, p := range r.params {
			if p.name == name {
				values = append(values, p.value)
			}
		}
	}
	return values
}

// settable reports a text that a parameter cannot be set to. A parameter with only numbers in the
// file must be a number, one with only durations a duration. A range of these is accepted: it can
// be compared with, but not computed with.
func (f *File) settable(name, text string) []*Error {
	values := f.values(name)
	var known expr.Kind
	for i, n := range values {
		k := valueOf(n).Kind()
		if refersToParam(n) || i > 0 && k != known {
			return nil
		}
		known = k
	}
	given := expr.ParseValue(text)
	if strings.HasPrefix(text, "[") || given.Kind() == known || strings.Contains(text, "${") {
		return nil
	}
	fits := true
	switch known {
	case expr.Number:
		fits = new(Count).Set(text) == nil
	case expr.Duration:
		fits = new(Span).Set(text) == nil
	case expr.Truth:
		fits = false
	}
	if fits {
		return nil
	}
	remedy := "write one such as " + flow(values[0])
	if known == expr.Duration && given.Kind() == expr.Number {
		remedy = fmt.Sprintf("write %ss or %sms", text, text)
	}
	return []*Error{{
		Pos{f.Path, values[0].Line, values[0].Column},
		code.Errorf(code.InvalidValue, "--set %s=%s: %s is %s here, not %s; %s",
			name, say.Clip(text), name, known, given.Describe(), remedy),
	}}
}

// setNode returns the node for a text of the command line: a list if it is a YAML list on one line,
// else the text.
func setNode(text string, at *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	var doc yaml.Node
	if strings.HasPrefix(text, "[") && len(text) < 4096 &&
		yaml.Unmarshal([]byte(text), &doc) == nil && isAliasFree(&doc) && len(doc.Content) == 1 {
		n = doc.Content[0]
	}
	if at != nil {
		move(n, at)
	}
	return n
}

// move sets the place of a node, and of all nodes below it, to that of another.
func move(n, at *yaml.Node) {
	n.Line, n.Column = at.Line, at.Column
	for _, c := range n.Content {
		move(c, at)
	}
}
