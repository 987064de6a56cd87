package language

import (
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/spell"
)

// expectationKeys are the keys that every kind of expectation can have.
var expectationKeys = []string{"only", "where"}

// expectation reads an expectation. The key of its kind decides which other keys it can have.
func (d *decoder) expectation(n *yaml.Node, e *Expectation) {
	e.Pos = Pos(d.At(n))
	if n.Kind != yaml.MappingNode {
		d.Errorf(code.WrongType, n,
			"want an expectation here: a mapping such as {step: client.connect, error: none}")
		return
	}
	v := reflect.ValueOf(e).Elem()
	fields := decode.Fields(v.Type())
	var kind *decode.Field
	var kindKey *yaml.Node
	rest := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		j := slices.IndexFunc(fields, func(f decode.Field) bool { return f.Key == key.Value })
		switch {
		case j >= 0 && slices.Contains(expectationKeys, key.Value):
			if f := v.FieldByIndex(fields[j].Index); f.IsZero() {
				d.Value(value, f)
				continue
			}
			d.Errorf(code.DuplicateKey, key, "duplicate key %q: keep one of them", key.Value)
			continue
		case j >= 0 && kind == nil:
			kind, kindKey = &fields[j], key
		case j >= 0 && fields[j].Key != kind.Key:
			d.Errorf(code.ConflictingKeys, key,
				"two expectations in one: %q and %q; make them two items of the list",
				kindKey.Value, key.Value)
			continue
		}
		rest.Content = append(rest.Content, key, value)
	}
	if kind == nil {
		var all []string
		for _, k := range decode.Keys(v.Type()) {
			if !slices.Contains(expectationKeys, k) {
				all = append(all, k)
			}
		}
		var near spell.Hint
		for i := 0; i+1 < len(n.Content) && near.Word == ""; i += 2 {
			near = spell.DidYouMean(n.Content[i].Value, all)
		}
		d.Errorf(code.MissingKey, n,
			"the expectation has no kind%s; want one of %s", near, strings.Join(all, ", "))
		return
	}
	d.Value(rest, v.FieldByIndex(kind.Index))
}
