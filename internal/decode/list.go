package decode

import (
	"reflect"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
)

// IsSingle reports whether each value of a type is written as one text or number, so that a single
// value may be written for a list of one.
func IsSingle(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Int ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[Setter]())
}

// list decodes a list. An empty one is nil.
func (d *Decoder) list(n *yaml.Node, v reflect.Value) {
	items := n.Content
	switch {
	case n.Kind == yaml.SequenceNode:
	case IsNull(n):
		d.Errorf(code.MissingValue, n, "missing value: want a list here")
		return
	case IsScalar(n) && IsSingle(v.Type().Elem()):
		items = []*yaml.Node{n}
	default:
		d.Errorf(code.WrongType, n, "want a list here")
		return
	}
	d.elements(v, len(items), func(i int, e reflect.Value) { d.Value(items[i], e) })
}

// entries decodes a mapping of names into a list of structs, in the order of the file.
func (d *Decoder) entries(n *yaml.Node, v reflect.Value, entry *shape) {
	if n.Kind != yaml.MappingNode {
		what := "names"
		if entry.value != nil {
			what = "names to values"
		}
		d.Errorf(code.WrongType, n, "want a mapping of %s here", what)
		return
	}
	d.Keys(n)
	d.elements(v, len(n.Content)/2, func(i int, e reflect.Value) {
		key, value := n.Content[2*i], n.Content[2*i+1]
		name := e.FieldByIndex(entry.name)
		name.SetString(key.Value)
		if entry.value != nil {
			d.Note(name.Addr().Interface(), key)
			d.Value(value, e.FieldByIndex(entry.value))
		} else {
			d.Value(value, e)
		}
		// The place of the name says more than the place of the value.
		d.setPlace(key, e)
	})
}

// elements makes a list of the elements that d.Keep keeps; nil if it keeps none.
func (d *Decoder) elements(v reflect.Value, n int, decode func(i int, e reflect.Value)) {
	if n == 0 {
		return
	}
	s := reflect.MakeSlice(v.Type(), n, n)
	kept := 0
	for i := range n {
		e := s.Index(kept)
		places, mistakes := len(d.noted), len(d.mistakes)
		decode(i, e)
		if d.Keep == nil || d.Keep(e) {
			kept++
		} else {
			e.SetZero()
			d.forget(places, mistakes)
		}
	}
	if kept > 0 {
		v.Set(s.Slice(0, kept))
	}
}

// boolMap decodes a mapping of names to true or false.
func (d *Decoder) boolMap(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.Errorf(code.WrongType, n, "want a mapping of names to true or false here")
		return
	}
	d.Keys(n)
	m := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		d.Value(n.Content[i+1], e)
		m.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}
