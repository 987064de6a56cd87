package language

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of scenario files, for editors: the keys, the short forms and the
// descriptions, made from the same Go types that the decoder fills. It is more lenient than [File.Expand], which knows
// which names there are.
func Schema() ([]byte, error) {
	b := &schemaBuilder{defs: jsonschema.Definitions{}}
	root := b.object(reflect.TypeFor[Scenario]())
	scalar := b.define("Scalar", &jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
	root.Properties.Set("params", &jsonschema.Schema{
		Type: "object", Description: "Parameters and their values, for ${name}, of which some may be made of others, ${name + 1}; a case may have values of its own. --set NAME=VALUE sets one for a run.",
	})
	one := uint64(1)
	label := jsonschema.NewProperties()
	label.Set("case", &jsonschema.Schema{Ref: scalar.Ref, Description: "What the case is called. Default: its first parameter, retries=3."})
	root.Properties.Set("cases", &jsonschema.Schema{
		Type: "array", MinItems: &one,
		Items: &jsonschema.Schema{
			Type: "object", MinProperties: &one,
			Properties: label,
		},
		Description: "One run for each: parameters and their values.",
	})
	root.Version = jsonschema.Version
	root.Title = "halfopen scenario"
	root.Definitions = b.defs
	return json.MarshalIndent(root, "", "  ")
}

// schemaBuilder collects the definitions of types.
type schemaBuilder struct{ defs jsonschema.Definitions }

// define adds a definition, once, that is one of alternatives, and returns a reference to it.
func (b *schemaBuilder) define(name string, alternatives ...*jsonschema.Schema) *jsonschema.Schema {
	if len(alternatives) == 1 {
		b.defs[name] = alternatives[0]
	} else if len(alternatives) > 1 {
		b.defs[name] = &jsonschema.Schema{AnyOf: alternatives}
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

// parameter is what may stand for any value.
func (b *schemaBuilder) parameter() *jsonschema.Schema {
	return b.define("Parameter", &jsonschema.Schema{Type: "string", Pattern: `\$\{[^{}]+\}`, Description: "A parameter, ${name}, or what is computed from some, ${name + 1}."})
}

func text(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern}
}

func enumOf(words []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// of returns the schema of a type, as a reference where the type has a name.
func (b *schemaBuilder) of(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		return b.of(t.Elem())
	}
	if _, done := b.defs[t.Name()]; done && t.Name() != "" {
		return b.define(t.Name())
	}
	integer := &jsonschema.Schema{Type: "integer"}
	const number, unit = `-?[0-9]+`, `([0-9.]+(ns|us|µs|ms|s|m|h))+`
	switch t {
	case reflect.TypeFor[Duration]():
		return b.define(t.Name(), text(`^`+unit+`$`), &jsonschema.Schema{Const: 0}, b.parameter())
	case reflect.TypeFor[Percent]():
		return b.define(t.Name(), text(`^[0-9.]+ *%$`), b.parameter())
	case reflect.TypeFor[Size]():
		return b.define(t.Name(), integer, text(`^[0-9]+ *(B|kB|MB|GB)?$`), b.parameter())
	case reflect.TypeFor[BitRate]():
		return b.define(t.Name(), text(`^[0-9.]+ *[kmg]?bit$`), b.parameter())
	case reflect.TypeFor[Count]():
		return b.define(t.Name(), integer, text(`^((>=|<=|>|<) *)?`+number+`$`), text(`^`+number+`\.\.`+number+`$`), b.parameter())
	case reflect.TypeFor[Span]():
		return b.define(t.Name(), text(`^((>=|<=|>|<) *)?`+unit+`$`), text(`^`+unit+` *\.\. *`+unit+`$`), text(`^~?`+unit+` *(±|\+-) *(`+unit+`|[0-9.]+%)$`), &jsonschema.Schema{Const: 0}, b.parameter())
	case reflect.TypeFor[Number]():
		return b.define(t.Name(), integer, text(`^(next|now)?([+-]?[0-9]+)?$`), b.parameter())
	case reflect.TypeFor[Text]():
		b.define(t.Name(), &jsonschema.Schema{})
		return b.define(t.Name(), &jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, b.object(t))
	case reflect.TypeFor[Step]():
		return b.step()
	case reflect.TypeFor[Action]():
		return b.oneOf(t)
	case reflect.TypeFor[Expectation]():
		return b.expectation()
	case reflect.TypeFor[[]Host](), reflect.TypeFor[[]Fault](), reflect.TypeFor[[]Actor]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: b.of(t.Elem())}
	case reflect.TypeFor[[]Sysctl](), reflect.TypeFor[[]SockOption](), reflect.TypeFor[Setsockopt]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: b.define("Scalar")}
	case reflect.TypeFor[[]CounterVal](), reflect.TypeFor[[]InfoVal]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: b.of(reflect.TypeFor[Count]())}
	}
	return b.kind(t)
}

// kind returns the schema of a type that has no form of its own.
func (b *schemaBuilder) kind(t reflect.Type) *jsonschema.Schema {
	switch t.Kind() {
	case reflect.String:
		if words := typeEnum(t); words != nil {
			return b.define(t.Name(), enumOf(words), b.parameter())
		}
		// A number or a word such as true stands for its text.
		return b.define("Scalar", &jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
	case reflect.Bool:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "boolean"}, b.parameter()}}
	case reflect.Int:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "integer"}, b.parameter()}}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: b.of(t.Elem())}
	case reflect.Slice:
		elem := b.of(t.Elem())
		list := &jsonschema.Schema{Type: "array", Items: elem}
		if k := t.Elem().Kind(); k == reflect.String || k == reflect.Int || t.Elem() == reflect.TypeFor[Span]() {
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{elem, list}}
		}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{list, b.parameter()}}
	}
	return b.structure(t)
}

// structure defines a struct: its mapping, its short form, and nothing at all where no key is required.
func (b *schemaBuilder) structure(t reflect.Type) *jsonschema.Schema {
	ref := b.define(t.Name(), &jsonschema.Schema{}) // it may contain itself
	object := b.object(t)
	alternatives := []*jsonschema.Schema{object}
	if len(object.Required) == 0 {
		alternatives = append(alternatives, &jsonschema.Schema{Type: "null"})
	}
	if short, ok := shortOf(fieldsOf(t)); ok {
		s := b.of(t.FieldByIndex(short.index).Type)
		if short.enum != nil {
			s = enumOf(short.enum)
		}
		alternatives = append(alternatives, s)
	}
	if t == reflect.TypeFor[SysctlOp]() {
		alternatives = append(alternatives, b.of(reflect.TypeFor[[]Sysctl]()))
	}
	alternatives = append(alternatives, b.parameter())
	b.define(t.Name(), alternatives...)
	return ref
}

// object returns the mapping of a struct's keys.
func (b *schemaBuilder) object(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, f := range fieldsOf(t) {
		b.property(s, t, f)
	}
	return s
}

func (b *schemaBuilder) property(s *jsonschema.Schema, t reflect.Type, f field) {
	sf := t.FieldByIndex(f.index)
	p := *b.of(sf.Type)
	if f.enum != nil {
		p = jsonschema.Schema{AnyOf: []*jsonschema.Schema{enumOf(f.enum), b.parameter()}}
	}
	p.Description = sf.Tag.Get("jsonschema_description")
	s.Properties.Set(f.key, &p)
	if f.required {
		s.Required = append(s.Required, f.key)
	}
}

// oneOf defines a struct of which one key is set: that key alone, or its name.
func (b *schemaBuilder) oneOf(t reflect.Type) *jsonschema.Schema {
	b.define(t.Name(), &jsonschema.Schema{})
	object := b.object(t)
	one := uint64(1)
	object.MinProperties, object.MaxProperties = &one, &one
	return b.define(t.Name(), object, enumOf(keysOf(fieldsOf(t))), b.parameter())
}

func (b *schemaBuilder) step() *jsonschema.Schema {
	step, op := reflect.TypeFor[Step](), reflect.TypeFor[Op]()
	b.define(step.Name(), &jsonschema.Schema{})
	object := b.object(op)
	for _, f := range fieldsOf(step) {
		if !slices.Contains(stepKeys, f.key) || len(f.index) > 1 {
			continue
		}
		operation, _ := object.Properties.Get(f.key)
		b.property(object, step, f)
		if f.key == "socket" {
			name, _ := object.Properties.Get(f.key)
			object.Properties.Set(f.key, &jsonschema.Schema{
				AnyOf:       []*jsonschema.Schema{name, {Ref: operation.Ref}},
				Description: operation.Description + " " + name.Description,
			})
		}
	}
	return b.define(step.Name(), object, enumOf(keysOf(fieldsOf(op))), b.parameter())
}

// expectation defines each kind of expectation, with the keys that may stand beside every kind.
func (b *schemaBuilder) expectation() *jsonschema.Schema {
	t := reflect.TypeFor[Expectation]()
	var kinds []*jsonschema.Schema
	var beside []field
	for _, f := range fieldsOf(t) {
		if slices.Contains(expectationKeys, f.key) {
			beside = append(beside, f)
		}
	}
	for _, f := range fieldsOf(t) {
		if slices.Contains(expectationKeys, f.key) {
			continue
		}
		sf := t.FieldByIndex(f.index)
		kind := b.object(sf.Type.Elem())
		for _, o := range beside {
			b.property(kind, t, o)
		}
		kinds = append(kinds, b.define(sf.Type.Elem().Name(), kind))
	}
	return b.define(t.Name(), append(kinds, b.parameter())...)
}
