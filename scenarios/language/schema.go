package language

import (
	"encoding/json"
	"reflect"
	"slices"

	"halfopen/internal/decode"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of scenario files, for editors: keys, short forms
// and descriptions, from the Go types that the decoder fills. It is more lenient than
// [File.Expand], which also checks that names exist.
func Schema() ([]byte, error) {
	b := &schemaBuilder{forms: forms, defs: jsonschema.Definitions{}}
	root := b.object(reflect.TypeFor[Scenario]())
	scalar := b.define("Scalar", &jsonschema.Schema{Type: "string"},
		&jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
	root.Properties.Set("params", &jsonschema.Schema{
		Type: "object",
		Description: "Parameters and their values: ${name} stands for the value. A value may be " +
			"computed from other parameters, ${name + 1}; a case may give another value. " +
			"--set NAME=VALUE sets one for a run.",
	})
	one := uint64(1)
	label := jsonschema.NewProperties()
	label.Set("case", &jsonschema.Schema{
		Ref:         scalar.Ref,
		Description: "Name of the case. Default: its first parameter, such as retries=3.",
	})
	root.Properties.Set("cases", &jsonschema.Schema{
		Type: "array", MinItems: &one,
		Items: &jsonschema.Schema{
			Type: "object", MinProperties: &one,
			Properties: label,
		},
		Description: "The cases, a run for each: parameters and their values.",
	})
	root.Properties.Set("matrix", &jsonschema.Schema{
		Type: "object", MinProperties: &one,
		AdditionalProperties: &jsonschema.Schema{Type: "array", MinItems: &one},
		Description: "In place of cases: parameters and the values of each; every combination is a case. " +
			"The values of fault are names of faults, lists of them, or none: a fault that is named here " +
			"is in force only in the cases that name it.",
	})
	root.Version = jsonschema.Version
	root.Title = "halfopen scenario"
	root.Definitions = b.defs
	return json.MarshalIndent(root, "", "  ")
}

// schemaBuilder collects the definitions of types.
type schemaBuilder struct {
	forms map[reflect.Type]typeForm
	defs  jsonschema.Definitions
}

// define adds a definition, which replaces one of the same name, and returns a reference to it. A
// value must match one of the alternatives; without any, the definition is left as it is.
func (b *schemaBuilder) define(name string, alternatives ...*jsonschema.Schema) *jsonschema.Schema {
	if len(alternatives) == 1 {
		b.defs[name] = alternatives[0]
	} else if len(alternatives) > 1 {
		b.defs[name] = &jsonschema.Schema{AnyOf: alternatives}
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

// parameter returns the schema of ${...}, which may stand for any value.
func (b *schemaBuilder) parameter() *jsonschema.Schema {
	return b.define("Parameter", &jsonschema.Schema{
		Type: "string", Pattern: `\$\{[^{}]+\}`,
		Description: "A parameter, ${name}, or the result of an expression, ${name + 1}.",
	})
}

func enumOf(words []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// of returns the schema of a type, as a reference if the type has a name.
func (b *schemaBuilder) of(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		return b.of(t.Elem())
	}
	if _, done := b.defs[t.Name()]; done && t.Name() != "" {
		return b.define(t.Name())
	}
	if schema := b.forms[t].schema; schema != nil {
		return schema(b, t)
	}
	return b.kind(t)
}

// kind returns the schema of a type that has no special form.
func (b *schemaBuilder) kind(t reflect.Type) *jsonschema.Schema {
	switch t.Kind() {
	case reflect.String:
		if words := decode.WordsOf(t); words != nil {
			return b.define(t.Name(), enumOf(words), b.parameter())
		}
		// A number, or a word such as true, is allowed as text.
		return b.define("Scalar", &jsonschema.Schema{Type: "string"},
			&jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
	case reflect.Bool:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "boolean"}, b.parameter()}}
	case reflect.Int:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "integer"}, b.parameter()}}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: b.of(t.Elem())}
	case reflect.Slice:
		if decode.IsEntries(t) {
			return &jsonschema.Schema{Type: "object", AdditionalProperties: b.of(decode.EntryValue(t))}
		}
		elem := b.of(t.Elem())
		list := &jsonschema.Schema{Type: "array", Items: elem}
		if decode.IsSingle(t.Elem()) {
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{elem, list}}
		}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{list, b.parameter()}}
	}
	return b.structure(t)
}

// structure defines a struct: its mapping, its short form, and null if it has no required key.
func (b *schemaBuilder) structure(t reflect.Type) *jsonschema.Schema {
	if whole, ok := decode.Whole(t); ok {
		return b.of(whole)
	}
	ref := b.define(t.Name(), &jsonschema.Schema{}) // it may contain itself
	object := b.object(t)
	alternatives := []*jsonschema.Schema{object}
	if len(object.Required) == 0 {
		alternatives = append(alternatives, &jsonschema.Schema{Type: "null"})
	}
	if short, ok := decode.Short(t); ok {
		s := b.of(t.FieldByIndex(short.Index).Type)
		if short.Words != nil {
			s = enumOf(short.Words)
		}
		alternatives = append(alternatives, s)
	}
	alternatives = append(alternatives, b.parameter())
	b.define(t.Name(), alternatives...)
	return ref
}

// object returns the schema of the mapping of a struct.
func (b *schemaBuilder) object(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range decode.Fields(t) {
		b.property(s, t, f)
	}
	return s
}

func (b *schemaBuilder) property(s *jsonschema.Schema, t reflect.Type, f decode.Field) {
	sf := t.FieldByIndex(f.Index)
	p := *b.of(sf.Type)
	if f.Words != nil {
		p = jsonschema.Schema{AnyOf: []*jsonschema.Schema{enumOf(f.Words), b.parameter()}}
	}
	p.Description = sf.Tag.Get("jsonschema_description")
	s.Properties.Set(f.Key, &p)
	if f.Required {
		s.Required = append(s.Required, f.Key)
	}
}

// oneOf defines a struct of which one key is set: a mapping with only that key, or the name of the
// key.
func (b *schemaBuilder) oneOf(t reflect.Type) *jsonschema.Schema {
	b.define(t.Name(), &jsonschema.Schema{})
	object := b.object(t)
	one := uint64(1)
	object.MinProperties, object.MaxProperties = &one, &one
	return b.define(t.Name(), object, enumOf(decode.Keys(t)), b.parameter())
}

// step defines a step: an operation and the keys next to it.
func (b *schemaBuilder) step(step reflect.Type) *jsonschema.Schema {
	op := reflect.TypeFor[Op]()
	b.define(step.Name(), &jsonschema.Schema{})
	object := b.object(op)
	for _, f := range decode.Fields(step) {
		if !isBeside(f) {
			continue
		}
		operation, _ := object.Properties.Get(f.Key)
		b.property(object, step, f)
		if f.Key == "socket" {
			name, _ := object.Properties.Get(f.Key)
			object.Properties.Set(f.Key, &jsonschema.Schema{
				AnyOf:       []*jsonschema.Schema{name, {Ref: operation.Ref}},
				Description: operation.Description + " " + name.Description,
			})
		}
	}
	return b.define(step.Name(), object, enumOf(decode.Keys(op)), b.parameter())
}

// expectation defines each kind of expectation, with the keys that every kind can have.
func (b *schemaBuilder) expectation(t reflect.Type) *jsonschema.Schema {
	var alternatives []*jsonschema.Schema
	var beside []decode.Field
	for _, f := range decode.Fields(t) {
		if slices.Contains(expectationKeys, f.Key) {
			beside = append(beside, f)
		}
	}
	for _, f := range decode.Fields(t) {
		if slices.Contains(expectationKeys, f.Key) {
			continue
		}
		sf := t.FieldByIndex(f.Index)
		kind := b.object(sf.Type.Elem())
		for _, o := range beside {
			b.property(kind, t, o)
		}
		alternatives = append(alternatives, b.define(sf.Type.Elem().Name(), kind))
	}
	return b.define(t.Name(), append(alternatives, b.parameter())...)
}
