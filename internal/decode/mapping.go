package decode

import (
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// structure decodes a mapping, or the struct's short form.
func (d *Decoder) structure(n *yaml.Node, v reflect.Value) {
	s := shapeOf(v.Type())
	if s.whole != nil {
		d.Value(n, v.FieldByIndex(s.whole))
		return
	}
	short, hasShort := Short(v.Type())
	// If the short form is itself a mapping, a mapping without any of the struct's keys is the
	// short form.
	asMapping := hasShort && IsEntries(v.Type().FieldByIndex(short.Index).Type)
	switch {
	case n.Kind == yaml.MappingNode && asMapping && len(n.Content) > 0 && !hasKey(n, s.fields):
		d.Value(n, v.FieldByIndex(short.Index))
	case n.Kind == yaml.MappingNode:
		d.Mapping(n, v)
	case IsNull(n):
		d.missing(n, v, "")
	case hasShort && !asMapping:
		if IsScalar(n) {
			d.oneOfWords(n, n.Value, short.Words)
		}
		d.Value(n, v.FieldByIndex(short.Index))
		d.missing(n, v, short.Key)
	case v.NumField() == 0:
		d.Errorf(code.WrongType, n, "want no value here")
	default:
		d.Errorf(code.WrongType, n,
			"want a mapping here, with the keys %s", say.List(Keys(v.Type())))
	}
}

// hasKey reports whether a mapping has the key of one of the fields.
func hasKey(n *yaml.Node, fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool { return Child(n, f.Key) != nil })
}

// missing reports the required keys of a mapping without keys, except for the key given, which a
// short form has filled.
func (d *Decoder) missing(n *yaml.Node, v reflect.Value, given string) {
	for _, f := range Fields(v.Type()) {
		if f.Required && f.Key != given {
			d.Errorf(code.MissingKey, n, "missing key %q", f.Key)
		}
	}
}

// Mapping decodes the keys of a mapping into the fields of a struct, except for the keys in skip,
// which count as known.
func (d *Decoder) Mapping(n *yaml.Node, v reflect.Value, skip ...string) {
	fields := Fields(v.Type())
	seen := d.Keys(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == BadTag || slices.Contains(skip, key.Value) {
			continue
		}
		j := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key.Value })
		if j < 0 {
			if d.Misplaced != nil {
				if problem := d.Misplaced(v.Type(), key.Value); problem != "" {
					d.Errorf(code.MisplacedKey, key, "%s", problem)
					continue
				}
			}
			d.Unknown(key, append(Keys(v.Type()), skip...))
			// Read a section under a misspelt name as the nearest known one, so that neither the
			// section nor the names in it are reported as missing.
			meant := spell.Nearest(key.Value, Keys(v.Type()))
			if meant == "" || seen[meant] {
				continue
			}
			seen[meant] = true
			if IsScalar(value) {
				continue
			}
			j = slices.IndexFunc(fields, func(f Field) bool { return f.Key == meant })
		}
		if IsScalar(value) {
			d.oneOfWords(value, value.Value, fields[j].Words)
		}
		d.Value(value, v.FieldByIndex(fields[j].Index))
	}
	for _, f := range fields {
		if f.Required && !seen[f.Key] && !slices.Contains(skip, f.Key) {
			d.Errorf(code.MissingKey, n, "missing key %q", f.Key)
		}
	}
	d.setPlace(n, v)
}

// setPlace puts the place of a node into the struct's field for it, if it has one.
func (d *Decoder) setPlace(n *yaml.Node, v reflect.Value) {
	if s := shapeOf(v.Type()); s.place != nil {
		f := v.FieldByIndex(s.place)
		f.Set(reflect.ValueOf(d.At(n)).Convert(f.Type()))
	}
}

// Unknown records that a key is unknown, and suggests the nearest known key, or all of them.
func (d *Decoder) Unknown(key *yaml.Node, known []string) {
	if d.isBad(key) {
		return
	}
	d.Errorf(code.UnknownKey, key,
		"unknown key %q%s", say.Clip(key.Value), suggestKey(key.Value, known))
}

func suggestKey(key string, known []string) spell.Hint {
	switch {
	case key == "<<":
		return spell.Hint{Text: "; merge keys are not supported, write the keys out"}
	case len(known) == 0:
		return spell.Hint{Text: "; no keys are known here"}
	}
	return spell.Suggest(key, known)
}

// Keys returns the set of a mapping's keys and reports those that are not text or come twice.
func (d *Decoder) Keys(n *yaml.Node) map[string]bool {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case d.isBad(key):
			continue
		case key.Kind != yaml.ScalarNode:
			d.Errorf(code.WrongType, key, "invalid key: want a name")
		case seen[key.Value]:
			d.Errorf(code.DuplicateKey, key,
				"duplicate key %q: keep one of them", say.Clip(key.Value))
		}
		seen[key.Value] = true
	}
	return seen
}

// OneOf decodes a struct of pointers. Exactly one of them is set: {delay: {...}}, or the bare name:
// drop. The noun for messages is what.
func (d *Decoder) OneOf(n *yaml.Node, v reflect.Value, what string) {
	known := Keys(v.Type())
	var key, value *yaml.Node
	switch {
	case IsScalar(n):
		key, value = n, &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key, value = n.Content[0], n.Content[1]
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		first := say.Clip(n.Content[0].Value)
		d.Errorf(code.ConflictingKeys, n.Content[2],
			"want only one %s here: %q is set already", what, first)
		return
	default:
		d.Errorf(code.MissingKey, n, "want one %s here: %s", what, strings.Join(known, ", "))
		return
	}
	i := slices.Index(known, key.Value)
	switch {
	case d.isBad(key):
		return
	case i < 0:
		d.Errorf(code.UnknownWord, key,
			"unknown %s %q%s", what, say.Clip(key.Value), suggestKey(key.Value, known))
		return
	}
	d.Value(value, v.FieldByIndex(Fields(v.Type())[i].Index))
}
