package language

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is a key of a mapping in YAML, and the struct field it fills.
type field struct {
	key      string
	index    []int
	required bool
	// short is set for the field that a scalar or a list fills when it stands in place of the whole mapping: "delay: 200ms"
	// for "delay: {by: 200ms}". A struct has one at most.
	short bool
	// enum is what a text may be; nil for anything.
	enum []string
}

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf returns the keys that YAML has for a struct, in the order of its fields: named by the yaml tag, else by the json
// tag; embedded and inlined structs are flattened. A key is required where its json tag has neither omitempty nor omitzero.
// The yaml flag short marks the field of the short form; at an embedded struct, that struct's first field.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		yamlName, yamlFlags, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		jsonName, jsonFlags, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Type == reflect.TypeFor[Pos]() || yamlName == "-" || !sf.IsExported() {
			continue
		}
		if sf.Anonymous || strings.Contains(yamlFlags, "inline") {
			for j, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				f.short = j == 0 && strings.Contains(yamlFlags, "short")
				fields = append(fields, f)
			}
			continue
		}
		key := yamlName
		if key == "" {
			key = jsonName
		}
		if key == "" {
			continue
		}
		f := field{
			key: key, index: []int{i},
			required: !strings.Contains(jsonFlags, "omit"),
			short:    strings.Contains(yamlFlags, "short"),
		}
		for part := range strings.SplitSeq(sf.Tag.Get("jsonschema"), ",") {
			if word, ok := strings.CutPrefix(part, "enum="); ok {
				f.enum = append(f.enum, word)
			}
		}
		fields = append(fields, f)
	}
	fieldCache.Store(t, fields)
	return fields
}

// shortOf returns the field of the short form; false where there is none.
func shortOf(fields []field) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.short })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// keysOf returns the names of fields.
func keysOf(fields []field) []string {
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		if !slices.Contains(keys, f.key) {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// typeEnum returns what a value of a text type may be, or nil for a type that takes any text.
func typeEnum(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[SegmentKind]():
		return words(SYN, SYNACK, ACK, DATA, FIN, RST, AnySegment)
	case reflect.TypeFor[State]():
		return words(Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, Unbound, CloseWait, LastAck, Listening, Closing, Closed)
	case reflect.TypeFor[Family]():
		return words(V4, V6)
	}
	return nil
}

func words[S ~string](values ...S) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}
