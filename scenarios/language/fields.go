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
	// enum is what a text may be; nil for anything.
	enum []string
}

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf returns the keys that YAML has for a struct, in the order of its fields: named by the yaml tag, else by the json
// tag; embedded and inlined structs are flattened. A key is required where its json tag has neither omitempty nor omitzero.
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
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
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
		f := field{key: key, index: []int{i}, required: !strings.Contains(jsonFlags, "omit")}
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

// shortForm names the field of a struct that a scalar or a list fills when it stands in place of the whole mapping:
// "delay: 200ms" for "delay: {by: 200ms}". It is "" for a struct that has no short form.
func shortForm(t reflect.Type) string { return shortForms[t] }

var shortForms = map[reflect.Type]string{
	reflect.TypeFor[Actor]():             "Steps",
	reflect.TypeFor[Payload]():           "Contains",
	reflect.TypeFor[Reject]():            "With",
	reflect.TypeFor[Reset]():             "To",
	reflect.TypeFor[Delay]():             "By",
	reflect.TypeFor[Hold]():              "Until",
	reflect.TypeFor[Duplicate]():         "Copies",
	reflect.TypeFor[Reorder]():           "By",
	reflect.TypeFor[Corrupt]():           "Bytes",
	reflect.TypeFor[Rate]():              "To",
	reflect.TypeFor[Replay]():            "After",
	reflect.TypeFor[Partition]():         "Host",
	reflect.TypeFor[MTU]():               "Size",
	reflect.TypeFor[SocketOp]():          "Type",
	reflect.TypeFor[Bind]():              "Port",
	reflect.TypeFor[Listen]():            "Port",
	reflect.TypeFor[Accept]():            "As",
	reflect.TypeFor[Connect]():           "To",
	reflect.TypeFor[Send]():              "Text",
	reflect.TypeFor[Recv]():              "Bytes",
	reflect.TypeFor[Poll]():              "For",
	reflect.TypeFor[Shutdown]():          "How",
	reflect.TypeFor[Getsockopt]():        "Option",
	reflect.TypeFor[SegmentTimestamps](): "Value",
	reflect.TypeFor[Sleep]():             "For",
	reflect.TypeFor[Signal]():            "Name",
	reflect.TypeFor[Wait]():              "Event",
	reflect.TypeFor[Exec]():              "Command",
	reflect.TypeFor[Kill]():              "Actor",
	reflect.TypeFor[Blocked]():           "Actor",
	reflect.TypeFor[LinkOp]():            "State",
	reflect.TypeFor[Parallel]():          "Branches",
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
