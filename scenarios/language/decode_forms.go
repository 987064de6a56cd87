package language

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// named decodes a mapping of names to structs into a list in the order of the file: hosts, faults, actors.
func (d *decoder) named(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "want a mapping of names here")
		return
	}
	d.keys(n)
	if len(n.Content) == 0 {
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content)/2, len(n.Content)/2)
	kept := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		e := s.Index(kept)
		since := len(d.noted)
		e.FieldByName("Name").SetString(key.Value)
		switch e.Addr().Interface().(type) {
		case *Actor:
			d.actor, d.ids = key.Value, map[string]int{}
			d.seen["actor "+key.Value] = true
		case *Fault:
			d.seen["fault "+key.Value] = true
		}
		d.value(value, e)
		// The name's place says more than that of what is below it.
		e.FieldByName("Pos").Set(reflect.ValueOf(d.at(key)))
		if a, ok := e.Addr().Interface().(*Actor); ok && a.Host == "" {
			a.Host = a.Name
		}
		if d.keep(e) && !d.emptied(e) {
			kept++
		} else {
			e.SetZero()
			d.forget(since)
		}
	}
	if kept > 0 {
		v.Set(s.Slice(0, kept))
	}
}

// emptied reports whether only has left an actor without steps, which leaves out the actor itself.
func (d *decoder) emptied(v reflect.Value) bool {
	a, ok := v.Addr().Interface().(*Actor)
	if !ok || len(a.Steps) > 0 {
		return false
	}
	for key := range d.seen {
		if strings.HasPrefix(key, a.Name+".") {
			return true
		}
	}
	return false
}

// pairs decodes a mapping of names to scalars into a list of structs with a Name, and a field for the scalar.
func (d *decoder) pairs(n *yaml.Node, v reflect.Value, valueField string) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "want a mapping of names to values here")
		return
	}
	d.keys(n)
	if len(n.Content) == 0 {
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content)/2, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := s.Index(i / 2)
		e.FieldByName("Name").SetString(n.Content[i].Value)
		d.note(e.FieldByName("Name").Addr().Interface(), n.Content[i])
		d.value(n.Content[i+1], e.FieldByName(valueField))
		if pos := e.FieldByName("Pos"); pos.IsValid() {
			pos.Set(reflect.ValueOf(d.at(n.Content[i])))
		}
	}
	v.Set(s)
}

// oneOf decodes a struct of pointers of which exactly one is set: {delay: {...}}, or the bare name: drop.
func (d *decoder) oneOf(n *yaml.Node, v reflect.Value, what string) {
	known := keysOf(fieldsOf(v.Type()))
	var key, value *yaml.Node
	switch {
	case isScalar(n):
		key, value = n, &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key, value = n.Content[0], n.Content[1]
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		d.errorf(n.Content[2], "one %s too many: %q stands here already", what, say.Clip(n.Content[0].Value))
		return
	default:
		d.errorf(n, "want one %s here: %s", what, strings.Join(known, ", "))
		return
	}
	i := slices.Index(known, key.Value)
	if i < 0 {
		d.errorf(key, "unknown %s %q%s", what, say.Clip(key.Value), suggestKey(key.Value, known))
		return
	}
	d.value(value, v.FieldByIndex(fieldsOf(v.Type())[i].index))
}

// stepKeys are the keys that stand beside the operation of a step.
var stepKeys = []string{"id", "socket", "after", "times", "only"}

// step decodes a step: a mapping of one operation and what stands beside it, or the bare name of an operation.
func (d *decoder) step(n *yaml.Node, s *Step) {
	s.Pos = d.at(n)
	op := reflect.ValueOf(&s.Op).Elem()
	if isScalar(n) {
		d.stepID(n, s, n.Value)
		d.seen[d.actor+"."+s.ID] = true
		d.oneOf(n, op, "operation")
		return
	}
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "want a step here: an operation's name, or a mapping such as {connect: \"server:8080\"}")
		return
	}
	d.keys(n)
	known := keysOf(fieldsOf(op.Type()))
	var ops, rest []*yaml.Node
	unknown := len(d.errs)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case slices.Contains(stepKeys, key.Value):
			rest = append(rest, key, n.Content[i+1])
		case slices.Contains(known, key.Value):
			ops = append(ops, key, n.Content[i+1])
		default:
			all := append(slices.Clone(known), stepKeys...)
			d.errorf(key, "unknown key %q%s", say.Clip(key.Value), suggestKey(key.Value, all))
		}
	}
	if len(ops) == 0 {
		// Alone, socket is the operation.
		if i := slices.IndexFunc(rest, func(k *yaml.Node) bool { return k.Value == "socket" }); i >= 0 && i%2 == 0 {
			ops = append(ops, rest[i], rest[i+1])
			rest = slices.Delete(rest, i, i+2)
		} else {
			if len(d.errs) == unknown {
				d.errorf(n, "the step has no operation; want one of %s", strings.Join(known, ", "))
			}
			return
		}
	}
	if len(ops) > 2 {
		d.errorf(ops[2], "two operations in one step: %q and %q", ops[0].Value, ops[2].Value)
		return
	}
	explicit := false
	for i := 0; i < len(rest); i += 2 {
		value := rest[i+1]
		switch rest[i].Value {
		case "id":
			explicit = true
			d.value(value, reflect.ValueOf(&s.ID).Elem())
		case "socket":
			d.value(value, reflect.ValueOf(&s.Socket).Elem())
		case "after":
			d.value(value, reflect.ValueOf(&s.After).Elem())
		case "times":
			d.value(value, reflect.ValueOf(&s.Times).Elem())
		case "only":
			d.value(value, reflect.ValueOf(&s.Only).Elem())
		}
	}
	id := s.ID
	d.stepID(n, s, ops[0].Value)
	if explicit {
		s.ID = id
	}
	single := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column, Content: ops}
	d.oneOf(single, op, "operation")
	d.seen[d.actor+"."+s.ID] = true
}

// stepID gives a step the name that its operation and its place in the actor imply.
func (d *decoder) stepID(n *yaml.Node, s *Step, op string) {
	if d.ids == nil {
		d.ids = map[string]int{}
	}
	d.ids[op]++
	s.ID = op
	if d.ids[op] > 1 {
		s.ID = fmt.Sprintf("%s%d", op, d.ids[op])
	}
	d.note(&s.ID, n)
}

// expectationKeys are the keys that stand beside every kind of expectation.
var expectationKeys = []string{"only", "where"}

// expectation decodes an expectation: the key that names its kind says which keys may stand beside it.
func (d *decoder) expectation(n *yaml.Node, e *Expectation) {
	e.Pos = d.at(n)
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "want an expectation here: a mapping such as {step: client.connect, error: none}")
		return
	}
	v := reflect.ValueOf(e).Elem()
	fields := fieldsOf(v.Type())
	var kind *field
	var kindKey *yaml.Node
	rest := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		j := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		switch {
		case j >= 0 && slices.Contains(expectationKeys, key.Value):
			if f := v.FieldByIndex(fields[j].index); f.IsZero() {
				d.value(value, f)
				continue
			}
			d.errorf(key, "key %q is here twice", key.Value)
			continue
		case j >= 0 && kind == nil:
			kind, kindKey = &fields[j], key
		case j >= 0 && fields[j].key != kind.key:
			d.errorf(key, "two expectations in one: %q and %q", kindKey.Value, key.Value)
			continue
		}
		rest.Content = append(rest.Content, key, value)
	}
	if kind == nil {
		var kinds []string
		for _, k := range keysOf(fields) {
			if !slices.Contains(expectationKeys, k) {
				kinds = append(kinds, k)
			}
		}
		var near string
		for i := 0; i+1 < len(n.Content) && near == ""; i += 2 {
			near = spell.DidYouMean(n.Content[i].Value, kinds)
		}
		d.errorf(n, "the expectation has no kind%s; want one of %s", near, strings.Join(kinds, ", "))
		return
	}
	d.value(rest, v.FieldByIndex(kind.index))
}

// text decodes a text to match: a scalar is a text to be equal to, or a range of integers where it has a comparator.
func (d *decoder) text(n *yaml.Node, t *Text) {
	if !isScalar(n) {
		before := len(d.errs)
		d.structure(n, reflect.ValueOf(t).Elem())
		if set := oneOfCount(t.Is, t.Contains, t.Matches); set != 1 && len(d.errs) == before {
			d.errorf(n, "want exactly one of is, contains and matches")
		}
		return
	}
	if isRange(n.Value) {
		t.Number = &Count{}
		if t.Number.parse(n.Value) == nil {
			return
		}
		t.Number = nil
	}
	t.Is = &n.Value
}

func oneOfCount[T any](pointers ...*T) int {
	n := 0
	for _, p := range pointers {
		if p != nil {
			n++
		}
	}
	return n
}

// sysctlOp decodes {host: H, set: {NAME: VALUE}}, or just {NAME: VALUE}.
func (d *decoder) sysctlOp(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.MappingNode && child(n, "set") == nil && child(n, "host") == nil && len(n.Content) > 0 {
		d.value(n, v.FieldByName("Set"))
		return
	}
	d.structure(n, v)
}
