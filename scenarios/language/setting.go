package language

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/expr"
	"halfopen/internal/say"
)

// Default returns the value that a parameter has under params, as written; ok is false where only cases have one.
func (f *File) Default(name string) (value string, ok bool) {
	for _, p := range f.defaults {
		if p.name == name {
			return flow(p.value), true
		}
	}
	return "", false
}

// Values returns the values that a parameter has in the file, as written, each once: its default, then those of the cases.
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

// settable says what is wrong with setting a parameter to a text: it must be a number where the file has only numbers, and
// a duration where it has only durations. A range of either will do, and is then good for comparing, not for computing.
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
	return []*Error{{Pos{f.Path, values[0].Line, values[0].Column}, fmt.Sprintf("--set %s=%s: %s is %s here, not %s; %s", name, say.Clip(text), name, known, given.Describe(), remedy)}}
}

// setNode makes a value of the command line's text: any YAML of one line, so that lists can be set.
func setNode(text string, at *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	var doc yaml.Node
	if strings.HasPrefix(text, "[") && len(text) < 4096 && yaml.Unmarshal([]byte(text), &doc) == nil && isAliasFree(&doc) && len(doc.Content) == 1 {
		n = doc.Content[0]
	}
	if at != nil {
		move(n, at)
	}
	return n
}

// move gives a node, and all below it, the place of another.
func move(n, at *yaml.Node) {
	n.Line, n.Column = at.Line, at.Column
	for _, c := range n.Content {
		move(c, at)
	}
}
